"""Layer V: who is believed about what; and a trust file that says less, or more, than it should."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agentdid.cli.main import main
from agentdid.codec.instant import encode_instant
from agentdid.codec.strict_json import encode
from agentdid.delegation.usage import Request
from agentdid.did.document import build_document
from agentdid.did.web import url as did_url
from agentdid.keys.secret import SecretKey
from agentdid.storage.nonces import MemoryTakes
from agentdid.trust.anchors import Trust, UnsafeAnyIssuer
from tests.chains import (
    FORMS,
    JCS,
    NONCE,
    PRESENTED,
    Document,
    Ending,
    Wire,
    capability_of,
    chain_of,
    child_document,
    ending,
    root_document,
    sign,
)
from tests.world import RESOURCE, Party, World

READ = Request("http", "invoice.read", f"{RESOURCE}/7")
UNTRUSTED = Ending("issuer_untrusted", "refused", "root")
UNBOUND = Ending("holder_binding_failed", "refused", "holder")


@pytest.fixture
def world() -> World:
    """The world of the attack."""
    return World()


def judge(world: World, chain: list[Wire], holder: Party | None = None, *, trust: Trust | None = None) -> Ending | None:
    """How the verifier refuses a presented chain; `None` when it accepts."""
    form = PRESENTED[JCS if isinstance(chain[-1], dict) else FORMS[0]]
    presented = world.present(chain, holder, challenge=NONCE, form=form)
    verifier = world.verifier(trust=trust or world.trust(), takes=MemoryTakes())
    request = READ if any("AgentCapability" in str(link) or isinstance(link, str) for link in chain) else None
    if verifier.inspect(presented, challenge=NONCE, request=request).outcome == "accepted":
        return None
    if request is None:
        return ending(lambda: verifier.verify(presented, challenge=NONCE))
    return ending(lambda: verifier.authorize(presented, challenge=NONCE, request=request))


def staff(world: World, subject: object, *types: str) -> Document:
    """A credential that is no capability, unsigned, from acme."""
    document = root_document(world)
    del document["credentialStatus"]
    document["type"] = ["VerifiableCredential", *(types or ("EmployeeCredential",))]
    document["credentialSubject"] = subject
    return document


def staff_trust(world: World, *types: str) -> Trust:
    """A policy that takes acme's word about its staff."""
    return world.trust(anchor=[{"did": world.acme.did, "types": list(types or ("EmployeeCredential",))}])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", ["key", "web"])
def test_v01_a_valid_signature_by_nobody(world: World, form: str, method: str) -> None:
    """V01: a stranger's chain is well signed and believed by nobody; nobody is asked about it."""
    mallory = world.party("mallory", method=method)
    document = root_document(world, mallory)
    capability_of(document)["principal"] = mallory.did

    assert UNTRUSTED == judge(world, [sign(world, document, mallory, form)])
    assert [] == world.asked


@pytest.mark.parametrize("form", FORMS)
def test_v01_a_root_that_names_itself(world: World, form: str) -> None:
    """V01: whoever calls itself the root of the partner's resources is not who the policy calls so."""
    document = root_document(world, world.stranger)
    capability_of(document).update(root=world.stranger.did, principal=world.stranger.did)

    assert Ending("chain_root_untrusted", "refused", "root") == judge(
        world, [sign(world, document, world.stranger, form)]
    )
    assert [] == world.asked


@pytest.mark.parametrize("form", FORMS)
def test_v03_a_presenter_who_is_not_the_subject(world: World, form: str) -> None:
    """V03: a stolen credential is presented by a thief, with the thief's own key; so is a whole chain."""
    chain = chain_of(world, form)
    longer = chain_of(world, form, world.agent, world.helper)

    assert UNBOUND == judge(world, chain, world.stranger)
    assert UNBOUND == judge(world, longer, world.agent)
    assert Ending("holder_binding_failed", "refused", "signatures") == judge(world, longer, world.acme)


def test_v03_a_thief_in_the_subjects_name(world: World) -> None:
    """V03: signed with the thief's key under the agent's key id, it is no signature of the agent's."""
    thief = Party("thief", world.stranger.secret, world.agent.did, world.agent.method_id)
    for form in FORMS:
        found = judge(world, chain_of(world, form), thief)

        assert Ending("signature_invalid", "refused", "signatures") == found


def test_v03_a_presenter_of_another_method_is_not_looked_up(world: World) -> None:
    """V03: a thief with a did:web of its own does not make the verifier call its server."""
    thief = world.party("thief", method="web")
    for form in FORMS:
        found = judge(world, chain_of(world, form), thief)

        assert Ending("holder_binding_failed", "refused", "signatures") == found
    assert not [url for url in world.asked if "thief" in url]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("subject", [{"name": "Ada"}, [{"id": "did:key:z6MkA"}, {"id": "did:key:z6MkB"}]])
def test_v05_a_bearer_credential(world: World, form: str, subject: object) -> None:
    """V05: a credential about nobody, or about two, is nobody's to present."""
    chain = [sign(world, staff(world, subject), world.acme, JCS)]
    presented = world.present(chain, challenge=NONCE, form=PRESENTED[form])
    verifier = world.verifier(trust=staff_trust(world))

    assert UNBOUND == ending(lambda: verifier.verify(presented, challenge=NONCE))


@pytest.mark.parametrize("form", FORMS)
def test_v05_a_capability_for_nobody(world: World, form: str) -> None:
    """V05: a capability without a subject is not even well-formed."""
    document = root_document(world)
    del document["credentialSubject"]["id"]
    chain = [sign(world, document, world.acme, JCS)]
    presented = world.present(chain, challenge=NONCE, form=PRESENTED[form])

    assert Ending("type_mismatch", "malformed", "structure") == ending(
        lambda: world.verifier().authorize(presented, challenge=NONCE, request=READ)
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("begins_s", "ends_s", "code"),
    [
        (61, 3_600, "not_yet_valid"),
        (60, 3_600, None),
        (59, 3_600, None),
        (-3_600, -61, "expired"),
        (-3_600, -60, None),
        (-3_600, -59, None),
    ],
)
def test_v06_z06_validity_and_its_skew(world: World, form: str, begins_s: int, ends_s: int, code: str | None) -> None:
    """V06, Z06: a minute's skew both ways, and not a second more."""
    document = root_document(world)
    document["validFrom"] = encode_instant(world.now + timedelta(seconds=begins_s))
    document["validUntil"] = encode_instant(world.now + timedelta(seconds=ends_s))
    found = judge(world, [sign(world, document, world.acme, form)])

    assert (None if code is None else Ending(code, "refused", "validity")) == found


@pytest.mark.parametrize("form", FORMS)
def test_v06_a_credential_signed_in_the_future(world: World, form: str) -> None:
    """V06: `iat` or `created` more than a minute ahead."""
    found = [
        judge(world, [sign(world, root_document(world), world.acme, form, at=world.now + timedelta(seconds=ahead))])
        for ahead in (60, 61)
    ]

    assert [None, Ending("issued_in_future", "refused", "validity")] == found


@pytest.mark.parametrize(
    ("types", "trusted", "expected"),
    [
        (("EmployeeCredential",), ("EmployeeCredential",), None),
        (("EmployeeCredential", "AdminCredential"), ("EmployeeCredential",), UNTRUSTED),
        (("AdminCredential", "EmployeeCredential"), ("EmployeeCredential",), UNTRUSTED),
        (("EmployeeCredential", "AdminCredential"), ("EmployeeCredential", "AdminCredential"), None),
        (("Employee",), ("EmployeeCredential",), UNTRUSTED),
        (("EmployeeCredential2",), ("EmployeeCredential",), UNTRUSTED),
        (("employeecredential",), ("EmployeeCredential",), UNTRUSTED),
    ],
)
def test_v08_types_are_matched_whole(
    world: World, types: tuple[str, ...], trusted: tuple[str, ...], expected: Ending | None
) -> None:
    """V08: every type must be allowed, whole, whatever the order; a type more is not let through with the others."""
    chain = [sign(world, staff(world, {"id": world.agent.did}, *types), world.acme, JCS)]

    assert expected == judge(world, chain, trust=staff_trust(world, *trusted))


@pytest.mark.parametrize("types", [["VerifiableCredential"], ["VerifiableCredential", "VerifiableCredential"]])
def test_v08_a_credential_of_no_type(world: World, types: list[str]) -> None:
    """V08: no anchor speaks about a credential that is of no type of its own."""
    document = staff(world, {"id": world.agent.did})
    document["type"] = types
    found = judge(world, [sign(world, document, world.acme, JCS)], trust=staff_trust(world, "VerifiableCredential"))

    assert UNTRUSTED == found


@pytest.mark.parametrize("form", FORMS)
def test_v08_a_capability_with_a_type_more(world: World, form: str) -> None:
    """V08: an anchor for capabilities says nothing about a capability that is an admin's badge too."""
    document = root_document(world)
    document["type"].append("AdminCredential")

    assert UNTRUSTED == judge(world, [sign(world, document, world.acme, form)])


@pytest.mark.parametrize("form", FORMS)
def test_v12_nothing_is_fetched_because_a_document_says_so(world: World, form: str) -> None:
    """V12: refresh service, evidence, terms, schema, images and related resources are read by nobody here."""
    document = root_document(world)
    lure = "https://lure.example/fetched"
    document.update(
        refreshService={"type": "AutomaticRefresh2018", "id": lure},
        evidence=[{"type": "DocumentVerification", "id": lure}],
        termsOfUse=[{"type": "OdrlPolicy2017", "id": lure}],
        credentialSchema={"type": "JsonSchema", "id": lure},
        relatedResource=[{"id": lure, "digestMultibase": "uEiAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}],
    )
    judge(world, [sign(world, document, world.acme, form)])

    assert {"https://acme.example/.well-known/did.json", world.acme.list_url} >= set(world.asked)


@pytest.mark.parametrize("form", FORMS)
def test_z07_a_did_web_with_port_and_path(world: World, form: str) -> None:
    """Z07: `did:web:acme.example%3A8443:agents:one` is asked for where it says."""
    secret = SecretKey.from_seed("Ed25519", b"z07" + bytes(29))
    did = "did:web:acme.example%3A8443:agents:one"
    party = Party("ported", secret, did, f"{did}#key-1")
    world.serve(did_url(did), encode(build_document(did, {"key-1": secret.public})))
    world.publish(party)
    anchor = {
        "did": did, "types": ["AgentCapabilityCredential"], "roots": [world.partner.did], "actions": ["invoice.read"],
    }  # fmt: skip
    document = root_document(world, party)
    capability_of(document)["principal"] = did

    assert judge(world, [sign(world, document, party, form)], trust=world.trust(anchor=[anchor])) is None
    assert "https://acme.example:8443/agents/one/did.json" == world.asked[0]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", ["root", "leaf"])
def test_z22_an_issuer_that_is_an_object(world: World, form: str, place: str) -> None:
    """Z22: an issuer with a name of its own is the same issuer."""
    document = root_document(world)
    if place == "root":
        document["issuer"] = {"id": world.acme.did, "name": "Acme"}
        chain, holder = [sign(world, document, world.acme, form)], world.agent
    else:
        root = sign(world, document, world.acme, form)
        below = child_document(world, root, world.agent, world.helper)
        below["issuer"] = {"id": world.agent.did, "name": "Agent"}
        chain, holder = [root, sign(world, below, world.agent, form)], world.helper

    assert judge(world, chain, holder) is None


@pytest.mark.parametrize("form", FORMS)
def test_a_link_by_a_key_that_may_not_delegate(world: World, form: str) -> None:
    """A delegated link needs its key under `capabilityDelegation` too; the same key signs a root link without."""
    agent = world.party("agency", method="web")
    document: dict[str, Any] = build_document(agent.did, {"key-1": agent.secret.public})
    del document["capabilityDelegation"]
    world.serve(did_url(agent.did), encode(document))
    root = sign(world, root_document(world, world.acme, agent), world.acme, form)
    chain = [root, sign(world, child_document(world, root, agent, world.helper), agent, form)]

    assert Ending("purpose_not_authorized", "refused", "signatures") == judge(world, chain, world.helper)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("level", ["pq", "hybrid"])
def test_more_security_than_a_classical_key_gives(world: World, form: str, place: int, level: str) -> None:
    """A link that asks for post-quantum signatures is not served by classical ones, wherever it stands in a chain."""
    documents = [root_document(world)]
    if place == 0:
        capability_of(documents[0])["minSecurity"] = level
    root = sign(world, documents[0], world.acme, form)
    below = child_document(world, root, world.agent, world.helper)
    capability_of(below)["minSecurity"] = level
    chain = [root, sign(world, below, world.agent, form)]

    assert Ending("hybrid_component_missing", "refused", "algorithms") == judge(world, chain, world.helper)
    assert [] == world.asked


@pytest.mark.parametrize("form", FORMS)
def test_an_empty_policy_believes_nobody(world: World, form: str) -> None:
    """Without resources and anchors, and without a trust file at all, nothing is accepted and nobody is asked."""
    empty = world.trust(resource=[], anchor=[])
    for trust in (empty, Trust.nobody()):
        found = judge(world, chain_of(world, form), trust=trust)

        assert Ending("chain_root_untrusted", "refused", "root") == found
    assert [] == world.asked


def test_any_issuer_lends_nobody_access_without_an_audience(world: World) -> None:
    """`UnsafeAnyIssuer` believes whoever signs, and still takes no presentation that is not for it."""
    presented = world.present(chain_of(world, JCS), challenge=NONCE, form=JCS)
    verifier = world.verifier(trust=UnsafeAnyIssuer())

    assert Ending("invalid_domain_error", "refused", "holder") == ending(
        lambda: verifier.verify(presented, challenge=NONCE)
    )


COMPLETE = {
    "audience": "https://api.partner.example",
    "did": "did:web:partner.example",
    "resource": [{"prefix": "https://api.partner.example/", "root": "did:web:partner.example"}],
    "anchor": [
        {
            "did": "did:web:acme.example",
            "types": ["AgentCapabilityCredential"],
            "roots": ["did:web:partner.example"],
            "actions": ["invoice.*"],
        }
    ],
}
ANCHOR: dict[str, object] = COMPLETE["anchor"][0]  # type: ignore[assignment,index]  # a table


@pytest.mark.parametrize(
    "changes",
    [
        {"surprise": 1},
        {"audience": ""},
        {"audience": ["https://api.partner.example"]},
        {"did": "partner.example"},
        {"did": "did:web:partner.example#key-1"},
        {"resource": {"prefix": "https://a.example/", "root": "did:web:a.example"}},
        {"resource": [{"prefix": "https://a.example/?q=1", "root": "did:web:a.example"}]},
        {"resource": [{"prefix": "https://a.example/"}]},
        {"resource": [{"prefix": "https://a.example/", "root": "did:web:a.example", "also": 1}]},
        {"anchor": [ANCHOR | {"trusted": True}]},
        {"anchor": [ANCHOR | {"types": []}]},
        {"anchor": [ANCHOR | {"types": "AgentCapabilityCredential"}]},
        {"anchor": [ANCHOR | {"actions": ["*"]}]},
        {"anchor": [ANCHOR | {"actions": [".*"]}]},
        {"anchor": [ANCHOR | {"actions": ["invoice*"]}]},
        {"anchor": [ANCHOR | {"actions": ["*.read"]}]},
        {"anchor": [ANCHOR | {"actions": ["invoice.*.read"]}]},
        {"anchor": [ANCHOR | {"actions": []}]},
        {"anchor": [ANCHOR | {"roots": []}]},
        {"anchor": [ANCHOR | {"roots": ["partner"]}]},
        {"anchor": [ANCHOR | {"security": "none"}]},
        {"anchor": [ANCHOR | {"did": "did:web:*"}]},
        {"limits": {"max_chain": 9}},
        {"limits": {"max_chain": 0}},
        {"limits": {"max_chain": "5"}},
        {"limits": {"max_chain": 4.5}},
        {"limits": {"leeway_s": True}},
        {"limits": {"max_chains": 5}},
        {"fetch": {"verify": False}},
        {"fetch": {"allow": "127.0.0.1"}},
    ],
)
def test_a_trust_file_that_cannot_be_meant(changes: dict[str, object]) -> None:
    """An unknown key, a wrong type or a wildcard elsewhere than at the end is said, never passed over."""
    Trust.parse(COMPLETE)
    with pytest.raises(ValueError, match=r"trust|not a DID|max_chain"):
        Trust.parse(COMPLETE | changes)


@pytest.mark.parametrize("missing", ["audience", "did"])
def test_a_trust_file_that_says_too_little(missing: str) -> None:
    """Whose verifier it is must be said."""
    with pytest.raises(ValueError, match=missing):
        Trust.parse({name: value for name, value in COMPLETE.items() if name != missing})


@pytest.mark.parametrize("text", ["", "audience", 'audience = "a"\naudience = "b"\n', "\udcff", "[anchor]\n"])
def test_a_trust_file_on_the_command_line(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty, broken or half trust file is a usage error with one JSON object, never a decision."""
    monkeypatch.chdir(tmp_path)
    Path("trust.toml").write_text(text, "utf-8", "surrogateescape")
    Path("input").write_text("{}", "utf-8")

    assert 2 == main(["verify", "input", "--trust", "trust.toml", "--json"])
    assert "usage" == json.loads(capsys.readouterr().out)["outcome"]
