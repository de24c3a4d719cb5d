"""Domain linkage: made in both forms, read strictly, checked both ways; an anchor can ask for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.codec.base import encode_base64url
from agentdid.codec.strict_json import encode
from agentdid.did import key as did_key
from agentdid.did.document import build_document
from agentdid.did.resolve import fragment_of, plan
from agentdid.errors import AgentdidError
from agentdid.keys.secret import SecretKey
from agentdid.sources.linkage import find_linkage
from agentdid.sources.resolver import Resolver
from agentdid.sources.source import RecordedSource
from agentdid.trust import linkage
from agentdid.trust.anchors import Trust
from tests.world import AUDIENCE, NOW, World

if TYPE_CHECKING:
    from collections.abc import Callable

AT = datetime(2026, 11, 24, tzinfo=UTC)
YEAR = timedelta(days=365)
ORIGIN = "https://acme.example"
KEY = SecretKey.from_seed("Ed25519", b"\1" * 32)
DID = did_key.create(KEY.public)
METHOD = f"{DID}#{fragment_of(DID)}"
OTHER = SecretKey.from_seed("P-256", b"\2" * 32)


def entry(form: str = "jwt", **changes: Any) -> Any:  # noqa: ANN401  # a token or an object
    """A linkage, or one with other arguments."""
    given: dict[str, Any] = {"did": DID, "origin": ORIGIN, "signer": KEY, "method_id": METHOD, "at": AT, "ttl": YEAR}
    return linkage.issue(**{**given, **changes}, form=form)


def token(header: dict[str, object], **claims: object) -> str:
    """A JWT entry with some of its parts changed, signed as it then is."""
    parts = [part + "=" * (-len(part) % 4) for part in entry().split(".")]
    import base64  # noqa: PLC0415  # the test's own reading, not the library's

    before = [json.loads(base64.urlsafe_b64decode(part)) for part in parts[:2]]
    after = [
        {**before[0], **header},
        {name: each for name, each in {**before[1], **claims}.items() if each is not None},
    ]
    signed = ".".join(encode_base64url(encode(each)) for each in after)
    return f"{signed}.{encode_base64url(KEY.sign(signed.encode()))}"


def outcome(resource: object, *, origin: str = ORIGIN, did: str = DID, at: datetime = AT) -> str:
    """The code with which a resource is refused, empty where it holds."""
    try:
        found = linkage.read_configuration(encode(resource), origin, did)
        linkage.check_linkage(found, plan(did), at)  # type: ignore[arg-type]  # a did:key is its document
    except AgentdidError as error:
        return error.code
    return ""


@pytest.mark.parametrize("form", linkage.FORMS)
def test_made_and_checked(form: str) -> None:
    """In its time, for its origin and its DID; a bad entry beside it harms nothing."""
    resource = linkage.build_configuration([1, "x", {}, entry(form)])  # type: ignore[list-item]

    assert f"{ORIGIN}/.well-known/did-configuration.json" == linkage.configuration_url(ORIGIN)
    assert "" == outcome(resource)
    assert "issuer_untrusted" == outcome(resource, at=AT + YEAR)
    assert "issuer_untrusted" == outcome(resource, at=AT - timedelta(seconds=1))
    assert "issuer_untrusted" == outcome(resource, origin="https://other.example")
    assert "issuer_untrusted" == outcome(resource, did=did_key.create(OTHER.public))


@pytest.mark.parametrize(
    "resource",
    [
        [], {}, {"linked_dids": []}, {"@context": linkage.CONTEXT}, {"@context": "x", "linked_dids": []},
        {"@context": linkage.CONTEXT, "linked_dids": {}}, {"@context": linkage.CONTEXT, "linked_dids": [], "more": 1},
        {"@context": linkage.CONTEXT, "linked_dids": [""] * 257},
    ],
    ids=lambda each: str(each)[:60],
)  # fmt: skip
def test_what_is_no_resource(resource: object) -> None:
    """Members missing, more of them, of another type, too many."""
    assert outcome(resource) in ("type_mismatch", "json_invalid")


def _changed(change: Callable[[Any], None]) -> Any:  # noqa: ANN401  # JSON
    found = json.loads(json.dumps(entry("data-integrity")))
    change(found)
    return found


@pytest.mark.parametrize(
    "bad",
    [
        token({"typ": "JWT"}),
        token({"x": 1}),
        token({"kid": DID}),
        token({"kid": f"did:web:other.example#{DID[8:]}"}),
        token({}, iss="did:web:other.example"),
        token({}, sub="did:web:other.example"),
        token({}, jti="more"),
        token({}, nbf=None),
        token({}, exp=int((AT + 2 * YEAR).timestamp())),
        token({}, nbf=0),
        token({}, vc=[]),
        entry()[:-2] + "AA",
        entry(signer=SecretKey.from_seed("Ed25519", b"\3" * 32)),
        _changed(lambda each: each.update(id="urn:uuid:1")),
        _changed(lambda each: each["credentialSubject"].update(origin="https://acme.example.evil.example")),
        _changed(lambda each: each["credentialSubject"].update(more=1)),
        _changed(lambda each: each.pop("expirationDate")),
        _changed(lambda each: each.update(type=["VerifiableCredential"])),
        _changed(lambda each: each.pop("proof")),
        _changed(lambda each: each.update(expirationDate="2036-01-01T00:00:00Z")),
        entry("data-integrity", signer=SecretKey.from_seed("Ed25519", b"\3" * 32)),
    ],
    ids=range(21),
)
def test_entries_that_do_not_count(bad: object) -> None:
    """Other headers, claims, parties, dates and keys than the specification allows; changed after signing."""
    assert "issuer_untrusted" == outcome(linkage.build_configuration([bad]))  # type: ignore[list-item]


@pytest.mark.parametrize(
    "origin",
    ["http://acme.example", "https://acme.example/", "https://Acme.example", "https://acme.example:443", "acme.example",
     "https://a@acme.example", "https://acme.example?x", ""],
)  # fmt: skip
def test_what_is_no_origin(origin: str) -> None:
    """One spelling for each: no path, no default port, lower case, https."""
    with pytest.raises(AgentdidError) as caught:
        entry(origin=origin)

    assert "type_mismatch" == caught.value.code
    with pytest.raises(ValueError, match="linked_domain"):
        _trust(World(), origin)


def test_a_key_without_a_suite_signs_a_token() -> None:
    """The JWT form is for every key that JOSE knows; an unknown form is the caller's mistake."""
    did = did_key.create(SecretKey.from_seed("P-521", b"\0" + b"\2" * 65).public)
    secret = SecretKey.from_seed("P-521", b"\0" + b"\2" * 65)
    made = linkage.issue(did, ORIGIN, secret, f"{did}#{fragment_of(did)}", at=AT, ttl=YEAR)

    assert "" == outcome(linkage.build_configuration([made]), did=did)
    with pytest.raises(ValueError, match="suite"):
        entry("data-integrity", did=did, signer=secret)
    with pytest.raises(ValueError, match="signed as"):
        entry("ldp")


def test_looked_up() -> None:
    """The resource and the DID document come from a source; what is not there is undecided."""
    did, site = "did:web:acme.example", "https://acme.example"
    made = linkage.issue(did, site, KEY, f"{did}#key-1", at=AT, ttl=YEAR)
    recorded: dict[str, object] = {
        did: build_document(did, {"key-1": KEY.public}),
        linkage.configuration_url(site): linkage.build_configuration([made]),
    }

    def find(answers: dict[str, object]) -> object:
        source = RecordedSource.load(answers, AT)
        return find_linkage(did, site, source=source, resolver=Resolver(source), at=AT).origin

    assert site == find(recorded)
    for missing in recorded:
        with pytest.raises(AgentdidError) as caught:
            find({name: each for name, each in recorded.items() if name != missing})
        assert "undecided" == caught.value.family


def _trust(world: World, domain: str) -> Trust:
    """The partner's policy, which believes acme as long as a domain does."""
    return Trust.parse(
        {
            "audience": AUDIENCE,
            "did": world.partner.did,
            "resource": [{"prefix": f"{AUDIENCE}/", "root": world.partner.did}],
            "anchor": [
                {
                    "did": world.acme.did,
                    "types": ["AgentCapabilityCredential"],
                    "roots": [world.partner.did],
                    "actions": ["invoice.*"],
                    "linked_domain": domain,
                }
            ],
        }
    )


@pytest.mark.parametrize(
    ("serve", "code"),
    [("linked", ""), ("other", "issuer_untrusted"), ("old", "issuer_untrusted"), ("nothing", "fetch_failed"),
     ("garbage", "type_mismatch")],
)  # fmt: skip
def test_an_anchor_asks_for_its_domain(serve: str, code: str) -> None:
    """A capability of an issuer counts as long as the domain says that the issuer is its own, after all signatures."""
    world = World()
    url = linkage.configuration_url(ORIGIN)
    acme = world.acme
    made = linkage.issue(
        acme.did if serve != "other" else world.partner.did,
        ORIGIN,
        acme.secret,
        acme.method_id if serve != "other" else world.partner.method_id,
        at=NOW - (2 * YEAR if serve == "old" else YEAR / 2),
        ttl=YEAR,
    )
    if serve != "nothing":
        world.serve(url, encode({} if serve == "garbage" else linkage.build_configuration([made])))
    trust = _trust(world, ORIGIN)
    verifier = world.verifier(trust=trust)
    if code:
        with pytest.raises(AgentdidError) as caught:
            verifier.verify_credential(world.root())  # type: ignore[arg-type]  # a chain
        assert code == caught.value.code
    else:
        assert verifier.verify_credential(world.root()).safe_until <= NOW + timedelta(seconds=300)  # type: ignore[arg-type]
    assert url in world.asked
    assert world.asked.index(url) > 0  # the issuer's document came first
    assert trust == Trust.decode(trust.encode())
