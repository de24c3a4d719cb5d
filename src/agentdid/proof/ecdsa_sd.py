"""ecdsa-sd-2023: a signature a statement, so that a holder leaves out what it does not show.

The issuer's key signs once: the proof's options, the mandatory statements, and a key made for this one proof, which
signs every other statement. A base proof holds all of it and the key of the labels; a derived one the signatures of
what is shown. Two derived proofs of one base proof can be told to belong together.

The forms here are strict: one spelling a value (`codec.cbor`), exact lengths, and nothing that is not used.

Spec: vc-di-ecdsa sections 3.4 to 3.7.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, ClassVar, Final, final

from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.codec.cbor import encode_cbor
from agentdid.codec.varint import encode_varint
from agentdid.errors import DerivedProofMalformed, KeyInvalid
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.public import PublicKey, load_public
from agentdid.proof.proof_value import check_positions, part_of, read_labels, read_parts, read_pointers
from agentdid.proof.selective import Disclosure, Grouping, hmac_labels
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agentdid.keys.secret import Signer
    from agentdid.proof.selective import Relabelling

NAME: Final = "ecdsa-sd-2023"
ALGORITHM: Final = "P-256"
BASE: Final = b"\xd9\x5d\x00"
DERIVED: Final = b"\xd9\x5d\x01"
HMAC_LEN: Final = 32
_ROW: Final = ALGORITHMS[ALGORITHM]
_PREFIX: Final = encode_varint(_ROW.multicodec or 0)
_LABEL: Final = re.compile(r"u[A-Za-z0-9_-]{43}")


@final
class BaseProof(Value, frozen=True):
    """What a base proof value says.

    Attributes:
        signature: By the issuer's key.
        key: The proof's own public key, as a Multikey's bytes.
        hmac_key: Of the labels.
        signatures: By the proof's own key, of each statement that is not mandatory, in order.
        pointers: What the issuer made mandatory.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"hmac_key", "signatures"})

    signature: bytes
    key: bytes
    hmac_key: bytes
    signatures: tuple[bytes, ...]
    pointers: tuple[str, ...]

    @property
    def relabelling(self) -> Relabelling:
        """How its statements name blank nodes."""
        return hmac_labels(self.hmac_key)

    def encode(self) -> bytes:
        """Return the bytes of the proof value."""
        parts = [self.signature, self.key, self.hmac_key, list(self.signatures), list(self.pointers)]
        return BASE + encode_cbor(parts)


@final
class DerivedProof(Value, frozen=True):
    """What a derived proof value says.

    Attributes:
        signature: As in the base proof, as is `key`.
        key: The proof's own public key.
        signatures: Of each shown statement that is not mandatory, in order.
        labels: What the shown canonical labels were replaced by, both without `_:`.
        mandatory: Positions of the mandatory statements among the shown ones.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"signatures"})

    signature: bytes
    key: bytes
    signatures: tuple[bytes, ...]
    labels: Mapping[str, str]
    mandatory: tuple[int, ...]

    def encode(self) -> bytes:
        """Return the bytes of the proof value."""
        labels = {int(name[4:]): decode_base64url(label[1:]) for name, label in self.labels.items()}
        return DERIVED + encode_cbor([self.signature, self.key, list(self.signatures), labels, list(self.mandatory)])


def parse_base(octets: bytes) -> BaseProof:
    """Return what a base proof value says. Raises `DerivedProofMalformed`.

    Spec: vc-di-ecdsa section 3.5.3.
    """
    signature, key, hmac_key, signatures, pointers = read_parts(octets, BASE, 5)
    return BaseProof(
        part_of(signature, _ROW.signature_len),
        _key(key),
        part_of(hmac_key, HMAC_LEN),
        _signatures(signatures),
        read_pointers(pointers),
    )


def parse_derived(octets: bytes) -> DerivedProof:
    """Return what a derived proof value says. Raises `DerivedProofMalformed`.

    Spec: vc-di-ecdsa section 3.5.8.
    """
    signature, key, signatures, labels, mandatory = read_parts(octets, DERIVED, 5)
    named = {name: f"u{encode_base64url(part_of(label, HMAC_LEN))}" for name, label in read_labels(labels).items()}
    if len(set(named.values())) != len(named):
        raise DerivedProofMalformed("two blank nodes of one label")
    return DerivedProof(
        part_of(signature, _ROW.signature_len),
        _key(key),
        _signatures(signatures),
        named,
        check_positions(mandatory),
    )


def make_base(
    grouping: Grouping, pointers: Sequence[str], proof_hash: bytes, signer: Signer, own: Signer, hmac_key: bytes
) -> BaseProof:
    """Return a base proof over the statements of a document.

    Args:
        grouping: Of the document, under `hmac_labels(hmac_key)`, with a group `mandatory` of the pointers.
        pointers: What is mandatory.
        proof_hash: SHA-256 of the canonical proof options.
        signer: The issuer's key, P-256.
        own: A fresh key of P-256, for this proof only.
        hmac_key: Fresh, for this proof only.

    Spec: vc-di-ecdsa section 3.6.5.
    """
    group = grouping.groups["mandatory"]
    key = _PREFIX + own.public.raw
    signature = signer.sign(signed_bytes(proof_hash, key, group.matching.values()))
    signatures = tuple([own.sign(line.encode()) for line in group.rest.values()])
    return BaseProof(signature, key, hmac_key, signatures, tuple(pointers))


def derive(base: BaseProof, disclosure: Disclosure) -> DerivedProof:
    """Return the derived proof of what is disclosed. Raises `DerivedProofMalformed` of a base proof that cannot be.

    Spec: vc-di-ecdsa section 3.5.6.
    """
    if len(base.signatures) != len(disclosure.optional):
        raise DerivedProofMalformed("expected a signature for each statement that is not mandatory")
    signatures = tuple([base.signatures[at] for at in disclosure.chosen])
    return DerivedProof(base.signature, base.key, signatures, disclosure.labels, tuple(disclosure.mandatory))


def signed_bytes(proof_hash: bytes, key: bytes, mandatory: Iterable[str]) -> bytes:
    """Return what the issuer's key signs (vc-di-ecdsa section 3.5.1)."""
    return proof_hash + key + sha256("".join(mandatory).encode()).digest()


def check(proof: BaseProof | DerivedProof, issuer: PublicKey, signed: bytes, optional: Sequence[str]) -> None:
    """Hold that the issuer signed, and that the proof's own key signed each statement that is not mandatory.

    Args:
        proof: Whose signatures these are; `check_count` held.
        issuer: The issuer's key.
        signed: From `signed_bytes`.
        optional: The statements, in order.

    Raises:
        SignatureInvalid: One of the signatures does not hold.

    Spec: vc-di-ecdsa section 3.6.7, steps 3 and on.
    """
    issuer.verify(proof.signature, signed)
    own = own_key(proof)
    for line, signature in zip(optional, proof.signatures, strict=True):
        own.verify(signature, line.encode())


def own_key(proof: BaseProof | DerivedProof) -> PublicKey:
    """Return the proof's own key."""
    return load_public(ALGORITHM, proof.key[len(_PREFIX) :])


def check_count(proof: BaseProof | DerivedProof, optional: Sequence[str]) -> None:
    """Hold that there is one signature for each statement that is not mandatory. Raises `DerivedProofMalformed`."""
    if len(proof.signatures) != len(optional):
        raise DerivedProofMalformed("expected a signature for each statement that is not mandatory")


def _key(value: object) -> bytes:
    octets = part_of(value, len(_PREFIX) + _ROW.public_len)
    if not octets.startswith(_PREFIX):
        raise DerivedProofMalformed("expected the proof's own key to be of P-256")
    try:
        load_public(ALGORITHM, octets[len(_PREFIX) :])
    except KeyInvalid:
        raise DerivedProofMalformed("expected the proof's own key to be a point of P-256") from None
    return octets


def _signatures(value: object) -> tuple[bytes, ...]:
    if type(value) is not list:
        raise DerivedProofMalformed("expected a list of signatures")
    return tuple([part_of(each, _ROW.signature_len) for each in value])
