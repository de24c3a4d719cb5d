"""What every securing mechanism comes down to: a document, whose key, and the bytes that were signed."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final, final

from agentdid.errors import AlgKeyMismatch
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from agentdid.keys.public import PublicKey

NO_CLAIMS: Final[Mapping[str, object]] = MappingProxyType({})


@final
class Signature(Value, frozen=True, eq=False):
    """One signature, not yet checked.

    Attributes:
        method_id: The verification method, an absolute DID URL.
        did: The DID part of it: whose key it claims to be.
        purpose: The relationship under which the key must stand: the proof's, or the one JOSE documents need.
        suite: The cryptosuite or JOSE algorithm, as it stands in the document.
        algorithms: The key algorithms that may stand behind the suite.
        message: The signed bytes.
        value: The signature.
        key: The key itself, where a claim that was signed carries it (`cnf`); `None` where the DID's document has it.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"message", "value"})

    method_id: str
    did: str
    purpose: str
    suite: str
    algorithms: tuple[str, ...]
    message: bytes
    value: bytes
    key: PublicKey | None = None

    def check(self, key: PublicKey) -> None:
        """Hold that `key` made this signature.

        Raises:
            AlgKeyMismatch: The key is of another algorithm than the document says.
            SignatureInvalid: It did not.
        """
        if key.algorithm.name not in self.algorithms:
            raise AlgKeyMismatch(f"{self.suite} needs a key of {' or '.join(self.algorithms)}")
        key.verify(self.value, self.message)


@final
class Binding(Value, frozen=True, eq=False):
    """What ties a presentation to one audience, one challenge, one moment and, over HTTP, one request.

    `audience` and `nonce` are as they stand, of any JSON type: the judge compares them with what it expects.
    """

    audience: object
    nonce: object
    issued: datetime | None
    expires: datetime | None
    method: object = None
    url: object = None
    content_digest: object = None


@final
class Secured(Value, frozen=True, eq=False):
    """A secured document taken apart; nothing about its signatures is established.

    Attributes:
        form: A cryptosuite, or the `typ` of a token.
        document: The JSON object that was secured, disclosures applied, without `proof`.
        signatures: At least one; all must hold.
        digest: SHA-256 of what names this document as a parent (specs/delegation.md D7); empty for a `vp+jwt`.
        created: When it was signed, by its own word.
        expires: When the securing ends, by its own word: `expires` of a proof, `exp` of a token.
        begins: `nbf` of a token.
        claims: JWT claims beside the document; empty under Data Integrity.
        binding: For presentations.
        hidden_grants: Whether a capability has grants that were not disclosed.
        wire: The document as it travels: compact text, or the JSON object with its proof.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"document", "digest", "wire", "claims"})

    form: str
    document: dict[str, object]
    signatures: tuple[Signature, ...]
    digest: bytes
    created: datetime | None
    expires: datetime | None
    begins: datetime | None
    wire: str | dict[str, object]
    claims: Mapping[str, object]
    binding: Binding | None = None
    hidden_grants: bool = False

    @property
    def signer(self) -> str:
        """The DID whose keys signed; the readers made sure that there is only one."""
        return self.signatures[0].did
