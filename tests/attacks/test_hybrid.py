"""Layer S: a hybrid set is whole or refused, the policy decides what is enough, and nobody is talked down from it."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.codec.base import decode_multibase, encode_multibase
from agentdid.codec.strict_json import encode
from agentdid.did.document import build_document
from agentdid.errors import HybridComponentMissing, KeyInvalid, StoreUnavailable
from agentdid.keys.pair import HYBRID, KeyPair
from agentdid.keys.public import load_public
from agentdid.keys.secret import SecretKey
from agentdid.proof.suites import SUITES
from agentdid.secure import data_integrity, hybrid
from agentdid.storage.marks import MemoryMarks, SqlMarks
from tests.forgery import CHALLENGE, acme_document, badge, policy
from tests.world import AUDIENCE, NOW, World

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.forgery import Faces
    from tests.world import Party

SET, CLASSICAL, PQ = "hybrid-set", "eddsa-jcs-2022", "mldsa44-jcs-2024"
ACCEPTED = ("accepted", None)
MISSING = ("refused", "hybrid_component_missing")
INVALID = ("refused", "signature_invalid")


@pytest.fixture
def world() -> World:
    """A world in which acme, its agent and the helper each have both kinds of keys."""
    made = World()
    made.acme = made.party("acme", method="web", algorithm=HYBRID)
    made.agent = made.party("agent", method="web", algorithm=HYBRID)
    made.helper = made.party("helper", method="web", algorithm=HYBRID)
    return made


def chain(world: World, form: str = SET, **capability: object) -> list[Any]:
    """Return a chain of two links."""
    root = world.root(form=form, capability=world.capability(**capability))
    leaf = world.capability(grants=[world.grant(id="c1", **{"from": "g1"})], delegation={"maxDepth": 5}, **capability)
    return list(world.child(root, world.agent, world.helper, form=form, capability=leaf))


def under(world: World, security: str) -> dict[str, Any]:
    """Return the policy with one kind of security for acme."""
    table = policy(world)
    return {**table, "anchor": [{**anchor, "security": security} for anchor in table["anchor"]]}  # type: ignore[attr-defined]


def classical_only(world: World) -> None:
    """Leave acme's post-quantum key out of its document, and out of what signs its list."""
    acme = world.acme
    assert isinstance(acme.secret, KeyPair)
    world.serve(acme_document(world), encode(build_document(acme.did, {"key-1": acme.secret.classical.public})))
    acme.secret = acme.secret.classical
    world.publish(acme)


def present(world: World, links: list[Any], form: str = SET, holder: Party | None = None) -> Any:  # noqa: ANN401
    """Return a presentation as an object."""
    return json.loads(world.present(links, holder or world.helper, challenge=CHALLENGE, form=form))


@pytest.mark.parametrize("security", ["classical-ok", "hybrid-if-declared", "pq-required", "hybrid-required"])
def test_the_whole_set_is_enough_for_every_policy(world: World, faces: Faces, security: str) -> None:
    """Credentials, a delegated link, the status list and the presentation, all of both kinds."""
    presented = present(world, chain(world, minSecurity="hybrid"))
    trust = under(world, security)
    decision = world.verifier(trust=world.trust(**trust)).verify(presented, challenge=CHALLENGE)

    assert ACCEPTED == faces(presented, challenge=CHALLENGE, trust=trust).answer
    assert ("hybrid", False) == (decision.security_level, decision.downgraded)
    assert ("hybrid", False) == (decision.encode()["securityLevel"], decision.encode()["downgraded"])


def stripped(document: dict[str, Any], place: int, *, single: bool) -> dict[str, Any]:
    """Return the document without one of its two proofs."""
    left = document["proof"][1 - place]
    return {**document, "proof": left if single else [left]}


@pytest.mark.parametrize("security", ["classical-ok", "hybrid-if-declared", "pq-required", "hybrid-required"])
@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("single", [False, True])
def test_s01_a_stripped_proof(world: World, faces: Faces, security: str, place: int, single: bool) -> None:
    """S01: what is left says that it is not whole, of credential, delegated link, list and presentation."""
    links = chain(world)
    trust = under(world, security)
    presented = present(world, links)
    for position in (0, 1):
        cut = [*links[:position], stripped(links[position], place, single=single), *links[position + 1 :]]
        assert MISSING == faces(cut, trust=trust).answer
    assert MISSING == faces(stripped(presented, place, single=single), challenge=CHALLENGE, trust=trust).answer

    listed: Any = json.loads(world.served[world.acme.list_url].body)  # type: ignore[union-attr]  # it was served
    world.serve(world.acme.list_url, encode(stripped(listed, place, single=single)))
    verdict = faces(links, trust=trust)
    assert ("refused", "status_verification_error") == verdict.answer


@pytest.mark.parametrize("place", [0, 1])
def test_s08_both_have_to_hold(world: World, faces: Faces, place: int) -> None:
    """S08: one byte of either signature, of a credential and of a presentation."""

    def spoil(document: dict[str, Any]) -> dict[str, Any]:
        forged = copy.deepcopy(document)
        proof = forged["proof"][place]
        raw = bytearray(decode_multibase(proof["proofValue"]))
        raw[40] ^= 1
        proof["proofValue"] = encode_multibase(bytes(raw), proof["proofValue"][0])
        return forged

    links = chain(world)
    assert INVALID == faces([spoil(links[0]), links[1]]).answer
    assert INVALID == faces([links[0], spoil(links[1])]).answer
    assert INVALID == faces(spoil(present(world, links)), challenge=CHALLENGE).answer


def test_s01_the_marker_cannot_be_taken_off(world: World, faces: Faces) -> None:
    """S01: the group is signed: of one proof, of both, or another group in its place."""
    (root, _) = chain(world)
    for places in ((0,), (1,), (0, 1)):
        forged = copy.deepcopy(root)
        for place in places:
            del forged["proof"][place]["proofGroup"]
        assert faces(forged).answer in (MISSING, INVALID)

    alone = copy.deepcopy(root)
    alone["proof"] = alone["proof"][0]
    del alone["proof"]["proofGroup"]
    assert INVALID == faces(alone).answer


GROUPS: dict[str, Any] = {
    "type": lambda group: {**group, "type": "AnyOf"},
    "no-type": lambda group: {"members": group["members"]},
    "more": lambda group: {**group, "threshold": 1},
    "one": lambda group: {**group, "members": group["members"][:1]},
    "twice": lambda group: {**group, "members": [group["members"][0]] * 2},
    "no-list": lambda group: {**group, "members": {}},
    "no-members": lambda _: {"type": "AllOf"},
    "text": lambda _: "AllOf",
    "null": lambda _: None,
    "member": lambda group: {**group, "members": [{**each, "x": "y"} for each in group["members"]]},
    "typed": lambda group: {**group, "members": [{**each, "cryptosuite": 1} for each in group["members"]]},
}


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_that_is_none(world: World, faces: Faces, name: str) -> None:
    """A group that its own signer wrote otherwise than the specification has it."""
    signed = _set(world, GROUPS[name])

    assert ("malformed", "type_mismatch") == faces(signed).answer


def _set(world: World, change: Any, *, which: tuple[int, ...] = (0, 1)) -> dict[str, Any]:  # noqa: ANN401
    """Return acme's set, each proof signed rightly with a changed group."""
    acme = world.acme
    assert isinstance(acme.secret, KeyPair)
    members = acme.secret.members(acme.method_id)
    names = [{"cryptosuite": suite, "verificationMethod": each[1]} for suite, each in zip((CLASSICAL, PQ), members, strict=True)]  # fmt: skip  # noqa: E501
    group = {"type": "AllOf", "members": names}
    document = badge(world)
    for place, (suite, (key, method_id)) in enumerate(zip((CLASSICAL, PQ), members, strict=True)):
        shown = change(group) if place in which else group
        document = data_integrity.add_proof(
            document, key, method_id, SUITES[suite], created=NOW, options={"proofGroup": shown}
        )
    return document


def test_two_groups(world: World, faces: Faces) -> None:
    """Both proofs name the same group, in the same order; a stranger named is missing."""
    other = {"cryptosuite": PQ, "verificationMethod": f"{world.stranger.did}#key-1-pq"}

    reversed_ = _set(world, lambda group: {**group, "members": group["members"][::-1]}, which=(1,))
    assert MISSING == faces(reversed_).answer
    longer = _set(world, lambda group: {**group, "members": [*group["members"], other]})
    assert MISSING == faces(longer).answer
    assert ACCEPTED == faces(_set(world, lambda group: group)).answer


@pytest.mark.parametrize(
    ("security", "form", "answer"),
    [
        ("classical-ok", CLASSICAL, ACCEPTED),
        ("hybrid-if-declared", CLASSICAL, MISSING),
        ("pq-required", CLASSICAL, MISSING),
        ("hybrid-required", CLASSICAL, MISSING),
        ("classical-ok", PQ, ACCEPTED),
        ("hybrid-if-declared", PQ, ACCEPTED),
        ("pq-required", PQ, ACCEPTED),
        ("hybrid-required", PQ, MISSING),
        ("classical-ok", "vc+sd-jwt", ACCEPTED),
        ("hybrid-if-declared", "vc+sd-jwt", MISSING),
    ],
)
def test_the_four_policies(
    world: World, faces: Faces, security: str, form: str, answer: tuple[str, str | None]
) -> None:
    """One proof of an issuer that lists both kinds of keys, under each policy."""
    assert answer == faces(world.root(form=form), trust=under(world, security)).answer


def test_levels_and_downgrades(world: World) -> None:
    """A decision says what its weakest signature withstands, and whether the policy let it be less than it could."""
    world.publish(world.acme)
    levels = {}
    for form in (CLASSICAL, PQ, SET):
        verifier = world.verifier(trust=world.trust(**under(world, "classical-ok")))
        decision = verifier.verify_credential(list(world.root(form=form)))
        levels[form] = (decision.security_level, decision.downgraded)

    assert {CLASSICAL: ("classical", True), PQ: ("pq", False), SET: ("hybrid", False)} == levels


def test_s07_a_document_with_the_classical_key_alone(world: World, faces: Faces) -> None:
    """S07: whoever can change the DID document leaves the other key out: a policy that pins it does not care."""
    root = world.root(form=CLASSICAL)
    classical_only(world)

    assert ACCEPTED == faces(root).answer
    for security in ("hybrid-required", "pq-required"):
        assert MISSING == faces(root, trust=under(world, security)).answer


def seen_store(kind: str, folder: Path) -> MemoryMarks | SqlMarks:
    """Return a store of what was seen."""
    return MemoryMarks() if kind == "memory" else SqlMarks.open(folder / "marks.db")


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_s07_what_was_seen_is_remembered(world: World, tmp_path: Path, kind: str) -> None:
    """S07: once a post-quantum signature of a DID was seen, a document without that key does not undo it."""
    marks = seen_store(kind, tmp_path)
    hybrids, plain = world.root(form=SET), world.root(form=CLASSICAL)
    world.verifier(marks=marks).verify_credential(list(hybrids))
    classical_only(world)

    with pytest.raises(HybridComponentMissing):
        world.verifier(marks=marks).verify_credential(list(plain))
    lax = world.trust(**under(world, "classical-ok"))
    decision = world.verifier(marks=marks, trust=lax).verify_credential(list(plain))
    assert decision.downgraded
    # and nothing was made of a DID that was only ever seen with a classical one
    assert world.verifier(marks=MemoryMarks()).verify_credential(list(plain)).security_level == "classical"


def test_a_store_that_does_not_answer(world: World) -> None:
    """What was seen cannot be found out: the answer is no."""

    class Gone:
        def advance(self, scid: str, versions: Sequence[str]) -> str:
            assert (scid, versions) == (f"pq:{world.acme.did}", ("pq",))
            return "unavailable"

    with pytest.raises(StoreUnavailable):
        world.verifier(marks=Gone()).verify_credential(list(world.root(form=SET)))


@pytest.mark.parametrize(("asked", "form", "answer"), [
    ("classical", CLASSICAL, ACCEPTED), ("pq", CLASSICAL, MISSING), ("hybrid", CLASSICAL, MISSING),
    ("pq", PQ, ACCEPTED), ("hybrid", PQ, MISSING), ("pq", SET, ACCEPTED), ("hybrid", SET, ACCEPTED),
])  # fmt: skip
def test_min_security_of_links(
    world: World, faces: Faces, asked: str, form: str, answer: tuple[str, str | None]
) -> None:
    """What a chain asks for, every link meets."""
    links = chain(world, form, minSecurity=asked)

    assert answer == faces(links, trust=under(world, "classical-ok")).answer


def test_min_security_of_every_step(world: World, faces: Faces) -> None:
    """A presentation or a status list that is weaker than the chain asks; a token, too."""
    links = chain(world, minSecurity="hybrid")
    for form in (CLASSICAL, PQ, "vp+jwt"):
        shown = world.present(links, world.helper, challenge=CHALLENGE, form=form)
        assert MISSING == faces(shown, challenge=CHALLENGE, trust=under(world, "classical-ok")).answer

    listed: Any = json.loads(world.served[world.acme.list_url].body)  # type: ignore[union-attr]  # it was served
    del listed["proof"]
    secret, method_id = world.acme.secret, world.acme.method_id
    signed = data_integrity.add_proof(listed, secret, method_id, SUITES[CLASSICAL], created=NOW)
    world.serve(world.acme.list_url, encode(signed))
    assert MISSING == faces(links, trust=under(world, "classical-ok")).answer


def test_min_security_is_that_of_the_whole_chain(world: World, faces: Faces) -> None:
    """A leaf that asks for more asks it of its parents: a chain is as strong as its weakest link."""
    root = world.root(form=CLASSICAL)
    leaf = world.capability(
        grants=[world.grant(id="c1", **{"from": "g1"})], delegation={"maxDepth": 5}, minSecurity="hybrid"
    )
    links = world.child(root, world.agent, world.helper, form=SET, capability=leaf)

    assert MISSING == faces(links, trust=under(world, "classical-ok")).answer


@pytest.mark.parametrize("security", ["hybrid-if-declared", "hybrid-required"])
def test_the_policy_holds_for_every_step(world: World, faces: Faces, security: str) -> None:
    """A whole credential, presented by a classical signature of a holder that has both kinds of keys; a weak list."""
    links = chain(world)
    trust = under(world, security)
    assert MISSING == faces(present(world, links, CLASSICAL), challenge=CHALLENGE, trust=trust).answer

    listed: Any = json.loads(world.served[world.acme.list_url].body)  # type: ignore[union-attr]  # it was served
    del listed["proof"]
    secret, method_id = world.acme.secret, world.acme.method_id
    signed = data_integrity.add_proof(listed, secret, method_id, SUITES[CLASSICAL], created=NOW)
    world.serve(world.acme.list_url, encode(signed))
    assert MISSING == faces(links, trust=trust).answer


def test_a_holder_with_one_key_is_held_to_one(faces: Faces, world: World) -> None:
    """`hybrid-if-declared` asks of a DID what it has: a did:key has one key, and a list of its own is its own."""
    holder = world.party("worker")
    root = world.root(subject=holder, form=SET)
    presented = world.present(root, holder, challenge=CHALLENGE, form=CLASSICAL)

    assert ACCEPTED == faces(presented, challenge=CHALLENGE).answer
    assert MISSING == faces(presented, challenge=CHALLENGE, trust=under(world, "hybrid-required")).answer


def test_an_old_proof_does_not_complete_a_new_presentation(world: World, faces: Faces) -> None:
    """Both proofs answer the same challenge: an earlier ML-DSA proof beside a fresh Ed25519 one is none."""
    links = chain(world)
    old = json.loads(world.present(links, world.helper, challenge="older", form=SET))
    new = present(world, links)
    forged = {**new, "proof": [new["proof"][0], old["proof"][1]]}

    assert ("refused", "invalid_challenge_error") == faces(forged, challenge=CHALLENGE).answer
    assert AUDIENCE == old["proof"][1]["domain"]


def test_s04_keys_of_another_parameter_set(world: World, faces: Faces) -> None:
    """S04: an ML-DSA-65 key behind mldsa44; an expanded secret in place of a seed; a key of another length."""
    acme = world.acme
    assert isinstance(acme.secret, KeyPair)
    other = SecretKey.from_seed("ML-DSA-65", b"\5" * 32)
    keys = {"key-1": acme.secret.classical.public, "key-1-pq": other.public}
    root = world.root(form=PQ)
    world.serve(acme_document(world), encode(build_document(acme.did, keys)))

    assert ("malformed", "key_invalid") == faces(root).answer
    for length in (31, 33, 64, 2560, 4032):
        with pytest.raises(KeyInvalid):
            SecretKey.from_seed("ML-DSA-44", b"\5" * length)
    with pytest.raises(KeyInvalid):
        load_public("ML-DSA-44", other.public.raw)


def test_s05_a_byte_behind_the_signature(world: World, faces: Faces) -> None:
    """S05: each signature has its exact length."""
    links = chain(world)
    for place in (0, 1):
        for change in (b"\0", b""):
            forged = copy.deepcopy(links)
            proof = forged[0]["proof"][place]
            raw = decode_multibase(proof["proofValue"])
            proof["proofValue"] = encode_multibase(raw + change if change else raw[:-1], proof["proofValue"][0])
            assert INVALID == faces(forged).answer


def test_only_a_pair_makes_a_set(world: World) -> None:
    """One key alone makes none, and nothing is put into a set afterwards."""
    stranger, acme = world.stranger, world.acme
    with pytest.raises(ValueError, match="pair of keys"):
        hybrid.add_set(badge(world), stranger.secret, stranger.method_id, created=NOW)
    signed = hybrid.add_set(badge(world), acme.secret, acme.method_id, created=NOW)
    with pytest.raises(ValueError, match="only proof"):
        hybrid.add_set(signed, acme.secret, acme.method_id, created=NOW)


def test_a_third_proof_beside_a_set(world: World, faces: Faces) -> None:
    """Every proof carries the group or none does; where the policy says which count, a stranger's is left alone."""
    acme, stranger = world.acme, world.stranger
    signed = hybrid.add_set(badge(world), acme.secret, acme.method_id, created=NOW)
    third = data_integrity.add_proof(signed, acme.secret, acme.method_id, SUITES[CLASSICAL], created=NOW)
    endorsed = data_integrity.add_proof(signed, stranger.secret, stranger.method_id, SUITES[CLASSICAL], created=NOW)
    table = policy(world)
    asking = {**table, "anchor": [{**each, "required_proofs": [acme.did]} for each in table["anchor"]]}  # type: ignore[attr-defined]

    assert MISSING == faces(third).answer
    assert MISSING == faces(endorsed).answer
    assert ACCEPTED == faces(endorsed, trust=asking).answer
