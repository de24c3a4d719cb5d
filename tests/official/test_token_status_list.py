"""Token Status List: the published lists open to the published values, in JSON and in CBOR, as JWT and as CWT."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.codec.cbor import decode_cbor
from agentdid.errors import AgentdidError
from agentdid.keys.jwk import decode_jwk
from agentdid.proof.jws import parse_jws
from agentdid.secure.status_token import parse_cwt, read_cwt, read_jwt
from agentdid.status.token_list import (
    TokenEntry,
    TokenStatusList,
    decode_values,
    pack_values,
    parse_reference,
    read_aggregation,
    read_token_list,
)
from tests.vectors_dir import vectors

if TYPE_CHECKING:
    from agentdid.keys.public import PublicKey

AT = datetime(2026, 11, 1, tzinfo=UTC)
URL = "https://example.com/statuslists/1"


def example(number: int) -> Any:  # noqa: ANN401  # any JSON value
    """Return one example of the draft by its place in the file."""
    rows = json.loads((vectors("token-status-list") / "examples.json").read_text("utf-8"))
    return next(row["value"] for row in rows if row["n"] == number)


def published_key() -> PublicKey:
    """Return the public half of the key that the examples are signed with."""
    jwk = json.loads((vectors("token-status-list") / "example-key.json").read_text("utf-8"))
    return decode_jwk({name: jwk[name] for name in ("kty", "crv", "x", "y")})


def appendix_c() -> list[dict[str, Any]]:
    """Return the lists of Appendix C: a million entries each."""
    found: list[dict[str, Any]] = json.loads(
        (vectors("token-status-list") / "appendix-c-vectors.public.json").read_text("utf-8")
    )
    return found


def opened(size: object, packed: object) -> TokenStatusList:
    """A list as its claims hold it."""
    claims = {"sub": URL, "status_list": {"bits": size, "lst": packed}}
    return read_token_list(claims, issuer="did:web:example.com", signed_at=AT, valid_until=None)


@pytest.mark.parametrize("form", ["json", "cbor"])
@pytest.mark.parametrize("place", range(2))
def test_appendix_c_has_the_published_values(place: int, form: str) -> None:
    """Every value that is named, the neighbours of each, and how many there are (Appendix C)."""
    if place >= len(appendix_c()):
        pytest.skip("the file has fewer lists")
    case = appendix_c()[place]
    held: Any = case["json"] if form == "json" else decode_cbor(bytes.fromhex(case["cbor_hex"]))
    found = opened(held["bits"], held["lst"])
    values = {int(index): value for index, value in case["statuses"].items()}
    asked = {index + step for index in values for step in (-1, 0, 1) if 0 <= index + step < case["size"]}
    asked |= {0, case["size"] - 1}

    assert case["bits"] == found.size
    assert case["decompressed_bytes"] == len(found.octets)
    assert {index: values.get(index, 0) for index in asked} == {
        index: found.value(TokenEntry(index, URL)) for index in asked
    }
    with pytest.raises(AgentdidError) as refused:
        found.value(TokenEntry(case["size"], URL))
    assert "range_error" == refused.value.code


@pytest.mark.parametrize("number", [6, 7])
def test_section_4_examples_pack_and_unpack(number: int) -> None:
    """The byte array that is printed is what the text unpacks to (section 4.2)."""
    text = example(number)
    octets = bytes(int(each, 16) for each in re.findall(r"0x([0-9a-f]{2})", text.partition("\n")[0]))
    held = json.loads(text.partition("encoded:")[2])
    found = opened(held["bits"], held["lst"])
    values = [found.value(TokenEntry(index, URL)) for index in range(len(octets) * 8 // held["bits"])]

    assert octets == found.octets
    assert octets == pack_values(values, held["bits"])


def test_section_4_cbor_example() -> None:
    """The same list in CBOR (section 4.3)."""
    held: Any = decode_cbor(bytes.fromhex(example(9).partition("encoded:")[2].strip()))

    assert b"\xb9\xa3" == decode_values(held["lst"])


def test_section_5_cwt_verifies_and_opens() -> None:
    """The published CWT's ES256 signature holds under the published key, and its claims are the printed ones."""
    key = published_key()
    cwt = parse_cwt(bytes.fromhex("".join(example(12).split())))
    key.verify(cwt.signature, cwt.signing_input)
    found = read_token_list(cwt.claims, issuer="did:web:example.com", signed_at=AT, valid_until=None)

    assert ("ES256", "application/statuslist+cwt", b"12") == (cwt.alg, cwt.typ, cwt.kid)
    assert (URL, 1_686_920_170, 2_291_720_170, 43_200) == tuple(
        cwt.claims[each] for each in ("sub", "iat", "exp", "ttl")
    )
    assert b"\xb9\xa3" == found.octets


def test_section_8_jwt_verifies_and_opens() -> None:
    """So does the JWT of the response."""
    key = published_key()
    jws = parse_jws("".join(example(20).partition("\n\n")[2].split()))
    key.verify(jws.signature, jws.signing_input)
    found = read_token_list(jws.claims, issuer="did:web:example.com", signed_at=AT, valid_until=None)

    assert ("statuslist+jwt", URL, b"\xb9\xa3", 43_200) == (jws.header.typ, found.url, found.octets, found.ttl_s)


@pytest.mark.parametrize("number", [12, 20])
def test_a_key_that_no_did_names_is_not_taken(number: int) -> None:
    """The examples' `kid` is 12: a key that a verifier would have to be given by hand."""
    body = "".join(example(number).rpartition("\n\n")[2].split())
    with pytest.raises(AgentdidError) as refused:
        read_cwt(bytes.fromhex(body)) if number == 12 else read_jwt(body)

    assert "key_source_forbidden" == refused.value.code


def test_section_6_references_and_section_9_aggregation() -> None:
    """A token's reference, in JSON and in a CWT, and the URLs of an issuer's lists."""
    in_json = parse_reference(example(16)["status"])
    in_cwt = parse_reference(parse_cwt(bytes.fromhex("".join(example(17).split()))).claims["65535"])

    assert in_json == in_cwt == TokenEntry(0, URL)
    assert tuple(f"https://example.com/statuslists/{each}" for each in (1, 2, 3)) == read_aggregation(example(24))
