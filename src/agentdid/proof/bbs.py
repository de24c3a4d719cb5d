"""BBS signatures: one signature over many messages, and proofs of it that show some messages and hide the others.

Two proofs of one signature cannot be told to come from it but by what they show. The mathematics of the curve is the
library's (extra `bbs`); this is the scheme over it, with both ciphersuites of the draft. Keys are points of G2
(`keys.bls`), signatures a point of G1 and a scalar. What is hidden stays in the library's own scalars.

Generators depend on nothing but the ciphersuite and their count; they are computed once, `MAX_MESSAGES` at most, so
that nobody can make a process hold more.

Spec: draft-irtf-cfrg-bbs-signatures-08.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final, final

from agentdid.errors import DerivedProofMalformed, ExtraMissing, InputTooLarge, KeyInvalid, SignatureInvalid
from agentdid.record import Value

try:
    from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar
except ModuleNotFoundError:
    raise ExtraMissing("BBS needs the extra bbs: pip install 'agentdid[bbs]'") from None

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_MESSAGES: Final = 1024
"""Messages under one signature: each costs a third of a millisecond once, and its generator is kept."""
POINT_LEN: Final = 48
SCALAR_LEN: Final = 32
SIGNATURE_LEN: Final = POINT_LEN + SCALAR_LEN
PROOF_LEN: Final = 3 * POINT_LEN + 4 * SCALAR_LEN
"""Of a proof that hides nothing; every hidden message adds a scalar."""
_EXPAND_LEN: Final = 48  # ceil((ceil(log2(r)) + k) / 8), section 6.2.2
_BLINDING: Final = 5  # r1, r2, e~, r1~, r3~, section 3.6.3
_FIELD: Final = int(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab", 16
)
_BASE: Final = G2Point()


@final
class Ciphersuite(Value, frozen=True, eq=False):
    """One row of section 7: a hash to the curve, a hash to scalars, and the point that signatures start from.

    Attributes:
        identifier: `ciphersuite_id`.
        expand: `expand_message` of RFC 9380 section 5.3: message, domain separation tag, octets.
        to_curve: `hash_to_curve_g1`: message, domain separation tag.
        start: `P1`, compressed.
    """

    identifier: bytes
    expand: Callable[[bytes, bytes, int], bytes]
    to_curve: Callable[[bytes, bytes], G1Point]
    start: bytes

    @property
    def api(self) -> bytes:
        """`api_id` of the interface that hashes messages to scalars (section 6.3)."""
        return self.identifier + b"H2G_HM2S_"


def expand_xmd(message: bytes, tag: bytes, length: int) -> bytes:
    """Return `expand_message_xmd` with SHA-256 (RFC 9380 section 5.3.1)."""
    ending = tag + bytes((len(tag),))
    first = hashlib.sha256(bytes(64) + message + length.to_bytes(2, "big") + b"\0" + ending).digest()
    block = hashlib.sha256(first + b"\1" + ending).digest()
    blocks = [block]
    for position in range(2, -(-length // 32) + 1):
        mixed = (int.from_bytes(first, "big") ^ int.from_bytes(block, "big")).to_bytes(32, "big")
        block = hashlib.sha256(mixed + bytes((position,)) + ending).digest()
        blocks.append(block)
    return b"".join(blocks)[:length]


def expand_xof(message: bytes, tag: bytes, length: int) -> bytes:
    """Return `expand_message_xof` with SHAKE-256 (RFC 9380 section 5.3.2)."""
    return hashlib.shake_256(message + length.to_bytes(2, "big") + tag + bytes((len(tag),))).digest(length)


def _to_curve_xof(message: bytes, tag: bytes) -> G1Point:
    octets = expand_xof(message, tag, 128)
    first, second = [
        G1Point.map_from_fp_be((int.from_bytes(half, "big") % _FIELD).to_bytes(POINT_LEN, "big"))
        for half in (octets[:64], octets[64:])
    ]
    return first + second


SHA_256: Final = Ciphersuite(
    b"BBS_BLS12381G1_XMD:SHA-256_SSWU_RO_",
    expand_xmd,
    G1Point.hash_to_curve,
    bytes.fromhex("a8ce256102840821a3e94ea9025e4662b205762f9776b3a766c872b948f1fd225e7c59698588e70d11406d161b4e28c9"),
)
SHAKE_256: Final = Ciphersuite(
    b"BBS_BLS12381G1_XOF:SHAKE-256_SSWU_RO_",
    expand_xof,
    _to_curve_xof,
    bytes.fromhex("8929dfbc7e6642c4ed9cba0856e493f8b9d7d5fcb0c31ef8fdcd34d50648a56c795e106e9eada6e0bda386b414150755"),
)


def generate_secret(
    material: bytes, info: bytes = b"", *, tag: bytes | None = None, suite: Ciphersuite = SHA_256
) -> bytes:
    """Return the secret key that key material of 32 bytes or more gives (KeyGen, section 3.4.1).

    Raises:
        ValueError: Too little material, or too much information beside it.
    """
    if len(material) < SCALAR_LEN or len(info) > 0xFFFF:  # noqa: PLR2004  # two octets say how long
        message = "expected at least 32 bytes of key material and at most 65535 of key information"
        raise ValueError(message)
    derived = material + len(info).to_bytes(2, "big") + info
    return hash_to_scalar(derived, tag or suite.identifier + b"KEYGEN_DST_", suite).to_be_bytes()


def hash_to_scalar(octets: bytes, tag: bytes, suite: Ciphersuite = SHA_256) -> Scalar:
    """Return `hash_to_scalar` (section 4.2.2)."""
    return Scalar.from_be_bytes_mod_order(suite.expand(octets, tag, _EXPAND_LEN))


def message_scalars(messages: Sequence[bytes], suite: Ciphersuite = SHA_256) -> list[Scalar]:
    """Return `messages_to_scalars` (section 4.1.2)."""
    tag = suite.api + b"MAP_MSG_TO_SCALAR_AS_HASH_"
    return [hash_to_scalar(each, tag, suite) for each in messages]


def generators(count: int, suite: Ciphersuite = SHA_256) -> tuple[list[G1Point], bytes]:
    """Return `count` generators, Q_1 before those of the messages, and all of them compressed (section 4.1.1).

    Raises:
        InputTooLarge: More than `MAX_MESSAGES` and Q_1.
    """
    if count > MAX_MESSAGES + 1:
        raise InputTooLarge(f"at most {MAX_MESSAGES} messages under one BBS signature")
    return _generators(count, suite)


@lru_cache(maxsize=128)
def _generators(count: int, suite: Ciphersuite) -> tuple[list[G1Point], bytes]:
    found = [_generator(position, suite) for position in range(1, count + 1)]
    return [point for _, point in found], b"".join(point.to_compressed_bytes() for _, point in found)


@lru_cache(maxsize=2 * (MAX_MESSAGES + 1))
def _generator(position: int, suite: Ciphersuite) -> tuple[bytes, G1Point]:
    """Return a step of the chain of `v` and the generator it gives."""
    tag = suite.api + b"SIG_GENERATOR_SEED_"
    # the loop, and not recursion, walks up: `_generators` asks in order, so each step finds the one before it
    before = (
        suite.expand(suite.api + b"MESSAGE_GENERATOR_SEED", tag, _EXPAND_LEN)
        if position == 1
        else _generator(position - 1, suite)[0]
    )
    step = suite.expand(before + position.to_bytes(8, "big"), tag, _EXPAND_LEN)
    return step, suite.to_curve(step, suite.api + b"SIG_GENERATOR_DST_")


def sign(secret: bytes, public: bytes, header: bytes, messages: Sequence[bytes], suite: Ciphersuite = SHA_256) -> bytes:
    """Return the signature of a header and messages, 80 bytes (Sign, section 3.5.1).

    Args:
        secret: 32 bytes, of which `public` comes.
        public: The compressed point.
        header: What every proof shows.
        messages: Any number to `MAX_MESSAGES`.
        suite: The ciphersuite.

    Raises:
        InputTooLarge: Too many messages.
    """
    scalars = message_scalars(messages, suite)
    domain = _domain(public, len(scalars), header, suite)
    key = Scalar.from_be_bytes(secret)
    hashed = b"".join(each.to_be_bytes() for each in (key, *scalars, domain))
    e = hash_to_scalar(hashed, suite.api + b"H2S_", suite)
    point = _commit(domain, range(len(scalars)), scalars, suite) * (key + e).inverse()
    return point.to_compressed_bytes() + e.to_be_bytes()


def verify(
    public: bytes, signature: bytes, header: bytes, messages: Sequence[bytes], suite: Ciphersuite = SHA_256
) -> None:
    """Hold that a key signed a header and messages (Verify, section 3.5.2).

    Raises:
        SignatureInvalid: It did not, or these are not the bytes of a signature.
        KeyInvalid, InputTooLarge: The key, or the count of messages.
    """
    point, e = _signature(signature)
    scalars = message_scalars(messages, suite)
    domain = _domain(public, len(scalars), header, suite)
    committed = _commit(domain, range(len(scalars)), scalars, suite)
    if not GT.pairing_check([point, point * e - committed], [_public(public), _BASE]):
        raise SignatureInvalid("the signature does not match the signed bytes")


def random_scalars(count: int) -> list[Scalar]:
    """Return fresh scalars, uniform up to 2^-128 (section 4.2.1)."""
    return [Scalar.from_be_bytes_mod_order(secrets.token_bytes(_EXPAND_LEN)) for _ in range(count)]


def prove(
    public: bytes,
    signature: bytes,
    header: bytes,
    presentation_header: bytes,
    messages: Sequence[bytes],
    shown: Sequence[int],
    *,
    scalars: Callable[[int], list[Scalar]] = random_scalars,
    suite: Ciphersuite = SHA_256,
) -> bytes:
    """Return a proof of a signature that shows some of its messages (ProofGen, section 3.5.3).

    Args:
        public: The signer's key.
        signature: Of the header and all messages; not verified here.
        header: As signed.
        presentation_header: What the proof is made for.
        messages: All of them.
        shown: Ascending positions of those that are shown.
        scalars: Where fresh scalars come from.
        suite: The ciphersuite.

    Raises:
        SignatureInvalid: Not the bytes of a signature.
        InputTooLarge: Too many messages.
    """
    point, e = _signature(signature)
    hashed = message_scalars(messages, suite)
    count = len(hashed)
    hidden = [position for position in range(count) if position not in frozenset(shown)]
    r1, r2, e_blind, r1_blind, r3_blind, *blinds = scalars(_BLINDING + len(hidden))
    domain = _domain(public, count, header, suite)
    points, _ = generators(count + 1, suite)
    d = _commit(domain, range(count), hashed, suite) * r2
    a_bar = point * (r1 * r2)
    b_bar = d * r1 - a_bar * e
    t1 = G1Point.multiexp_unchecked([a_bar, d], [e_blind, r1_blind])
    t2 = G1Point.multiexp_unchecked([d, *[points[1 + position] for position in hidden]], [r3_blind, *blinds])
    octets = b"".join(each.to_compressed_bytes() for each in (a_bar, b_bar, d))
    shown_scalars = [hashed[position] for position in shown]
    challenge = _challenge(octets, t1, t2, shown_scalars, shown, domain, presentation_header, suite)
    answers = [
        e_blind + e * challenge,
        r1_blind - r1 * challenge,
        r3_blind - r2.inverse() * challenge,
        *[blind + hashed[position] * challenge for position, blind in zip(hidden, blinds, strict=True)],
        challenge,
    ]
    return octets + b"".join(each.to_be_bytes() for each in answers)


def count_messages(proof: bytes, shown: int) -> int:
    """Return over how many messages a proof was made that shows so many of them.

    Raises:
        DerivedProofMalformed: No proof has that length.
    """
    hidden, rest = divmod(len(proof) - PROOF_LEN, SCALAR_LEN)
    if hidden < 0 or rest:
        raise DerivedProofMalformed("a BBS proof of a length that none has")
    return shown + hidden


def verify_proof(
    public: bytes,
    proof: bytes,
    header: bytes,
    presentation_header: bytes,
    messages: Sequence[bytes],
    shown: Sequence[int],
    suite: Ciphersuite = SHA_256,
) -> None:
    """Hold that a key signed a header and these messages among others (ProofVerify, section 3.5.4).

    Args:
        public: The signer's key.
        proof: From `prove`.
        header: As signed.
        presentation_header: As proven.
        messages: Those that are shown.
        shown: Their ascending positions among all.
        suite: The ciphersuite.

    Raises:
        DerivedProofMalformed: Not the one spelling of a proof, or positions that are none of it.
        SignatureInvalid: It is of something else.
        KeyInvalid, InputTooLarge: The key, or the count of messages.
    """
    count = count_messages(proof, len(shown))
    if len(messages) != len(shown) or any(a >= b for a, b in pairwise((-1, *shown, count))):
        raise DerivedProofMalformed("expected ascending positions of the shown messages, each of a message")
    a_bar, b_bar, d = [_point(proof[at : at + POINT_LEN]) for at in range(0, 3 * POINT_LEN, POINT_LEN)]
    e_hat, r1_hat, r3_hat, *hats, challenge = _answers(proof[3 * POINT_LEN :])
    hashed = message_scalars(messages, suite)
    domain = _domain(public, count, header, suite)
    points, _ = generators(count + 1, suite)
    hidden = [position for position in range(count) if position not in frozenset(shown)]
    t1 = G1Point.multiexp_unchecked([b_bar, a_bar, d], [challenge, e_hat, r1_hat])
    # B * c is not computed by itself: its parts go into the one sum that gives T2
    t2 = G1Point.multiexp_unchecked(
        [_start(suite), points[0], *[points[1 + position] for position in shown], d]
        + [points[1 + position] for position in hidden],
        [challenge, domain * challenge, *[each * challenge for each in hashed], r3_hat, *hats],
    )
    made = _challenge(proof[: 3 * POINT_LEN], t1, t2, hashed, shown, domain, presentation_header, suite)
    if not hmac.compare_digest(made.to_be_bytes(), challenge.to_be_bytes()):
        raise SignatureInvalid("the proof is not of what is shown")
    if not GT.pairing_check([a_bar, -b_bar], [_public(public), _BASE]):
        raise SignatureInvalid("the proof is of no signature by this key")


def _domain(public: bytes, count: int, header: bytes, suite: Ciphersuite) -> Scalar:
    """Section 4.2.3."""
    _, octets = generators(count + 1, suite)
    signed = public + count.to_bytes(8, "big") + octets + suite.api + len(header).to_bytes(8, "big") + header
    return hash_to_scalar(signed, suite.api + b"H2S_", suite)


def _commit(domain: Scalar, positions: Sequence[int], scalars: Sequence[Scalar], suite: Ciphersuite) -> G1Point:
    points, _ = generators(len(positions) + 1, suite)
    return _start(suite) + G1Point.multiexp_unchecked(points, [domain, *scalars])


def _challenge(
    octets: bytes,
    t1: G1Point,
    t2: G1Point,
    scalars: Sequence[Scalar],
    shown: Sequence[int],
    domain: Scalar,
    presentation_header: bytes,
    suite: Ciphersuite,
) -> Scalar:
    """Section 3.6.4 (ProofChallengeCalculate)."""
    parts = [len(shown).to_bytes(8, "big")]
    for position, scalar in zip(shown, scalars, strict=True):
        parts += [position.to_bytes(8, "big"), scalar.to_be_bytes()]
    parts += [octets, t1.to_compressed_bytes(), t2.to_compressed_bytes(), domain.to_be_bytes()]
    parts += [len(presentation_header).to_bytes(8, "big"), presentation_header]
    return hash_to_scalar(b"".join(parts), suite.api + b"H2S_", suite)


@lru_cache(maxsize=2)
def _start(suite: Ciphersuite) -> G1Point:
    return G1Point.from_compressed_bytes(suite.start)


@lru_cache(maxsize=256)
def _public(octets: bytes) -> G2Point:
    try:
        point = G2Point.from_compressed_bytes(octets)  # checks curve and subgroup
    except ValueError:
        raise KeyInvalid("not a point of the prime-order subgroup of G2") from None
    if point == G2Point.identity():
        raise KeyInvalid("the point at infinity is nobody's key")
    return point


def _signature(octets: bytes) -> tuple[G1Point, Scalar]:
    if len(octets) != SIGNATURE_LEN:
        raise SignatureInvalid(f"a BBS signature has {SIGNATURE_LEN} bytes")
    try:
        point = _point(octets[:POINT_LEN])
        (e,) = _answers(octets[POINT_LEN:])
    except DerivedProofMalformed:
        raise SignatureInvalid("not a point and a scalar of a BBS signature") from None
    return point, e


def _point(octets: bytes) -> G1Point:
    try:
        point = G1Point.from_compressed_bytes(octets)  # checks curve and subgroup
    except ValueError:
        raise DerivedProofMalformed("not a point of the prime-order subgroup of G1") from None
    if point == G1Point.identity() or point.to_compressed_bytes() != octets:
        raise DerivedProofMalformed("the point at infinity, or another spelling of a point of G1")
    return point


def _answers(octets: bytes) -> list[Scalar]:
    try:
        found = [Scalar.from_be_bytes(octets[at : at + SCALAR_LEN]) for at in range(0, len(octets), SCALAR_LEN)]
    except ValueError:
        raise DerivedProofMalformed("a scalar as large as the order of the group, or larger") from None
    if any(each.is_zero() for each in found):
        raise DerivedProofMalformed("a scalar of zero")
    return found
