"""What every securing mechanism comes down to: a document, whose key, and the bytes that were signed."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final, final

from msgspec import structs

from agentdid.errors import AlgKeyMismatch, KeyInvalid, SignatureInvalid
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.proof.suites import SELECTIVE
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from agentdid.canon.contexts import ContextRules
    from agentdid.canon.nquads import Quad
    from agentdid.keys.public import PublicKey
    from agentdid.limits import Budget

_MLDSA: Final = "mldsa"
SECURITY_LEVELS: Final = ("classical", "pq", "hybrid")
"""What a signature withstands, the weakest first."""
NO_CLAIMS: Final[Mapping[str, object]] = MappingProxyType({})


@final
class ProofCheck(Value, frozen=True, eq=False):
    """What checks a proof that is more than one signature: of a suite that signs statements one by one.

    Attributes:
        run: Holds that a key made it. Raises `SignatureInvalid`, `DerivedProofMalformed`.
        quads: The document's statements.
        hideable: Those of them that the holder could have left out.
        presentation_header: What a holder derived it for, where the suite says.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"run", "quads", "hideable"})

    run: Callable[[PublicKey], None]
    quads: list[Quad]
    hideable: list[Quad]
    presentation_header: bytes | None = None


@final
class Signature(Value, frozen=True, eq=False):
    """One signature, not yet checked.

    Attributes:
        method_id: The verification method, an absolute DID URL.
        did: The DID part of it: whose key it claims to be.
        purpose: The relationship under which the key must stand: the proof's, or the one JOSE documents need.
        suite: The cryptosuite or JOSE algorithm, as it stands in the document.
        algorithms: The key algorithms that may stand behind the suite.
        message: The signed bytes; empty while they are not `written`.
        value: The signature.
        write: Writes the signed bytes, where that costs work which only a judgement does: JSON-LD to statements. Of a
            selective suite it makes what checks them.
        variant: The bytes that another reading of the same specification signs for the same document, if there is one.
        proof: What checks a selective suite's proof, once it is `written`.
        id: The proof's own, if it has one.
        key: The key itself, where a claim that was signed carries it (`cnf`); `None` where the DID's document has it.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"message", "value", "write", "variant", "proof"})

    method_id: str
    did: str
    purpose: str
    suite: str
    algorithms: tuple[str, ...]
    message: bytes
    value: bytes
    write: Callable[[ContextRules | None, Budget | None], bytes | ProofCheck] | None = None
    variant: bytes | None = None
    proof: ProofCheck | None = None
    id: str | None = None
    key: PublicKey | None = None

    def written(self, budget: Budget | None = None, rules: ContextRules | None = None) -> Signature:
        """Return the same with its signed bytes, before anybody is asked for the key.

        Args:
            budget: Pays for labelling blank nodes.
            rules: What `@context` may be; by default `canon.contexts.STRICT`.

        Raises:
            TermUndefined, JsonRdfDivergence, ContextNotAllowed, ContextLoadForbidden, CanonicalizationLimit: The
                JSON says something else than the statements that were signed, or may.
        """
        if self.write is None:
            return self
        made = self.write(rules, budget)
        if isinstance(made, ProofCheck):
            return structs.replace(self, proof=made, write=None)
        return structs.replace(self, message=made, write=None)

    def check(self, key: PublicKey) -> None:
        """Hold that `key` made this signature.

        Raises:
            AlgKeyMismatch: The key is of another algorithm than the document says.
            KeyInvalid: It is of another parameter set of ML-DSA.
            SignatureInvalid: It did not.
            DerivedProofMalformed: A proof of more than one signature has not its form.
            RuntimeError: What was signed is not `written` yet.
        """
        if self.write is not None:
            raise RuntimeError("a signature is checked once it is written")
        if key.algorithm.name not in self.algorithms:
            same = key.algorithm.scheme == _MLDSA == ALGORITHMS[self.algorithms[0]].scheme
            if same and self.suite not in ALGORITHMS:  # in JOSE the header names the set, and is what is wrong (B08)
                raise KeyInvalid("a key of another parameter set of ML-DSA")  # ATTACKS S04
            raise AlgKeyMismatch(f"{self.suite} needs a key of {' or '.join(self.algorithms)}")
        if self.proof is not None:
            self.proof.run(key)
            return
        try:
            key.verify(self.value, self.message)
        except SignatureInvalid:
            if self.variant is None:
                raise
            key.verify(self.value, self.variant)


def level_of(signatures: tuple[Signature, ...]) -> str:
    """Return what signatures withstand: `classical`, `pq`, or `hybrid`, which is both at once.

    Only those by the first one's DID count: an endorsement by another does not make them stronger.
    """
    first = signatures[0]
    if len(signatures) == 1:
        return ALGORITHMS[first.algorithms[0]].security
    kinds = {ALGORITHMS[each.algorithms[0]].security for each in signatures if each.did == first.did}
    return kinds.pop() if len(kinds) == 1 else "hybrid"


@final
class Binding(Value, frozen=True, eq=False):
    """What ties a presentation to one audience, one challenge, one moment and, over HTTP, one request.

    `audience` and `nonce` are as they stand, of any JSON type: the judge compares them with what it expects. `covers`
    says whether it was made for the very bytes it came with, where it names them (RFC 9901 section 4.3.1).
    """

    audience: object
    nonce: object
    issued: datetime | None
    expires: datetime | None
    method: object = None
    url: object = None
    content_digest: object = None
    covers: bool = True


@final
class Secured(Value, frozen=True, eq=False):
    """A secured document taken apart; nothing about its signatures is established.

    Attributes:
        form: A cryptosuite, or the `typ` of a token.
        body: Its `document`, or what parses that when somebody looks.
        signatures: At least one; all must hold. The first is by the issuer or holder.
        named_by: Its `digest`, or what computes it: most who verify statements never ask.
        created: When it was signed, by its own word.
        expires: When the securing ends, by its own word: `expires` of a proof, `exp` of a token.
        begins: `nbf` of a token.
        claims: JWT claims beside the document; empty under Data Integrity.
        binding: For presentations.
        hidden_grants: Whether a capability has grants that were not disclosed.
        disclosed: The paths of claims that an SD-JWT VC's holder disclosed, and could have withheld.
        sent: Its `wire`, or what parses that when somebody looks.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"body", "named_by", "sent", "claims"})

    form: str
    body: dict[str, object] | Callable[[], dict[str, object]]
    signatures: tuple[Signature, ...]
    named_by: bytes | Callable[[], bytes]
    created: datetime | None
    expires: datetime | None
    begins: datetime | None
    sent: str | dict[str, object] | Callable[[], dict[str, object]]
    claims: Mapping[str, object]
    binding: Binding | None = None
    hidden_grants: bool = False
    disclosed: tuple[tuple[str | int, ...], ...] = ()

    def written(self, budget: Budget | None = None, rules: ContextRules | None = None) -> Secured:
        """Return the same with what was signed written for every signature; whoever judges does this first.

        Args:
            budget: As for `Signature.written`.
            rules: As for `Signature.written`.

        Raises:
            As `Signature.written`.
        """
        for each in self.signatures:
            if each.write is not None:
                return structs.replace(self, signatures=tuple([one.written(budget, rules) for one in self.signatures]))
        return self

    @property
    def document(self) -> dict[str, object]:
        """The JSON object that was secured, disclosures applied, without `proof`."""
        return self.body() if callable(self.body) else self.body

    @property
    def wire(self) -> str | dict[str, object]:
        """The document as it travels: compact text, or the JSON object with its proof."""
        return self.sent() if callable(self.sent) else self.sent

    @property
    def digest(self) -> bytes:
        """SHA-256 of what names this document as a parent (specs/delegation.md D7); empty for a presentation."""
        return self.named_by() if callable(self.named_by) else self.named_by

    @property
    def level(self) -> str:
        """What it withstands: see `level_of`."""
        return level_of(self.signatures)

    @property
    def is_selective(self) -> bool:
        """Whether a holder can derive, or has derived, from it under one of its suites."""
        return not SELECTIVE.keys().isdisjoint([each.suite for each in self.signatures])

    @property
    def signer(self) -> str:
        """The DID whose keys signed first; others signed only where the policy asks for their proofs."""
        return self.signatures[0].did
