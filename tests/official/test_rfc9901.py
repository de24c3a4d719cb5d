"""RFC 9901 (SD-JWT): the published tokens open to the published claims, and their signatures hold."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.codec.base import encode_base64url
from agentdid.errors import AgentdidError
from agentdid.keys.jwk import decode_jwk
from agentdid.proof.disclosures import digest_of, open_payload
from agentdid.proof.jws import parse_jws
from tests.vectors_dir import vectors

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdid.keys.public import PublicKey


def example(number: int) -> Any:  # noqa: ANN401  # any JSON value
    """Return one example of the RFC by its place in the file."""
    rows = json.loads((vectors("rfc9901-sd-jwt") / "examples.public.json").read_text("utf-8"))
    return next(row["value"] for row in rows if row["n"] == number)


def issuer_key() -> PublicKey:
    """Return the issuer's key of Appendix A.5."""
    return decode_jwk(json.loads((vectors("rfc9901-sd-jwt") / "keys.json").read_text())["issuer-key-1 (A.5)"])


def split(token: str) -> tuple[str, list[str], str]:
    """Return the issuer-signed JWT, the disclosures and the key binding JWT (or nothing)."""
    issued, *disclosures, binding = "".join(token.split()).split("~")
    return issued, disclosures, binding


TOKENS = {"5.1 issuance": 20, "5.2 presentation": 21, "A.1 presentation": 34}


@pytest.mark.parametrize("number", TOKENS.values(), ids=TOKENS)
def test_issuer_signature_holds(number: int) -> None:
    """The published ES256 signature verifies under the published key (RFC 9901 section 7.1 step 2)."""
    jws = parse_jws(split(example(number))[0])
    issuer_key().verify(jws.signature, jws.signing_input)

    assert "ES256" == jws.header.alg


@pytest.mark.parametrize(("number", "opened"), [(21, 23), (34, 35)], ids=["5.2", "A.1"])
def test_presentation_opens_to_the_published_claims(number: int, opened: int) -> None:
    """The processed payload is the published one (section 7.1 step 3)."""
    issued, disclosures, _ = split(example(number))
    payload = parse_jws(issued).claims
    open_payload(payload, disclosures)

    assert example(opened) == payload


def test_issuance_payload_is_the_published_one() -> None:
    """The issuer-signed payload says what section 5.1 prints."""
    assert example(18) == parse_jws(split(example(20))[0]).claims


def test_every_disclosure_of_the_issuance_is_referenced() -> None:
    """Each disclosure of section 5.1 hashes to a digest that stands in the payload (section 4.2.3)."""
    issued, disclosures, _ = split(example(20))
    signed = json.dumps(parse_jws(issued).claims)
    digests = [digest_of(each) for each in disclosures]

    assert [] == [digest for digest in digests if digest not in signed]


def test_all_disclosures_open_the_user_claims() -> None:
    """With every disclosure, section 5.1's token holds all of its user's claims."""
    issued, disclosures, _ = split(example(20))
    payload = parse_jws(issued).claims
    open_payload(payload, disclosures)
    claims = example(17)

    assert claims == {name: payload[name] for name in claims}


def test_nothing_disclosed_leaves_nothing_hidden_visible() -> None:
    """Without disclosures only the always visible claims are left, and no digest."""
    issued, _, _ = split(example(20))
    payload = parse_jws(issued).claims
    open_payload(payload, [])

    assert {"iss", "iat", "exp", "sub", "nationalities", "cnf"} == payload.keys()
    assert [] == payload["nationalities"]


def test_recursive_disclosures() -> None:
    """Section 6.3: an address is itself hidden, and so is what stands in it."""
    payload: dict[str, object] = copy.deepcopy(example(28))
    places = open_payload(payload, [])

    assert "address" not in payload
    assert [((), None)] == [(place.path, place.key) for place in places]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda given: [*given, given[0]], "sd_digest_duplicate"),
        (lambda given: [*given, "WyJzYWx0IiwibmFtZSIsInZhbHVlIl0"], "sd_disclosure_unreferenced"),
        (lambda given: [*given, "WyJzYWx0Il0"], "sd_disclosure_malformed"),
        (lambda given: [*given, "bm90IGpzb24"], "sd_disclosure_malformed"),
        (lambda given: [given[0][:-1] + ("A" if given[0][-1] != "A" else "B"), *given[1:]], None),
    ],
    ids=["twice", "unreferenced", "one element", "not JSON", "one character changed"],
)
def test_tampered_disclosures(change: Any, code: str | None) -> None:  # noqa: ANN401  # a lambda on a list of texts
    """RFC 9901 section 7.1: what no digest leads to, stands twice or is no disclosure refuses the whole."""
    issued, disclosures, _ = split(example(21))
    with pytest.raises(AgentdidError) as refusal:
        open_payload(parse_jws(issued).claims, change(disclosures))

    assert refusal.value.code == (code or refusal.value.code)
    assert refusal.value.code.startswith("sd_")


@pytest.mark.parametrize(
    ("disclosure", "digest"),
    [
        (8, lambda: example(11)["_sd"][0]),
        (10, lambda: example(12)["nationalities"][1]["..."]),
    ],
    ids=["4.2.1 property", "4.2.2 element"],
)
def test_published_digests(disclosure: int, digest: Callable[[], str]) -> None:
    """The digest of a published disclosure, spelled as Python's encoder spells it, is the published one (4.2.3)."""
    encoded = encode_base64url(json.dumps(example(disclosure), ensure_ascii=False).encode())

    assert digest() == digest_of(encoded)


def holder_key() -> PublicKey:
    """Return the holder's key, which every `cnf` of the RFC names."""
    return decode_jwk(example(23)["cnf"]["jwk"])


def test_the_published_key_binding() -> None:
    """Section 5.2: signed with the key of `cnf`, over the presentation before it (sections 4.3 and 7.3)."""
    token = "".join(example(21).split())
    presented, _, binding = token.rpartition("~")
    jws = parse_jws(binding)
    holder_key().verify(jws.signature, jws.signing_input)

    assert example(22) == jws.claims
    assert "kb+jwt" == jws.header.typ
    assert jws.claims["sd_hash"] == digest_of(f"{presented}~")


@pytest.mark.parametrize(("number", "bound"), [(29, False), (30, True)], ids=["8.2 issued", "8.2 presented"])
def test_flattened_json(number: int, bound: bool) -> None:
    """Section 8.2: the JSON serialization is read into its compact form, whose signatures and digests hold."""
    from agentdid.proof.sd_jwt_json import read  # noqa: PLC0415

    serialized = read(example(number))
    (token,) = serialized.tokens
    issued, *disclosures = token.split("~")[:-1]
    jws = parse_jws(issued)
    issuer_key().verify(jws.signature, jws.signing_input)
    open_payload(jws.claims, disclosures)

    assert bound == bool(serialized.key_binding)
    assert {"given_name": "John", "family_name": "Doe"}.items() <= jws.claims.items()
    if bound:
        binding = parse_jws(serialized.key_binding)
        decode_jwk(jws.claims["cnf"]["jwk"]).verify(binding.signature, binding.signing_input)  # type: ignore[index]
        assert digest_of(token) == binding.claims["sd_hash"]


@pytest.mark.parametrize("number", [25, 26, 27, 28])
def test_nested_payloads(number: int) -> None:
    """Sections 6.1 to 6.3: flat, structured and recursive payloads open without disclosures, and no digest is left."""
    payload: dict[str, object] = copy.deepcopy(example(number))
    open_payload(payload, [])

    assert "_sd" not in json.dumps(payload)


def test_recursive_disclosures_of_ours() -> None:
    """Section 4.2.6: what stands inside is hidden inside; the outer disclosure alone opens none of it."""
    from agentdid.proof.disclosures import hide  # noqa: PLC0415

    claims = example(13)
    paths: list[tuple[str | int, ...]] = [("nationalities",), *(("nationalities", each) for each in range(3))]
    payload, disclosures = hide(claims, [*paths, ("family_name",)])

    def opened(given: list[str]) -> dict[str, object]:
        copied = copy.deepcopy(payload)
        open_payload(copied, given)
        return copied

    assert {"_sd", "_sd_alg"} == payload.keys()
    assert 5 == len(disclosures)
    assert claims == opened(disclosures)
    assert {"family_name": "Möbius", "nationalities": []} == opened(disclosures[:2])
    with pytest.raises(AgentdidError) as refusal:
        opened(disclosures[2:])
    assert "sd_disclosure_unreferenced" == refusal.value.code


def test_decoys_tell_nothing() -> None:
    """Section 4.2.5 (Z03): as many digests of nothing as wanted, among the others, in objects and arrays."""
    from agentdid.proof.disclosures import hide  # noqa: PLC0415

    claims: dict[str, object] = {"name": "Ada", "teams": ["a", "b"], "inner": {"x": 1}}
    payload, disclosures = hide(
        claims, [("name",), ("teams", 0), ("inner", "x")], decoys={(): 50, ("teams",): 7, ("inner",): 3}
    )
    inner: Any = payload["inner"]
    teams: Any = payload["teams"]
    opened = copy.deepcopy(payload)
    open_payload(opened, disclosures)

    assert (51, 9, 4) == (len(payload["_sd"]), len(teams), len(inner["_sd"]))  # type: ignore[arg-type]  # a list
    assert sorted(payload["_sd"]) == payload["_sd"]  # type: ignore[call-overload]  # as above
    assert claims == opened
