"""B01, B02, B05: signatures that a careless verifier takes for any message, or in a second spelling."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from agentdid.codec.base import encode_base58btc, encode_base64url
from agentdid.codec.strict_json import encode
from tests.forgery import BADGE, CHALLENGE, Faces, Token, badge, badge_token, policy, prove
from tests.world import Party, World

INVALID = ("refused", "signature_invalid")
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # the order of P-256, SEC 2 section 2.4.2
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
L = 2**252 + 27742317777372353535851937790883648493  # the order of Ed25519's base point, RFC 8032 section 5.1


@pytest.fixture
def maker(world: World) -> Party:
    """An issuer with a P-256 key."""
    return world.party("maker", algorithm="P-256")


def es256(world: World, maker: Party) -> Token:
    """Return a badge by the P-256 issuer, to be signed."""
    token = badge_token(world, issuer=maker.did)
    token.header |= {"alg": "ES256", "kid": maker.method_id}
    return token


def trusting(world: World, *parties: Party) -> dict[str, object]:
    """Return a policy that lets these issue badges."""
    return policy(world, anchor=[{"did": each.did, "types": [BADGE]} for each in parties])


def pair(r: int, s: int) -> bytes:
    """Return r || s."""
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


RAW = {
    "B01-zero": pair(0, 0),
    "B01-r-zero": pair(0, 1),
    "B01-s-zero": pair(1, 0),
    "B01-one": pair(1, 1),
    "B01-n": pair(N, N),
    "B01-r-n": pair(N, 1),
    "B01-s-n": pair(1, N),
    "B01-n-and-zero": pair(N, 0),
    "B01-p": pair(P, P),
    "B01-n+1": pair(N + 1, N + 1),
    "B01-all-ones": b"\xff" * 64,
    "B02-der-of-zero": encode_dss_signature(0, 0),
    "B02-der-of-one": encode_dss_signature(1, 1),
    "B02-empty": b"",
    "B02-63": b"\1" * 63,
    "B02-65": b"\1" * 65,
    "B02-96": b"\1" * 96,
    "B02-128": b"\1" * 128,
    "B02-one-byte": b"\0",
}


@pytest.mark.parametrize("name", RAW)
def test_b01_b02_p256(world: World, faces: Faces, maker: Party, name: str) -> None:
    """B01, B02: r and s lie in 1..n-1, and a signature is 64 bytes."""
    forged = es256(world, maker).with_signature(RAW[name])

    assert INVALID == faces(forged, trust=trusting(world, maker)).answer


FORMS = {
    "B02-der": lambda raw: encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")),
    "B02-leading-zero": lambda raw: b"\0" + raw,
    "B02-trailing-zero": lambda raw: raw + b"\0",
    "B02-halves-of-33": lambda raw: b"\0" + raw[:32] + b"\0" + raw[32:],
    "B02-little-endian": lambda raw: raw[:32][::-1] + raw[32:][::-1],
    "B02-s-r": lambda raw: raw[32:] + raw[:32],
    "B02-r-plus-n": lambda raw: ((int.from_bytes(raw[:32], "big") + N) % 2**256).to_bytes(32, "big") + raw[32:],
    "B02-minus-r": lambda raw: (N - int.from_bytes(raw[:32], "big")).to_bytes(32, "big") + raw[32:],
    "B02-twice": lambda raw: raw + raw,
}


@pytest.mark.parametrize("name", FORMS)
def test_b02_a_good_signature_in_another_form(world: World, faces: Faces, maker: Party, name: str) -> None:
    """B02: a signature that holds, spelled as it is not in JOSE."""
    token = es256(world, maker)
    head, body = (encode_base64url(encode(each)) for each in (token.header, token.payload))
    raw = maker.secret.sign(f"{head}.{body}".encode())

    assert ("accepted", None) == faces(token.with_signature(raw), trust=trusting(world, maker)).answer
    assert INVALID == faces(token.with_signature(FORMS[name](raw)), trust=trusting(world, maker)).answer


def test_the_other_s_is_legal(world: World, faces: Faces, maker: Party) -> None:
    """RFC 7518 section 3.4 asks for no low s: what others sign with the higher one is accepted."""
    token = es256(world, maker)
    head, body = (encode_base64url(encode(each)) for each in (token.header, token.payload))
    raw = maker.secret.sign(f"{head}.{body}".encode())
    other = raw[:32] + (N - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")

    assert ("accepted", None) == faces(token.with_signature(other), trust=trusting(world, maker)).answer


def add_order(raw: bytes, times: int) -> bytes:
    """Return an Ed25519 signature whose S is larger by a multiple of the order."""
    return raw[:32] + (int.from_bytes(raw[32:], "little") + times * L).to_bytes(32, "little")


ED25519 = {
    "B05-s-plus-l": lambda raw: add_order(raw, 1),
    "B05-s-plus-8l": lambda raw: add_order(raw, 8),
    "B05-s-high-bits": lambda raw: raw[:-1] + bytes([raw[-1] | 0xE0]),
    "B05-s-zero": lambda raw: raw[:32] + bytes(32),
    "B05-s-is-l": lambda raw: raw[:32] + L.to_bytes(32, "little"),
    "B05-r-identity": lambda raw: b"\1" + bytes(31) + raw[32:],
    "B05-r-identity-s-zero": lambda _: b"\1" + bytes(63),
    "B05-r-non-canonical": lambda raw: (2**255 - 18).to_bytes(32, "little") + raw[32:],
    "B05-r-sign": lambda raw: raw[:31] + bytes([raw[31] ^ 0x80]) + raw[32:],
    "B05-r-small-order": lambda raw: bytes(32) + raw[32:],
    "B05-zero": lambda _: bytes(64),
    "B05-ones": lambda _: b"\xff" * 64,
    "B02-63": lambda raw: raw[:-1],
    "B02-65": lambda raw: raw + b"\0",
    "B02-signed-message": lambda raw: raw + b"message",
    "B02-empty": lambda _: b"",
}


@pytest.mark.parametrize("name", ED25519)
def test_b05_ed25519_in_tokens(world: World, faces: Faces, name: str) -> None:
    """B05: S below the order, R canonical, 64 bytes: of credentials and of presentations."""
    credential = badge_token(world)
    head, body = (encode_base64url(encode(each)) for each in (credential.header, credential.payload))
    forged = credential.with_signature(ED25519[name](world.acme.secret.sign(f"{head}.{body}".encode())))
    presented = Token.read(world.present(world.root()))
    head, body = (encode_base64url(encode(each)) for each in (presented.header, presented.payload))
    forged_too = presented.with_signature(ED25519[name](world.agent.secret.sign(f"{head}.{body}".encode())))

    assert INVALID == faces(forged).answer
    assert INVALID == faces(forged_too, challenge=CHALLENGE).answer


@pytest.mark.parametrize("name", ED25519)
def test_b05_ed25519_in_proofs(world: World, faces: Faces, name: str) -> None:
    """B05: the same in a Data Integrity proof."""
    from agentdid.codec.base import decode_base58btc  # noqa: PLC0415

    signed = prove(badge(world), world.acme)
    raw = decode_base58btc(signed["proof"]["proofValue"][1:])
    signed["proof"]["proofValue"] = "z" + encode_base58btc(ED25519[name](raw))

    assert INVALID == faces(signed).answer


def test_a_signature_over_something_else(world: World, faces: Faces) -> None:
    """A good signature of the same key over another document."""
    token, other = badge_token(world), badge_token(world, id="urn:uuid:another")
    signature = other.sign(world.acme).removesuffix("~").rpartition(".")[2]
    forged = token.sign(world.acme).removesuffix("~").rpartition(".")[0] + f".{signature}~"
    proof = prove(badge(world, id="urn:uuid:another"), world.acme)["proof"]

    assert INVALID == faces(forged).answer
    assert INVALID == faces({**badge(world), "proof": proof}).answer


@pytest.mark.parametrize("place", range(0, 64, 9))
def test_any_byte_of_a_signature(world: World, faces: Faces, place: int) -> None:
    """One bit of one byte, anywhere in it."""
    token = badge_token(world)
    head, body = (encode_base64url(encode(each)) for each in (token.header, token.payload))
    raw = bytearray(world.acme.secret.sign(f"{head}.{body}".encode()))
    raw[place] ^= 1 << place % 8

    assert INVALID == faces(token.with_signature(bytes(raw))).answer
