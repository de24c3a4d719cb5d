"""E02, E04, E05, E11, Z13: proof sets and proof chains, of credentials and presentations, and which proofs count."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.proof.suites import SUITES
from agentdid.secure import data_integrity
from tests.attacks.test_proof_swap import UNKNOWN, presentation
from tests.forgery import BADGE, CHALLENGE, badge, flip, policy, prove
from tests.world import NOW

if TYPE_CHECKING:
    from tests.forgery import Faces
    from tests.world import Party, World

ACCEPTED = ("accepted", None)
INVALID = ("refused", "signature_invalid")
MISSING = ("refused", "proof_missing")
CHAIN = ("refused", "proof_chain_invalid")
JCS, RDF = "eddsa-jcs-2022", "eddsa-rdfc-2022"


def capability(world: World) -> dict[str, Any]:
    """Return an unsigned credential of which every term is defined."""
    (signed,) = world.root(form=JCS)
    assert isinstance(signed, dict)
    return {name: each for name, each in signed.items() if name != "proof"}


def add(document: dict[str, Any], by: Party, suite: str = JCS, **options: object) -> dict[str, Any]:
    """Return the document with one proof more."""
    return data_integrity.add_proof(
        document, by.secret, by.method_id, SUITES[suite], created=NOW, options=dict(options)
    )


def asking(world: World, *names: str) -> dict[str, Any]:
    """Return the policy in which some proofs of acme's credentials count."""
    table = policy(world)
    return {**table, "anchor": [{**anchor, "required_proofs": list(names)} for anchor in table["anchor"]]}  # type: ignore[attr-defined]


@pytest.mark.parametrize(("first", "second"), [(JCS, RDF), (RDF, JCS), (JCS, JCS), (RDF, RDF)])
def test_a_set_by_the_issuer(world: World, faces: Faces, first: str, second: str) -> None:
    """Two proofs of the issuer over one document: both hold, and one that does not refuses the whole."""
    signed = add(add(capability(world), world.acme, first), world.acme, second)
    assert ACCEPTED == faces(signed).answer

    for place in (0, 1):
        forged = copy.deepcopy(signed)
        forged["proof"][place]["created"] = "2026-11-24T11:58:59Z"
        assert INVALID == faces(forged).answer


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.parametrize("place", [0, 1])
def test_e04_unless_the_policy_lists(world: World, faces: Faces, name: str, place: int) -> None:
    """E04: an unknown proof is left alone where the policy says which ones count, and satisfies nothing."""
    signed = prove(badge(world), world.acme)
    unknown = {**signed["proof"], "type": None, "cryptosuite": None, **UNKNOWN[name], "id": "urn:x:unknown"}  # type: ignore[dict-item]
    proofs = [{**signed["proof"]}]
    proofs.insert(place, unknown)
    document = {**signed, "proof": proofs}
    if name == "no-type":
        # it names a known suite, so the policy asks for it too, and it is none
        assert ("refused", "proof_suite_unsupported") == faces(document, trust=asking(world, JCS)).answer
        return

    assert ACCEPTED == faces(document, trust=asking(world, JCS)).answer
    assert ("refused", "proof_suite_unsupported") == faces(document, trust=asking(world, "urn:x:unknown")).answer
    absent = faces({**signed, "proof": [unknown, unknown]}, trust=asking(world, JCS))
    assert MISSING == absent.answer


def test_e04_by_every_name(world: World, faces: Faces) -> None:
    """A policy names a proof by id, method, DID or suite."""
    signed = add(badge(world), world.acme, id="urn:x:own")
    document = {**signed, "proof": [signed["proof"], {"type": "Unknown2099", "id": "urn:x:other"}]}
    for name in ("urn:x:own", world.acme.method_id, world.acme.did, JCS):
        assert ACCEPTED == faces(document, trust=asking(world, name)).answer

    for name in ("urn:x:absent", world.stranger.did, RDF, f"{JCS} ", ""):
        if name:
            assert MISSING == faces(document, trust=asking(world, name)).answer
    assert MISSING == faces(signed, trust=asking(world, RDF)).answer


def test_z13_an_endorsement_beside_the_issuers_proof(world: World, faces: Faces) -> None:
    """Z13: a stranger's proof beside the one that is required is nobody's business; without a policy it refuses."""
    signed = add(add(badge(world), world.acme), world.stranger)
    failing = copy.deepcopy(signed)
    failing["proof"][1]["created"] = "2026-11-24T11:58:59Z"

    assert ACCEPTED == faces(signed, trust=asking(world, world.acme.did)).answer
    assert ACCEPTED == faces(failing, trust=asking(world, world.acme.did)).answer
    assert ("refused", "issuer_key_mismatch") == faces(signed).answer


def test_an_endorsement_that_is_required(world: World, faces: Faces) -> None:
    """A notary's proof that the policy asks for has to be there and to hold; it never stands for the issuer's."""
    notary = world.party("notary", method="web")
    both = asking(world, world.acme.did, notary.did)
    signed = add(add(badge(world), notary), world.acme)
    failing = copy.deepcopy(signed)
    failing["proof"][0]["created"] = "2026-11-24T11:58:59Z"

    assert ACCEPTED == faces(signed, trust=both).answer
    assert INVALID == faces(failing, trust=both).answer
    assert MISSING == faces(add(badge(world), world.acme), trust=both).answer
    assert ("refused", "issuer_key_mismatch") == faces(
        add(badge(world), notary), trust=asking(world, notary.did)
    ).answer
    assert ("refused", "issuer_key_mismatch") == faces(signed, trust=asking(world, notary.did)).answer


@pytest.mark.parametrize("name", ["urn:x:second", RDF])
def test_a_required_proof_that_somebody_else_made(world: World, faces: Faces, name: str) -> None:
    """Who takes away the issuer's second proof cannot make one that passes for it: an `id`, a suite are anybody's."""
    asked = asking(world, JCS, name)
    document = add(capability(world), world.acme)
    good = add(document, world.acme, RDF, id="urn:x:second")
    forged = add(document, world.stranger, RDF, id="urn:x:second")

    assert ACCEPTED == faces(good, trust=asked).answer
    assert MISSING == faces(forged, trust=asked).answer
    assert MISSING == faces(document, trust=asked).answer


@pytest.mark.parametrize("suite", [JCS, RDF])
@pytest.mark.parametrize("named", ["urn:x:1", ["urn:x:1"], ["urn:x:1", "urn:x:2"], ["urn:x:2", "urn:x:1"]], ids=repr)
def test_a_chain(world: World, faces: Faces, suite: str, named: object) -> None:
    """A proof that follows one or two others signs them with the document."""
    document = add(capability(world), world.acme, suite, id="urn:x:1")
    document = add(document, world.acme, suite, id="urn:x:2")
    signed = add(document, world.acme, suite, id="urn:x:3", previousProof=named)
    assert ACCEPTED == faces(signed).answer

    for place in (0, 1, 2):
        forged = copy.deepcopy(signed)
        forged["proof"][place]["created"] = "2026-11-24T11:58:59Z"
        assert INVALID == faces(forged).answer
    plain = copy.deepcopy(signed)
    del plain["proof"][2]["previousProof"]
    assert INVALID == faces(plain).answer
    assert CHAIN == faces({**signed, "proof": signed["proof"][1:]}).answer
    assert ACCEPTED == faces({**signed, "proof": signed["proof"][:2]}).answer


def test_a_chain_of_three_by_others(world: World, faces: Faces) -> None:
    """What a required proof follows has to hold too, whoever made it."""
    notary = world.party("notary", method="web")
    document = add(badge(world), notary, id="urn:x:1")
    signed = add(document, world.acme, id="urn:x:2", previousProof="urn:x:1")
    forged = copy.deepcopy(signed)
    forged["proof"][0]["proofValue"] = signed["proof"][1]["proofValue"]

    assert ACCEPTED == faces(signed, trust=asking(world, world.acme.did)).answer
    assert INVALID == faces(forged, trust=asking(world, world.acme.did)).answer
    assert ("refused", "issuer_key_mismatch") == faces(signed).answer


@pytest.mark.parametrize("suite", [JCS, RDF])
@pytest.mark.parametrize(
    ("ids", "named"),
    [
        (("urn:x:1", "urn:x:2"), {1: "urn:x:3"}),
        (("urn:x:1", "urn:x:2"), {1: ["urn:x:1", "urn:x:3"]}),
        (("urn:x:1", "urn:x:2"), {1: "urn:x:2"}),
        (("urn:x:1", "urn:x:2"), {0: "urn:x:2", 1: "urn:x:1"}),
        (("urn:x:1", "urn:x:1"), {1: "urn:x:1"}),
        (("urn:x:1", "urn:x:2"), {1: ["urn:x:1", "urn:x:1"]}),
        (("urn:x:1", "urn:x:2"), {1: []}),
        (("urn:x:1", "urn:x:2"), {1: None}),
        (("urn:x:1", "urn:x:2"), {1: 1}),
        (("urn:x:1", "urn:x:2"), {1: {"id": "urn:x:1"}}),
        (("urn:x:1", "urn:x:2"), {1: [["urn:x:1"]]}),
        ((None, None), {1: "urn:x:1"}),
    ],
    ids=repr,
)
def test_e05_chains_that_are_none(
    world: World, faces: Faces, suite: str, ids: tuple[str | None, ...], named: dict[int, object]
) -> None:
    """E05: removed, unknown, itself, in a circle, an id that stands twice, or no id at all."""
    signed = add(add(capability(world), world.acme, suite), world.acme, suite)
    for proof, name in zip(signed["proof"], ids, strict=True):
        if name is not None:
            proof["id"] = name
    for place, value in named.items():
        signed["proof"][place]["previousProof"] = value

    assert CHAIN == faces(signed).answer


def test_long_chains_and_circles_end(world: World, faces: Faces) -> None:
    """Eight proofs that each follow all before them are little work; eight in a circle none."""
    document = capability(world)
    for number in range(8):
        earlier = {"previousProof": [f"urn:x:{each}" for each in range(number)]} if number else {}
        document = add(document, world.acme, RDF, id=f"urn:x:{number}", **earlier)
    assert ACCEPTED == faces(document).answer

    for proof in document["proof"]:
        proof["previousProof"] = [f"urn:x:{each}" for each in range(8)]
    assert CHAIN == faces(document).answer


@pytest.mark.parametrize("suite", [JCS, RDF])
def test_a_set_on_a_presentation(world: World, faces: Faces, suite: str) -> None:
    """E02: every proof of a presentation is the holder's, answers the challenge and holds."""
    signed = presentation(world)
    options = {name: signed["proof"][name] for name in ("challenge", "domain", "expires")}

    def beside(by: Party, **changes: object) -> dict[str, Any]:
        return data_integrity.add_proof(
            signed, by.secret, by.method_id, SUITES[suite], purpose="authentication", created=NOW,
            options={name: each for name, each in (options | changes).items() if each is not None},
        )  # fmt: skip

    forged = beside(world.agent)
    forged["proof"][1]["proofValue"] = flip(forged["proof"][1]["proofValue"], 9)

    assert ACCEPTED == faces(beside(world.agent), challenge=CHALLENGE).answer
    assert INVALID == faces(forged, challenge=CHALLENGE).answer
    assert ("refused", "issuer_key_mismatch") == faces(beside(world.stranger), challenge=CHALLENGE).answer
    other = beside(world.agent, challenge="another")
    assert ("refused", "invalid_challenge_error") == faces(other, challenge=CHALLENGE).answer
    other = beside(world.agent, domain="https://evil.example")
    assert ("refused", "invalid_domain_error") == faces(other, challenge=CHALLENGE).answer
    assert ("malformed", "type_mismatch") == faces(beside(world.agent, expires=None), challenge=CHALLENGE).answer
    early = beside(world.agent, expires="2026-11-24T11:58:00Z")
    assert ("malformed", "type_mismatch") == faces(early, challenge=CHALLENGE).answer


def test_which_proofs_of_a_presentation_count(world: World, faces: Faces) -> None:
    """The policy may ask for proofs of a presentation as well; a token carries none."""
    signed = presentation(world)
    options = {name: signed["proof"][name] for name in ("challenge", "domain", "expires")}
    both = data_integrity.add_proof(
        signed, world.stranger.secret, world.stranger.method_id, SUITES[JCS], purpose="authentication", created=NOW,
        options=options,
    )  # fmt: skip
    own, absent = (policy(world, presentation_proofs=[each]) for each in (world.agent.did, "mldsa44-jcs-2024"))

    assert ACCEPTED == faces(both, challenge=CHALLENGE, trust=own).answer
    assert ACCEPTED == faces(signed, challenge=CHALLENGE, trust=own).answer
    assert MISSING == faces(both, challenge=CHALLENGE, trust=absent).answer
    assert MISSING == faces(world.present(world.root()), challenge=CHALLENGE, trust=absent).answer


def test_anchors_are_not_merged(world: World, faces: Faces) -> None:
    """Of two anchors, one asks for a proof that is not there: the other decides alone, by all the proofs."""
    table = policy(world)
    anchors = [*table["anchor"], {"did": world.acme.did, "types": [BADGE], "required_proofs": [RDF]}]  # type: ignore[misc]
    signed = prove(badge(world), world.acme)
    unknown = {**signed, "proof": [signed["proof"], {"type": "Unknown2099"}]}

    assert ACCEPTED == faces(signed, trust={**table, "anchor": anchors}).answer
    assert ("refused", "proof_suite_unsupported") == faces(unknown, trust={**table, "anchor": anchors}).answer


def test_a_chain_link_with_an_endorsement(world: World, faces: Faces) -> None:
    """A capability's root may carry a stranger's proof; the digest its child names does not change with it."""
    (root,) = world.root(form=JCS)
    chain = world.child([root], world.agent, world.helper, form=JCS)
    assert isinstance(root, dict)
    endorsed = [add(root, world.stranger), *chain[1:]]

    assert ACCEPTED == faces(endorsed, trust=asking(world, world.acme.did)).answer
