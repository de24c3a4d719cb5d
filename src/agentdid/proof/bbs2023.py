"""bbs-2023: one BBS signature over all statements, and proofs of it that cannot be told to belong together.

The header of the signature holds the proof's options and the mandatory statements, its messages are the others. Only
the baseline feature is spoken: a proof value of another (holder binding, pseudonyms) is malformed here.

Spec: vc-di-bbs sections 3.3 and 3.4.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, ClassVar, Final, final

from agentdid.codec.cbor import encode_cbor
from agentdid.errors import DerivedProofMalformed
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.proof.proof_value import check_positions, part_of, read_labels, read_number, read_parts, read_pointers
from agentdid.proof.selective import Disclosure, Grouping, shuffled_labels
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from py_arkworks_bls12381 import Scalar

    from agentdid.keys.secret import SecretKey
    from agentdid.proof.selective import Relabelling

NAME: Final = "bbs-2023"
ALGORITHM: Final = "BLS12-381-G2"
BASE: Final = b"\xd9\x5d\x02"
DERIVED: Final = b"\xd9\x5d\x03"
HMAC_LEN: Final = 32
_KEY_LEN: Final = ALGORITHMS[ALGORITHM].public_len
_SIGNATURE_LEN: Final = 80
_HEADER_LEN: Final = 64


@final
class BaseProof(Value, frozen=True):
    """What a base proof value says.

    Attributes:
        signature: BBS, by the issuer's key.
        header: From `header_of`.
        key: The issuer's public key.
        hmac_key: Of the labels.
        pointers: What the issuer made mandatory.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"signature", "hmac_key"})

    signature: bytes
    header: bytes
    key: bytes
    hmac_key: bytes
    pointers: tuple[str, ...]

    @property
    def relabelling(self) -> Relabelling:
        """How its statements name blank nodes."""
        return shuffled_labels(self.hmac_key)

    def encode(self) -> bytes:
        """Return the bytes of the proof value."""
        return BASE + encode_cbor([self.signature, self.header, self.key, self.hmac_key, list(self.pointers)])


@final
class DerivedProof(Value, frozen=True):
    """What a derived proof value says.

    Attributes:
        proof: BBS, of the shown statements.
        labels: What the shown canonical labels were replaced by, both without `_:`.
        mandatory: Positions of the mandatory statements among the shown ones.
        chosen: Positions of the shown statements that are not mandatory, among all that are not.
        presentation_header: What it was made for.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"proof"})

    proof: bytes
    labels: Mapping[str, str]
    mandatory: tuple[int, ...]
    chosen: tuple[int, ...]
    presentation_header: bytes

    def encode(self) -> bytes:
        """Return the bytes of the proof value."""
        labels = {int(name[4:]): int(label[1:]) for name, label in self.labels.items()}
        return DERIVED + encode_cbor(
            [self.proof, labels, list(self.mandatory), list(self.chosen), self.presentation_header]
        )


def parse_base(octets: bytes) -> BaseProof:
    """Return what a base proof value says. Raises `DerivedProofMalformed`.

    Spec: vc-di-bbs section 3.3.3.
    """
    signature, header, key, hmac_key, pointers = read_parts(octets, BASE, 5)
    return BaseProof(
        part_of(signature, _SIGNATURE_LEN),
        part_of(header, _HEADER_LEN),
        part_of(key, _KEY_LEN),
        part_of(hmac_key, HMAC_LEN),
        read_pointers(pointers),
    )


def parse_derived(octets: bytes) -> DerivedProof:
    """Return what a derived proof value says. Raises `DerivedProofMalformed`.

    Spec: vc-di-bbs section 3.3.7.
    """
    proof, labels, mandatory, chosen, presentation_header = read_parts(octets, DERIVED, 5)
    named = {name: f"b{read_number(label)}" for name, label in read_labels(labels).items()}
    if len(set(named.values())) != len(named):
        raise DerivedProofMalformed("two blank nodes of one label")
    return DerivedProof(
        part_of(proof), named, check_positions(mandatory), check_positions(chosen), part_of(presentation_header)
    )


def header_of(proof_hash: bytes, mandatory: Iterable[str]) -> bytes:
    """Return the header of the signature: the hash of the options, then that of the mandatory statements."""
    return proof_hash + sha256("".join(mandatory).encode()).digest()


def make_base(
    grouping: Grouping, pointers: Sequence[str], proof_hash: bytes, secret: SecretKey, hmac_key: bytes
) -> BaseProof:
    """Return a base proof over the statements of a document.

    Args:
        grouping: Of the document, under `shuffled_labels(hmac_key)`, with a group `mandatory` of the pointers.
        pointers: What is mandatory.
        proof_hash: SHA-256 of the canonical proof options.
        secret: The issuer's key; in memory, as no key service signs with BBS.
        hmac_key: Fresh, for this proof only.

    Raises:
        InputTooLarge: More statements than `bbs.MAX_MESSAGES`.

    Spec: vc-di-bbs section 3.4.5.
    """
    from agentdid.proof import bbs  # noqa: PLC0415  # an extra

    group = grouping.groups["mandatory"]
    header = header_of(proof_hash, group.matching.values())
    messages = [line.encode() for line in group.rest.values()]
    signature = bbs.sign(secret.export_seed(), secret.public.raw, header, messages)
    return BaseProof(signature, header, secret.public.raw, hmac_key, tuple(pointers))


def derive(
    base: BaseProof,
    disclosure: Disclosure,
    presentation_header: bytes,
    *,
    scalars: Callable[[int], list[Scalar]] | None = None,
) -> DerivedProof:
    """Return a derived proof of what is disclosed; two of them have nothing in common but what they show.

    Args:
        base: The base proof.
        disclosure: Of its document.
        presentation_header: What it is made for.
        scalars: Where its random scalars come from; by default `bbs.random_scalars`.

    Raises:
        SignatureInvalid, KeyInvalid: Not the form of a signature, or of a key.
        InputTooLarge: More statements than `bbs.MAX_MESSAGES`.

    Spec: vc-di-bbs section 3.3.6.
    """
    from agentdid.proof import bbs  # noqa: PLC0415  # as above

    messages = [line.encode() for line in disclosure.optional]
    draw = scalars or bbs.random_scalars
    proof = bbs.prove(
        base.key, base.signature, base.header, presentation_header, messages, disclosure.chosen, scalars=draw
    )
    return DerivedProof(
        proof, disclosure.labels, tuple(disclosure.mandatory), tuple(disclosure.chosen), presentation_header
    )


def count_statements(proof: BaseProof | DerivedProof, optional: Sequence[str]) -> int:
    """Return how many statements the signature is over; an upper bound of what checking it costs.

    Raises:
        DerivedProofMalformed: Another count of shown statements than the proof states, or a length that none has.
    """
    if isinstance(proof, BaseProof):
        return len(optional)
    if len(proof.chosen) != len(optional):
        raise DerivedProofMalformed("expected a position for each shown statement that is not mandatory")
    from agentdid.proof import bbs  # noqa: PLC0415  # as above

    return bbs.count_messages(proof.proof, len(optional))


def check_base(proof: BaseProof, key: bytes, header: bytes, optional: Sequence[str]) -> None:
    """Hold that a key signed these statements.

    Args:
        proof: The base proof.
        key: The issuer's public key.
        header: From `header_of`, of the document at hand.
        optional: The statements that are not mandatory, in order.

    Raises:
        DerivedProofMalformed: The base proof carries another key or header than a holder would derive with.
        SignatureInvalid: It did not.
    """
    from agentdid.proof import bbs  # noqa: PLC0415  # as above

    if proof.key != key or proof.header != header:
        raise DerivedProofMalformed("the key and the header in a base proof are those of its signature")
    bbs.verify(key, proof.signature, header, [line.encode() for line in optional])


def check_derived(proof: DerivedProof, key: bytes, header: bytes, optional: Sequence[str]) -> None:
    """Hold that a key signed these statements among others.

    Args:
        proof: The derived proof.
        key: The issuer's public key.
        header: From `header_of`, of the document at hand.
        optional: The shown statements that are not mandatory, in order.

    Raises:
        DerivedProofMalformed: Not the one spelling of a proof, or another count of statements than it states.
        SignatureInvalid: It did not.

    Spec: vc-di-bbs section 3.4.7.
    """
    from agentdid.proof import bbs  # noqa: PLC0415  # as above

    messages = [line.encode() for line in optional]
    bbs.verify_proof(key, proof.proof, header, proof.presentation_header, messages, proof.chosen)
