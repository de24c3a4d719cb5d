"""A03-A08, A13: texts that are no JSON, numbers that readers round, nesting and size that cost work."""

from __future__ import annotations

import math
from typing import Any

import pytest

from agentdid.codec.base import encode_base64url
from agentdid.codec.strict_json import encode
from agentdid.limits import DEFAULT
from agentdid.proof.disclosures import digest_of
from tests.forgery import CHALLENGE, Faces, Token, badge, badge_token, prove
from tests.world import NOW, World


def spliced(world: World, value: bytes) -> bytes:
    """Return a signed badge in whose text a claim's value is exchanged."""
    return encode(prove(badge(world), world.acme)).replace(b'"level":3', b'"level":' + value)


NUMBERS = {
    "A03-NaN": (b"NaN", "json_invalid"),
    "A03-Infinity": (b"Infinity", "json_invalid"),
    "A03-minus-Infinity": (b"-Infinity", "json_invalid"),
    "A03-nan": (b"nan", "json_invalid"),
    "A04-1e400": (b"1e400", "json_number_range"),
    "A04-minus-1e400": (b"-1e400", "json_number_range"),
    "A04-minus-zero": (b"-0", "json_number_range"),
    "A04-minus-zero-point": (b"-0.0", "json_number_range"),
    "A04-minus-zero-exponent": (b"-0e5", "json_number_range"),
    "A04-underflow": (b"1e-400", "json_number_range"),
    "A05-2^53": (b"9007199254740992", "json_number_range"),
    "A05-2^53+1": (b"9007199254740993", "json_number_range"),
    "A05-minus-2^53": (b"-9007199254740992", "json_number_range"),
    "A05-2^64": (b"18446744073709551616", "json_number_range"),
    "A05-5000-digits": (b"1" * 5_000, "json_number_range"),
    "leading-zero": (b"03", "json_invalid"),
    "plus": (b"+3", "json_invalid"),
    "hex": (b"0x3", "json_invalid"),
    "bare-point": (b".5", "json_invalid"),
    "trailing-point": (b"5.", "json_invalid"),
    "single-quotes": (b"'3'", "json_invalid"),
    "arabic-digit": ("٣".encode(), "json_invalid"),
    "underscore": (b"1_000", "json_invalid"),
    "comment": (b"3/*c*/", "json_invalid"),
    "trailing-comma": (b"3,", "json_invalid"),
    "raw-control": (b'"a\tb"', "json_invalid"),
    "bad-escape": (b'"\\x41"', "json_invalid"),
    "short-escape": (b'"\\u00e"', "json_invalid"),
    "A08-lone": (b'"\\ud800"', "encoding_invalid"),
    "A08-lone-low": (b'"\\udc00"', "encoding_invalid"),
    "A08-reversed": (b'"\\ude00\\ud83d"', "encoding_invalid"),
    "A08-lone-in-name": (b'{"\\ud800":1}', "encoding_invalid"),
    "A08-cesu": (b'"\xed\xa0\xbd\xed\xb8\x80"', "encoding_invalid"),
    "A08-overlong": (b'"\xc0\xaf"', "encoding_invalid"),
    "A08-truncated": (b'"\xf0\x9f\x98"', "encoding_invalid"),
    "A08-beyond": (b'"\xf4\x90\x80\x80"', "encoding_invalid"),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_values_that_readers_see_differently(world: World, faces: Faces, name: str) -> None:
    """A03, A04, A05, A08: refused as text, before anything is signed or asked."""
    value, code = NUMBERS[name]
    verdict = faces(spliced(world, value))

    assert ("malformed", code, "parse") == (*verdict.answer, verdict.check)


@pytest.mark.parametrize("name", NUMBERS)
def test_the_same_in_a_token(world: World, faces: Faces, name: str) -> None:
    """A03, A04, A05, A08: an issuer's signature over such a payload changes nothing."""
    value, code = NUMBERS[name]
    token = badge_token(world)
    body = encode(token.payload).replace(b'"level":3', b'"level":' + value)

    assert ("malformed", code) == faces(token.sign(world.acme, body=body)).answer


@pytest.mark.parametrize("value", [b"1e400", b"-0", b"9007199254740993", b"NaN"])
def test_a04_a05_as_a_limit(world: World, faces: Faces, value: bytes) -> None:
    """A04, A05: in the place of a capability's own numbers."""
    token = Token.read(str(world.root()[0]))
    body = encode(token.payload).replace(b'"maxDepth":5', b'"maxDepth":' + value)
    code = "json_invalid" if value == b"NaN" else "json_number_range"

    assert ("malformed", code) == faces(token.sign(world.acme, body=body)).answer


@pytest.mark.parametrize("value", [b"5.0", b"5e0", b'"5"', b"true", b"null", b"-1", b"[5]"])
def test_a_limit_is_an_integer(world: World, faces: Faces, value: bytes) -> None:
    """A15: a number that canonicalizes like an integer but is none to its reader is not taken for one."""
    token = Token.read(str(world.root()[0]))
    body = encode(token.payload).replace(b'"maxDepth":5', b'"maxDepth":' + value)

    assert ("malformed", "type_mismatch") == faces(token.sign(world.acme, body=body)).answer


@pytest.mark.parametrize("value", [b"5.0", b"9007199254740991", b"-9007199254740991", b"1e300", b"5e-324", b"0.0"])
def test_numbers_within_range_are_read(world: World, faces: Faces, value: bytes) -> None:
    """At the limits, not beyond: a claim may be any number that survives a round trip."""
    token = badge_token(world)
    body = encode(token.payload).replace(b'"level":3', b'"level":' + value)

    assert ("accepted", None) == faces(token.sign(world.acme, body=body)).answer


DEEP = {
    "A07-arrays": b"[" * 100_000 + b"]" * 100_000,
    "A07-objects": b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
    "A07-unclosed": b"[" * 200_000,
    "A07-unclosed-objects": b'{"a":' * 50_000,
    "A07-spaced": b"[ " * 60_000 + b"] " * 60_000,
    "F21-200": b"[" * 200 + b"]" * 200,
    "F21-1000": b"[" * 1_000 + b"]" * 1_000,
}


@pytest.mark.parametrize("name", DEEP)
def test_a07_deep_texts(faces: Faces, name: str) -> None:
    """A07: depth is refused as depth, however the text goes on; no stack overflows."""
    assert ("malformed", "json_too_deep") == faces(DEEP[name]).answer


@pytest.mark.parametrize("name", DEEP)
@pytest.mark.parametrize("place", ["claim", "payload"])
def test_a07_deep_claims(world: World, faces: Faces, name: str, place: str) -> None:
    """A07: within a document, and as a token's payload."""
    deep = DEEP[name][:180_000] if "unclosed" in name else DEEP[name]
    if len(deep) > 190_000:
        deep = deep[50_000:-50_000] if name == "A07-arrays" else b"[" * 90_000 + b"]" * 90_000
    token = badge_token(world)
    text = token.sign(world.acme, body=deep) if place == "payload" else spliced(world, deep)

    assert ("malformed", "json_too_deep") == faces(text).answer


@pytest.mark.parametrize(("levels", "code"), [(64, None), (65, "json_too_deep")])
@pytest.mark.parametrize("spaced", [False, True])
def test_depth_at_the_limit(world: World, faces: Faces, levels: int, code: str | None, spaced: bool) -> None:
    """64 levels are read, 65 are not, compact or spaced."""
    inner = levels - 2  # the document, its subject, and the claim's own arrays
    value = b"[" * inner + b"]" * inner
    document = badge(world)
    document["credentialSubject"]["level"] = nested(inner)
    text = encode(prove(document, world.acme))
    text = text.replace(b'"level":' + value, b'"level": ' + value) if spaced else text

    assert (None if code is None else "parse") == (verdict := faces(text)).check
    assert code == verdict.code


def nested(levels: int) -> Any:  # noqa: ANN401  # any JSON value
    """Return arrays in arrays."""
    value: list[object] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def test_disclosures_do_not_add_up_to_depth(world: World, faces: Faces) -> None:
    """A07: each disclosure is shallow, and the document they make together is not."""
    token = badge_token(world)
    given: list[str] = []
    below = ""
    for _ in range(3):
        content: Any = {"_sd": [digest_of(below)]} if below else 1
        for _ in range(30):
            content = [content]
        below = encode_base64url(encode(["s", "deep", content]))
        given.append(below)
    token.payload["credentialSubject"]["_sd"] = [digest_of(below)]
    token.disclosures = given

    assert ("malformed", "json_too_deep") == faces(token.sign(world.acme)).answer


TAILS = {
    "A13-second-document": b"{}",
    "A13-nul": b"\0",
    "A13-letter": b"x",
    "A13-comma": b",",
    "A13-brace": b"}",
    "A13-second-line": b'\n{"a":1}',
    "A13-form-feed": b"\x0c",
    "A13-no-break-space": "\u00a0".encode(),
    "A13-bom": b"\xef\xbb\xbf",
    "A13-comment": b"// x",
}


@pytest.mark.parametrize("name", TAILS)
@pytest.mark.parametrize("end", ["behind", "before"])
def test_a13_more_than_one_text(world: World, faces: Faces, name: str, end: str) -> None:
    """A13: nothing stands before or behind the one document, but JSON's own white space."""
    text = encode(prove(badge(world), world.acme))
    forged = text + TAILS[name] if end == "behind" else TAILS[name] + text

    assert ("malformed", "json_invalid") == faces(forged).answer


@pytest.mark.parametrize("name", TAILS)
def test_a13_behind_a_payload(world: World, faces: Faces, name: str) -> None:
    """A13: within a token too."""
    token = badge_token(world)

    assert ("malformed", "json_invalid") == faces(
        token.sign(world.acme, body=encode(token.payload) + TAILS[name])
    ).answer


@pytest.mark.parametrize("text", [b"", b" ", b"null", b"true", b"1", b'"x"', b"[]", b"{}", b"[[]]", b'[""]', b"[1]"])
def test_texts_that_are_no_document(faces: Faces, text: bytes) -> None:
    """Nothing, or not an object, is malformed as what it is."""
    verdict = faces(text)
    expected = {b"": "json_invalid", b" ": "json_invalid", b"{}": "proof_missing", b'[""]': "header_invalid"}
    expected |= {b'"x"': "header_invalid"}

    assert expected.get(text, "type_mismatch") == verdict.code
    assert "accepted" != verdict.family


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-be", "utf-32", "latin-1"])
def test_other_encodings(world: World, faces: Faces, codec: str) -> None:
    """JSON is UTF-8 (RFC 8259 section 8.1)."""
    text = encode(prove(badge(world, credentialSubject={"id": world.agent.did, "name": "Zoë"}), world.acme)).decode()
    raw = text.encode(codec)
    verdict = faces(raw)

    assert "malformed" == verdict.family
    assert verdict.code in ("json_invalid", "encoding_invalid")


# --- values handed in as Python objects: the same rules, though no text was read


DEEP_VALUE = nested(300)
VALUES = {
    "A03-nan": (math.nan, "json_invalid"),
    "A03-inf": (math.inf, "json_invalid"),
    "A04-minus-zero": (-0.0, "json_number_range"),
    "A05-2^53": (2**53, "json_number_range"),
    "A05-2^70": (2**70, "json_number_range"),
    "A07-300": (DEEP_VALUE, "json_too_deep"),
    "A07-5000": (nested(5_000), "json_too_deep"),
    "A08": ("\ud800", "encoding_invalid"),
    "A08-name": ({"\ud800": 1}, "encoding_invalid"),
}


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("holder", [False, True])
def test_python_values(world: World, name: str, holder: bool) -> None:
    """A03-A08: a caller who parsed the text with a lenient reader hands in what no JSON text says."""
    value, code = VALUES[name]
    document = prove(badge(world), world.acme)
    document["credentialSubject"] = {**document["credentialSubject"], "level": value}
    report = world.verifier().inspect(document, holder=holder, challenge=CHALLENGE)

    assert ("malformed", code) == (report.outcome, report.code)
    assert [] == world.asked


@pytest.mark.parametrize("value", [{1: 1}, b"x", {1}, NOW])
def test_python_values_that_are_no_json(world: World, value: object) -> None:
    """What JSON has no word for is the caller's mistake, and is not turned into something else."""
    document = prove(badge(world), world.acme)
    with pytest.raises(TypeError):
        world.verifier().verify_credential({**document, "level": value})


# --- counts


def test_size_at_the_limit() -> None:
    """The size is judged first, whatever the bytes are."""
    for extra, check, code in ((0, "parse", "json_invalid"), (1, "size", "input_too_large")):
        report = (
            World()
            .verifier()
            .inspect(b"\xff" * (DEFAULT.max_input_bytes + extra) if extra else b"x" * DEFAULT.max_input_bytes)
        )
        failed = next(row for row in report.checks if row.code)
        assert (check, code) == (failed.check, failed.code)


@pytest.mark.parametrize(("members", "code"), [(0, None), (1, "input_too_large")])
def test_members_at_the_limit(world: World, faces: Faces, members: int, code: str | None) -> None:
    """20,000 members and elements are walked over, one more is not."""
    document = badge(world)
    probe = prove(document, world.acme)
    taken = count(probe) + 1  # the list is itself a member
    document["credentialSubject"]["level"] = 0
    document["credentialSubject"]["list"] = [0] * (DEFAULT.max_members - taken + members)
    text = encode(prove(document, world.acme)).replace(b'"level":0', b'"level": 0')

    assert code == faces(text).code


def count(value: object) -> int:
    """Return how many members and elements stand in a value."""
    each = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return len(each) + sum(count(inner) for inner in each)
