"""Ed25519 at its edges: keys and commitments with components of small order, and other spellings of both.

C2SP/CCTV has such signatures with flags and no verdicts; the policy on the flags is ours, that of libsodium with keys
judged as they are loaded. The second half makes signatures of the same kinds with arithmetic of its own, so that the
policy is held where the file is absent.
"""

from __future__ import annotations

import json
from hashlib import sha512
from itertools import product

import pytest

from agentdid.errors import AgentdidError
from agentdid.keys.public import load_public
from tests.vectors_dir import FOLDER, vectors

REFUSED = frozenset(
    {"low_order_A", "low_order_R", "low_order_residue", "non_canonical_A", "non_canonical_R", "reencoded_k"}
)
"""Flags of what never verifies; the other two, low_order_component_A and _R, leave the equation as it is."""
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]
ZERO: Point = (0, 1)
BASE_Y = 4 * pow(5, -1, P) % P


def holds(key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether we take a signature under a key."""
    try:
        load_public("Ed25519", key).verify(signature, message)
    except AgentdidError:
        return False
    return True


def test_published_edges() -> None:
    """Every vector is taken if and only if none of its flags says that it must not be."""
    found = sorted((FOLDER / "cctv").rglob("*ed25519*.json"))
    if not found:
        vectors("cctv")
        pytest.skip("the Ed25519 file of CCTV is not here")
    rows = json.loads(found[0].read_text())
    wrong = []
    for number, row in enumerate(rows):
        key, signature = bytes.fromhex(row["key"]), bytes.fromhex(row["sig"])
        message = row["msg"].encode()
        if holds(key, signature, message) == bool(REFUSED & set(row["flags"] or ())):
            wrong.append(row.get("number", number))

    assert [] == wrong


def add(one: Point, other: Point) -> Point:
    """Add two points of the twisted Edwards curve (RFC 8032 section 5.1)."""
    (a, b), (c, d) = one, other
    k = D * a * b * c * d % P
    return (a * d + b * c) * pow(1 + k, -1, P) % P, (b * d + a * c) * pow(1 - k, -1, P) % P


def times(number: int, point: Point) -> Point:
    """Multiply a point."""
    found = ZERO
    while number:
        if number & 1:
            found = add(found, point)
        point, number = add(point, point), number >> 1
    return found


def root(y: int) -> int | None:
    """Return an even x of a y, `None` where there is none."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P:
        return None
    return x if x % 2 == 0 else P - x


def encode(point: Point) -> bytes:
    """Return the 32 bytes of a point."""
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def small() -> list[Point]:
    """The eight points of small order: multiples of one of order 8."""
    y = 2
    while True:
        x = root(y)
        torsion = ZERO if x is None else times(L, (x, y))
        if times(4, torsion) != ZERO:
            return [times(number, torsion) for number in range(8)]
        y += 1


SMALL = small()
BASE: Point = (root(BASE_Y) or 0, BASE_Y)


@pytest.mark.parametrize(("a", "r"), list(product(range(8), range(8))))
def test_components_of_small_order(a: int, r: int) -> None:
    """A + T_a and R + T_r: taken where the torsion cancels in the equation itself, and where neither is all torsion."""
    secret, nonce = 0x1234567 * L // 7 % L, 0x89ABCDE * L // 11 % L
    key = encode(add(times(secret, BASE), SMALL[a]))
    commitment = encode(add(times(nonce, BASE), SMALL[r]))
    outcomes = set()
    for number in range(24):
        message = bytes((number,))
        k = int.from_bytes(sha512(commitment + key + message).digest(), "little") % L
        signature = commitment + ((nonce + k * secret) % L).to_bytes(32, "little")
        # the equation without cofactor: S B = R + k A, so the torsion of R + k A has to be nothing
        expected = (r + k * a) % 8 == 0
        assert expected == holds(key, signature, message)
        outcomes.add(expected)

    assert outcomes == ({r % 8 == 0} if a == 0 else outcomes)


@pytest.mark.parametrize("which", range(8))
def test_nothing_holds_under_a_key_of_small_order(which: int) -> None:
    """The key is refused as it is loaded, whichever of the eight it is and however the sign of its x is written."""
    for sign in (0, 1 << 255):
        raw = (int.from_bytes(encode(SMALL[which]), "little") ^ sign).to_bytes(32, "little")
        with pytest.raises(AgentdidError) as caught:
            load_public("Ed25519", raw)
        assert "key_invalid" == caught.value.code


@pytest.mark.parametrize("which", range(8))
def test_a_commitment_of_small_order_never_holds(which: int) -> None:
    """R of small order: S = k a, and whoever knows it signs without a nonce."""
    secret = 0x1234567 * L // 7 % L
    key, commitment = encode(times(secret, BASE)), encode(SMALL[which])
    for number in range(16):
        message = bytes((number,))
        k = int.from_bytes(sha512(commitment + key + message).digest(), "little") % L
        assert not holds(key, commitment + (k * secret % L).to_bytes(32, "little"), message)
        assert not holds(key, commitment + (k * secret % L + L).to_bytes(32, "little"), message)


@pytest.mark.parametrize("y", range(P, 2**255))
def test_spellings_beyond_the_prime_are_refused(y: int) -> None:
    """All nineteen values of y that are not below the field's prime, with either sign (RFC 8032 section 5.1.3)."""
    for sign in (0, 1 << 255):
        with pytest.raises(AgentdidError) as caught:
            load_public("Ed25519", (y | sign).to_bytes(32, "little"))
        assert "key_invalid" == caught.value.code
