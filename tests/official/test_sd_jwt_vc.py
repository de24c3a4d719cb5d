"""SD-JWT VC: the published tokens, and what our reader says of them once their issuer has a DID."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from agentdid.codec.base import decode_base64url
from agentdid.keys.jwk import decode_jwk
from agentdid.limits import DEFAULT
from agentdid.proof.disclosures import digest_of, open_payload
from agentdid.proof.jws import parse_jws
from agentdid.secure import sd_jwt_vc
from agentdid.verify.structure import read_chain
from tests.tokens import party
from tests.vectors_dir import vectors
from tests.world import AUDIENCE, World

TOKENS = {"2.3.1 issuance": 6, "2.3.2 presentation": 7}


def example(number: int) -> Any:  # noqa: ANN401  # any JSON value
    """Return one example by its place in the file."""
    rows = json.loads((vectors("sd-jwt-vc") / "examples.public.json").read_text("utf-8"))
    return next(row["value"] for row in rows if row["n"] == number)


def issuer_key() -> Any:  # noqa: ANN401  # a public key
    """Return the issuer's key: that of RFC 9901 appendix A.5."""
    return decode_jwk(json.loads((vectors("rfc9901-sd-jwt") / "keys.json").read_text())["issuer-key-1 (A.5)"])


def test_header() -> None:
    """Section 2.2.1: the type that is registered."""
    assert sd_jwt_vc.TYP == example(1)["typ"]


@pytest.mark.parametrize("number", TOKENS.values(), ids=TOKENS)
def test_published_tokens(number: int) -> None:
    """Signature, disclosures and key binding of the published tokens hold (sections 2.3 and 2.4)."""
    token = "".join(example(number).split())
    issued, *disclosures = token.split("~")
    binding = disclosures.pop()
    jws = parse_jws(issued)
    issuer_key().verify(jws.signature, jws.signing_input)
    open_payload(jws.claims, disclosures)

    assert sd_jwt_vc.TYP == jws.header.typ
    if not binding:
        plain = example(4)
        assert plain == {name: jws.claims[name] for name in plain}
    else:
        assert example(8) == jws.claims
        kb = parse_jws(binding)
        decode_jwk(jws.claims["cnf"]["jwk"]).verify(kb.signature, kb.signing_input)  # type: ignore[index]
        assert digest_of(token.rpartition("~")[0] + "~") == kb.claims["sd_hash"]


def test_the_issuer_needs_a_did() -> None:
    """Section 2.5 leaves keys to profiles; ours are a DID's, so a bare `kid` is refused by name."""
    from agentdid.errors import KeySourceForbidden  # noqa: PLC0415

    with pytest.raises(KeySourceForbidden):
        read_chain(["".join(example(6).split())], DEFAULT)


@pytest.mark.parametrize("number", [2, 3, 4, 18, 28])
def test_published_claims_under_a_did(number: int) -> None:
    """The claims of every example, issued by a DID, verify, and are what was issued."""
    world, issuer = World(datetime(2026, 11, 24, 12, tzinfo=UTC)), party("issuer", "P-256")
    # their status list is nowhere, and their time is past
    claims = {name: each for name, each in example(number).items() if name not in ("status", "iat", "exp")}
    hidden = [(name,) for name in claims if name not in sd_jwt_vc.NEVER_HIDDEN]
    token = sd_jwt_vc.issue(claims, issuer.secret, issuer.method_id, disclosable=hidden)
    types = [claims["vct"], *claims.get("aka_vcts", [])]
    verifier = world.verifier(trust=world.trust(anchor=[{"did": issuer.did, "types": types}]))
    decision = verifier.verify_credential(token)

    assert claims == decision.credentials[0].document
    assert tuple(types) == decision.credentials[0].types
    assert issuer.did == decision.credentials[0].issuer


def test_other_types_need_trust_too() -> None:
    """Section 2.2.2.2: an issuer that may issue `vct` but none of `aka_vcts` is not believed about the latter."""
    world, issuer = World(), party("issuer", "P-256")
    token = sd_jwt_vc.issue(example(3), issuer.secret, issuer.method_id)
    verifier = world.verifier(trust=world.trust(anchor=[{"did": issuer.did, "types": [example(3)["vct"]]}]))

    assert "issuer_untrusted" == verifier.inspect(token, holder=False).code


def test_a_query_by_vct() -> None:
    """DCQL selects by `vct_values` and discloses by path (OpenID4VP 1.0 appendix B.3)."""
    from agentdid.query.dcql import parse_query  # noqa: PLC0415
    from agentdid.secure import key_binding  # noqa: PLC0415
    from agentdid.secure.sd_jwt import withhold  # noqa: PLC0415

    world, issuer = World(), party("issuer", "P-256")
    claims = {**example(2), "cnf": {"kid": world.agent.method_id}}
    del claims["exp"]
    hidden = [(name,) for name in claims if name not in sd_jwt_vc.NEVER_HIDDEN]
    token = sd_jwt_vc.issue(claims, issuer.secret, issuer.method_id, disclosable=hidden)
    shown = withhold(token, frozenset({("family_name",), ("address", "locality")}))
    bound = key_binding.bind(
        shown, world.agent.secret, world.agent.method_id, audience=AUDIENCE, nonce="n", at=world.now
    )
    trust = world.trust(anchor=[{"did": issuer.did, "types": [claims["vct"]]}])

    def asked(*paths: list[str], vct: str = str(claims["vct"])) -> str | None:
        query = parse_query(
            {
                "credentials": [
                    {
                        "id": "pid", "format": "dc+sd-jwt", "meta": {"vct_values": [vct]},
                        "claims": [{"path": path} for path in paths],
                    }
                ]
            }
        )  # fmt: skip
        return world.verifier(trust=trust).inspect(bound, challenge="n", query=query).code

    assert asked(["family_name"], ["address", "locality"]) is None
    assert "query_not_satisfied" == asked(["given_name"])
    assert "query_not_satisfied" == asked(["family_name"], vct="https://other.example")
    assert decode_base64url(shown.split("~")[1])


@pytest.mark.parametrize("name", sorted(sd_jwt_vc.NEVER_HIDDEN))
def test_d08_registered_claims_are_never_hidden(name: str) -> None:
    """D08, section 2.2.2.3: at issue and at verification, given along or not."""
    from agentdid.errors import AgentdidError  # noqa: PLC0415
    from agentdid.proof.disclosures import hide  # noqa: PLC0415
    from agentdid.proof.jws import sign_jws  # noqa: PLC0415

    issuer = party("issuer", "P-256")
    values: dict[str, object] = {
        "iss": issuer.did, "nbf": 1, "exp": 2_000_000_000, "cnf": {}, "status": {}, "aka_vcts": [],
    }  # fmt: skip
    claims = {"vct": "https://acme.example/badge", name: values.get(name, "https://acme.example/badge")}
    with pytest.raises(AgentdidError) as refusal:
        sd_jwt_vc.issue(claims, issuer.secret, issuer.method_id, disclosable=[(name,)])
    assert "sd_claim_not_allowed" == refusal.value.code

    payload, disclosures = hide(claims, [(name,)])
    token = "~".join(
        [sign_jws({"typ": "dc+sd-jwt", "kid": issuer.method_id}, payload, issuer.secret), *disclosures, ""]
    )
    with pytest.raises(AgentdidError) as refusal:
        sd_jwt_vc.read(token)
    assert "sd_claim_not_allowed" == refusal.value.code
