"""A10, A11, E16: bytes in any spelling but their one; two spellings would be two audit rows, or two readings."""

from __future__ import annotations

import pytest

from agentdid.codec.base import decode_base58btc, encode_base58btc, encode_base64url
from tests.forgery import CHALLENGE, Faces, Token, badge, badge_token, prove
from tests.world import World

REFUSED = ("malformed", "encoding_invalid")


def put(segment: str, what: str) -> str:
    """Return a base64url segment with something else in its middle, or in another spelling."""
    middle = len(segment) // 2
    stray = {"newline": "\n", "crlf": "\r\n", "bang": "!", "space": " ", "tab": "\t", "pad-inside": "=", "nul": "\0"}
    stray |= {"umlaut": "ö", "full-width": "\uff21", "zero-width": "\u200b", "percent": "%41"}
    if what in stray:
        return segment[:middle] + stray[what] + segment[middle:]
    if what in ("plus", "slash"):
        return segment[:middle] + {"plus": "+", "slash": "/"}[what] + segment[middle + 1 :]
    if what == "one-over":
        return segment + "A" * ((1 - len(segment)) % 4 or 4)
    return segment + {"padding": "=" * (-len(segment) % 4 or 1), "more-padding": "====", "trailing-newline": "\n"}[what]


SPELLINGS = [
    "newline", "crlf", "bang", "space", "tab", "pad-inside", "nul", "umlaut", "full-width", "zero-width", "percent",
    "plus", "slash", "padding", "more-padding", "trailing-newline", "one-over",
]  # fmt: skip


@pytest.mark.parametrize("what", SPELLINGS)
@pytest.mark.parametrize("part", [0, 1, 2], ids=["header", "payload", "signature"])
def test_a10_a11_segments_of_a_credential(world: World, faces: Faces, part: int, what: str) -> None:
    """A10, A11: in each of the three segments."""
    segments = badge_token(world).sign(world.acme).removesuffix("~").split(".")
    segments[part] = put(segments[part], what)

    assert REFUSED == faces(".".join(segments) + "~").answer


@pytest.mark.parametrize("what", sorted(set(SPELLINGS) - {"trailing-newline"}))
def test_a10_a11_segments_of_a_presentation(world: World, faces: Faces, what: str) -> None:
    """A10, A11: in the presentation's own signature."""
    head, body, tail = world.present(world.root()).split(".")

    assert REFUSED == faces(f"{head}.{body}.{put(tail, what)}", challenge=CHALLENGE).answer


@pytest.mark.parametrize("what", sorted(set(SPELLINGS) - {"percent", "one-over"}))
def test_a10_a11_disclosures(world: World, faces: Faces, what: str) -> None:
    """A10, A11: a disclosure in another spelling is malformed, not merely unreferenced."""
    token = str(world.root()[0]).split("~")
    token[1] = put(token[1], what)
    verdict = faces("~".join(token))

    assert ("malformed", "sd_disclosure_malformed") == verdict.answer


@pytest.mark.parametrize("length", range(1, 4))
def test_a10_stray_bits(world: World, faces: Faces, length: int) -> None:
    """A10: bits behind the last byte are zero: a signature has one spelling."""
    token = badge_token(world)
    segment = encode_base64url(b"\0" * length)
    last = segment[:-1] + "B" if length % 3 else segment + "="
    head, body, _ = token.sign(world.acme).removesuffix("~").split(".")

    assert REFUSED == faces(f"{head}.{body}.{last}~").answer


def test_a10_the_signature_has_one_last_character(world: World, faces: Faces) -> None:
    """A10: of the sixteen last characters that decode to the same 64 bytes one is taken."""
    token = badge_token(world).sign(world.acme).removesuffix("~")
    others = sorted(set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") - {token[-1]})
    codes = {faces(f"{token[:-1]}{each}~").code for each in others[::7]}

    assert codes <= {"encoding_invalid", "signature_invalid"}
    assert "encoding_invalid" in codes


PROOF_VALUES = {
    "E16-hex": lambda value: decode_base58btc(value[1:]).hex(),
    "E16-hex-multibase": lambda value: "f" + decode_base58btc(value[1:]).hex(),
    "E16-base64url": lambda value: "u" + encode_base64url(decode_base58btc(value[1:])),
    "E16-base64url-bare": lambda value: encode_base64url(decode_base58btc(value[1:])),
    "E16-base64": lambda value: "m" + encode_base64url(decode_base58btc(value[1:])),
    "E16-upper-case-prefix": lambda value: "Z" + value[1:],
    "E16-flickr": lambda value: "Z" + value[1:].swapcase(),
    "E16-no-prefix": lambda value: value[1:],
    "E16-empty": lambda _: "",
    "E16-leading-space": lambda value: " " + value,
    "E16-trailing-space": lambda value: value + " ",
    "E16-trailing-newline": lambda value: value + "\n",
    "E16-space-inside": lambda value: value[:9] + " " + value[9:],
    "E16-zero": lambda value: value[:9] + "0" + value[10:],
    "E16-capital-o": lambda value: value[:9] + "O" + value[10:],
    "E16-ell": lambda value: value[:9] + "l" + value[10:],
    "E16-full-width": lambda value: value[:9] + "\uff21" + value[10:],
    "E16-number": lambda _: 1,
    "E16-null": lambda _: None,
    "E16-list": lambda value: [value],
    "E16-object": lambda value: {"value": value},
}


@pytest.mark.parametrize("name", PROOF_VALUES)
def test_e16_proof_values(world: World, faces: Faces, name: str) -> None:
    """E16: base58btc behind a `z`, and nothing else."""
    signed = prove(badge(world), world.acme)
    signed["proof"]["proofValue"] = PROOF_VALUES[name](signed["proof"]["proofValue"])

    assert REFUSED == faces(signed).answer


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw[:-1],
        lambda raw: raw + b"\0",
        lambda raw: b"\0" + raw,
        lambda _: b"",
        lambda raw: raw[32:] + raw[:32],
        lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]),
    ],
    ids=["truncated", "longer", "leading-zero", "nothing", "halves-swapped", "one-bit"],
)
def test_e16_well_spelled_and_wrong(world: World, faces: Faces, change: object) -> None:
    """E16: base58btc of other bytes is a signature that does not hold."""
    signed = prove(badge(world), world.acme)
    raw = decode_base58btc(signed["proof"]["proofValue"][1:])
    signed["proof"]["proofValue"] = "z" + encode_base58btc(change(raw))  # type: ignore[operator]  # a lambda

    assert ("refused", "signature_invalid") == faces(signed).answer


@pytest.mark.parametrize("member", ["publicKeyMultibase"])
@pytest.mark.parametrize("value", ["", "z", "zz0", "f00", "m7QEB", 1, None, ["z6Mk"]])
def test_a10_keys_of_a_did_document(world: World, faces: Faces, member: str, value: object) -> None:
    """A10: a key that is not multibase harms who uses it."""
    from agentdid.codec.strict_json import encode, parse  # noqa: PLC0415

    url = "https://acme.example/.well-known/did.json"
    document = parse(world.served[url].body).value  # type: ignore[union-attr]  # it was served
    document["verificationMethod"][0][member] = value  # type: ignore[index]  # an object
    world.serve(url, encode(document))

    assert REFUSED == faces(badge_token(world).sign(world.acme)).answer


def test_a10_bytes_that_are_no_text(world: World, faces: Faces) -> None:
    """A10: a compact token with a byte that is not UTF-8."""
    token = Token.read(str(world.root()[0])).sign(world.acme).encode()

    assert REFUSED == faces(token[:40] + b"\xff" + token[40:]).answer
