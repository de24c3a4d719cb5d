"""E14, E20 and layer F as judged: every suite, and the RDF ones only over JSON that says what was signed."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.codec.base import decode_multibase
from agentdid.codec.strict_json import encode
from agentdid.credential.model import AGENTDID_V1, CREDENTIALS_V2
from agentdid.did.document import build_document
from agentdid.keys.secret import SecretKey
from agentdid.proof.suites import RDFC, SUITES
from agentdid.secure import data_integrity
from tests.attacks.test_json_ld import CRED
from tests.forgery import CHALLENGE, acme_document, flip, policy
from tests.world import NOW, Party

if TYPE_CHECKING:
    from agentdid.errors import AgentdidError
    from tests.forgery import Faces
    from tests.world import World

KEYED = [(name, algorithm) for name, suite in SUITES.items() for algorithm in suite.algorithms]
each_suite = pytest.mark.parametrize(("name", "algorithm"), KEYED)
RDF = [(name, algorithm) for name, algorithm in KEYED if SUITES[name].canonical == RDFC]
each_rdf_suite = pytest.mark.parametrize(("name", "algorithm"), RDF)
INVALID = ("refused", "signature_invalid")


def acme(world: World, algorithm: str) -> Party:
    """Return acme with a key of another kind, which it and its status list stand by."""
    made = world.party("acme", method="web", algorithm=algorithm)
    world.acme = made
    return made


def capability(world: World, name: str, algorithm: str) -> dict[str, Any]:
    """Return acme's capability credential under a suite."""
    (signed,) = world.root(acme(world, algorithm), form=name)
    assert isinstance(signed, dict)
    return signed


def presentation(world: World, name: str, algorithm: str) -> str:
    """Return a presentation under a suite, of a credential and a delegated one under the same."""
    holder, helper = (world.party(each, algorithm=algorithm) for each in ("agent", "helper"))
    chain = world.root(acme(world, algorithm), holder, form=name)
    return world.present(world.child(chain, holder, helper, form=name), helper, challenge=CHALLENGE, form=name)


@each_suite
def test_every_suite_is_accepted(world: World, faces: Faces, name: str, algorithm: str) -> None:
    """A credential with its status, and a presentation of a chain, all of one suite."""
    assert ("accepted", None) == faces(capability(world, name, algorithm)).answer
    assert ("accepted", None) == faces(presentation(world, name, algorithm), challenge=CHALLENGE).answer


CHANGES: dict[str, object] = {
    "issuer": "did:web:evil.example",
    "validUntil": "2027-11-24T20:00:00Z",
    "credentialSubject/capability/autonomy": 3,
    "credentialStatus/statusListIndex": "8",
    "proof/created": "2026-11-24T11:58:59Z",
}


@each_suite
@pytest.mark.parametrize("path", CHANGES)
def test_a_changed_member(world: World, faces: Faces, name: str, algorithm: str, path: str) -> None:
    """One member changed is another document, whatever the suite."""
    forged = copy.deepcopy(capability(world, name, algorithm))
    *steps, last = path.split("/")
    place: Any = forged
    for step in steps:
        place = place[step]
    if last == "autonomy":
        place, last = place["grants"][0], "autonomyMax"
    place[last] = CHANGES[path]

    assert faces(forged).code in ("signature_invalid", "issuer_untrusted")


@each_suite
def test_a_changed_presentation(world: World, faces: Faces, name: str, algorithm: str) -> None:
    """The presentation's own proof, and that of a credential within it."""
    presented = json.loads(presentation(world, name, algorithm))
    inner = copy.deepcopy(presented)
    inner["verifiableCredential"][0]["proof"]["created"] = "2026-11-24T11:58:59Z"
    outer = {**presented, "id": "urn:uuid:5a1f0e0c-4a55-4c5e-8d2a-0d6f4b1c2a33"}

    assert INVALID == faces(inner, challenge=CHALLENGE).answer
    assert INVALID == faces(outer, challenge=CHALLENGE).answer


@each_suite
@pytest.mark.parametrize("other", SUITES)
def test_e14_relabelled(world: World, faces: Faces, name: str, algorithm: str, other: str) -> None:
    """E14: the same key under another name of its own, or of another kind of key."""
    forged = copy.deepcopy(capability(world, name, algorithm))
    suite, label = SUITES[name], SUITES[other]
    forged["proof"] |= {"type": label.proof_type, "cryptosuite": other}
    if label.proof_type == other:
        del forged["proof"]["cryptosuite"]
    answer = faces(forged).answer

    if other == name:
        assert ("accepted", None) == answer
    elif suite.signature_base != label.signature_base:
        assert ("malformed", "encoding_invalid") == answer
    elif label.canonical == RDFC and not set(label.contexts) & set(forged["@context"]):
        assert ("refused", "term_undefined") == answer
    elif algorithm in label.algorithms:
        assert INVALID == answer
    else:
        assert ("refused", "alg_key_mismatch") == answer


def _with_key(world: World, secret: SecretKey) -> None:
    """Publish another key under acme's one method."""
    world.serve(acme_document(world), encode(build_document(world.acme.did, {"key-1": secret.public})))


@each_suite
def test_e20_a_key_of_another_kind(world: World, faces: Faces, name: str, algorithm: str) -> None:
    """E20: P-256 and P-384 are one suite's, and not each other's."""
    signed = capability(world, name, algorithm)
    other = next(each for each in ("P-256", "P-384", "Ed25519") if each != algorithm)
    _with_key(world, SecretKey.from_seed(other, b"\1" * (48 if other == "P-384" else 32)))

    assert ("refused", "alg_key_mismatch") == faces(signed).answer


@pytest.mark.parametrize("name", ["ecdsa-jcs-2019", "ecdsa-rdfc-2019"])
@pytest.mark.parametrize("algorithm", ["P-256", "P-384"])
def test_e20_hashes_mixed(world: World, faces: Faces, name: str, algorithm: str) -> None:
    """E20: SHA-256 goes with P-256, SHA-384 with P-384: under the other one the right key signed something else."""
    (document,) = world.root(acme(world, algorithm), form=name)
    body: dict[str, Any] = {key: each for key, each in document.items() if key != "proof"}  # type: ignore[union-attr]
    proof: dict[str, Any] = dict(document["proof"])  # type: ignore[call-overload, index]
    del proof["proofValue"]
    suite = SUITES[name]
    mixed = next(each for key, each in suite.transforms.items() if key != algorithm)
    hashed = data_integrity.hash_document(body, mixed, plain=False)
    config = {**proof, "@context": body["@context"]}
    signed = data_integrity.hash_data(config, hashed, mixed, plain=False)
    proof["proofValue"] = data_integrity.encode_multibase(world.acme.secret.sign(signed), "z")

    assert INVALID == faces({**body, "proof": proof}).answer


@pytest.mark.parametrize("name", ["ecdsa-jcs-2019", "ecdsa-rdfc-2019"])
@pytest.mark.parametrize("change", [b"", b"\0", b"\0" * 32])
def test_b02_of_another_length(world: World, faces: Faces, name: str, change: bytes) -> None:
    """B02: a proof value of 63 or 65 bytes, or one as long as P-384's under a P-256 key."""
    signed = copy.deepcopy(capability(world, name, "P-256"))
    raw = decode_multibase(signed["proof"]["proofValue"])
    raw = raw + change if change else raw[:-1]
    signed["proof"]["proofValue"] = data_integrity.encode_multibase(raw, "z")
    expected = "alg_key_mismatch" if len(change) == 32 else "signature_invalid"

    assert ("refused", expected) == faces(signed).answer


# What an attacker makes of a signed document so that its statements stay the same: members set, `None` for left out;
# `-> name` is the value of another member.
INLINE = {"st": f"{CRED}credentialStatus"}
SAME_STATEMENTS: dict[str, tuple[dict[str, object], str]] = {
    "F01": ({"admin": True}, "term_undefined"),
    "F02": ({"issuer": {"id": "did:web:acme.example", "admin": True}}, "term_undefined"),
    "F03": ({"credentialStatus": None, f"{CRED}credentialStatus": "-> credentialStatus"}, "json_rdf_divergence"),
    "F03-end": ({"validUntil": None, f"{CRED}validUntil": "-> validUntil"}, "json_rdf_divergence"),
    "F05": (
        {"@context": [CREDENTIALS_V2, AGENTDID_V1, INLINE], "credentialStatus": None, "st": "-> credentialStatus"},
        "context_not_allowed",
    ),
    "F07": ({"@context": [AGENTDID_V1, CREDENTIALS_V2]}, "context_not_allowed"),
    "F07-twice": ({"@context": [CREDENTIALS_V2, AGENTDID_V1, AGENTDID_V1]}, "context_not_allowed"),
    "F08": ({"@context": [CREDENTIALS_V2, AGENTDID_V1, {"@vocab": "urn:x:"}]}, "context_not_allowed"),
    "F12": ({"@included": [{"id": "urn:x:1"}]}, "json_rdf_divergence"),
    "F12-graph": ({"@graph": []}, "json_rdf_divergence"),
    "F13": ({"id": None, "@id": "-> id"}, "json_rdf_divergence"),
    "F13-type": ({"type": None, "@type": "-> type"}, "json_rdf_divergence"),
    "F15": ({"evidence": "null"}, "json_rdf_divergence"),
    "F15-empty": ({"evidence": []}, "json_rdf_divergence"),
    "F17": ({"@context": [CREDENTIALS_V2, AGENTDID_V1, "https://evil.example/v1"]}, "context_load_forbidden"),
    "F18": (
        {"issuer": {"id": "did:web:acme.example", "@context": "https://evil.example/v1"}},
        "context_load_forbidden",
    ),
    "F22": ({"type": ["VerifiableCredential", "AgentCapabilityCredential", "Relative"]}, "term_undefined"),
    "F22-id": ({"id": "relative"}, "term_undefined"),
    "F24": ({"name": {"@value": "x", "@language": "EN"}}, "json_rdf_divergence"),
}


@each_rdf_suite
@pytest.mark.parametrize("row", SAME_STATEMENTS)
def test_what_the_statements_do_not_notice(world: World, faces: Faces, name: str, algorithm: str, row: str) -> None:
    """F01, F02, F03, F05, F07, F08, F12, F13, F15, F17, F18, F22, F24: before anybody is asked."""
    signed = capability(world, name, algorithm)
    changes, code = SAME_STATEMENTS[row]
    forged = {key: each for key, each in signed.items() if key not in changes}
    for key, each in changes.items():
        if isinstance(each, str) and each.startswith("-> "):
            forged[key] = signed[each.removeprefix("-> ")]
        elif each is not None:
            forged[key] = None if each == "null" else each
    verdict = faces(forged)

    assert (code, "structure", ()) == (verdict.code, verdict.check, verdict.asked)


@each_rdf_suite
def test_f10_a_number_in_another_spelling(world: World, faces: Faces, name: str, algorithm: str) -> None:
    """F10: `2.0` for `2` says the same to RDF; within a JSON literal, too."""
    text = json.dumps(capability(world, name, algorithm))
    forged = text.replace('"autonomyMax": 2', '"autonomyMax": 2.0')
    assert text != forged

    assert ("refused", "json_rdf_divergence") == faces(forged).answer


@each_rdf_suite
def test_a_context_added_behind(world: World, faces: Faces, name: str, algorithm: str) -> None:
    """A list that is allowed and says the same: the statements are those that were signed, and so is the JSON."""
    signed = capability(world, name, algorithm)
    forged = {**signed, "@context": [*signed["@context"], "https://w3id.org/security/data-integrity/v2"]}

    assert ("accepted", None) == faces(forged).answer


@pytest.mark.parametrize("name", [name for name, _ in RDF])
def test_n16_nothing_is_signed_that_rdf_would_drop(world: World, name: str) -> None:
    """N16: an issuer that signs statements signs no member that is none."""
    algorithm = SUITES[name].algorithms[0]
    with pytest.raises(data_integrity.AgentdidError) as refusal:
        world.root(acme(world, algorithm), form=name, claims={"favouriteColour": "green"})
    error: AgentdidError = refusal.value

    assert "term_undefined" == error.code


@each_suite
def test_a_flipped_character(world: World, faces: Faces, name: str, algorithm: str) -> None:
    """Every tenth character of a proof value, changed."""
    signed = capability(world, name, algorithm)
    value = signed["proof"]["proofValue"]
    for place in range(1, len(value), max(10, len(value) // 8)):
        forged = {**signed, "proof": {**signed["proof"], "proofValue": flip(value, place)}}

        assert faces(forged).code in ("signature_invalid", "encoding_invalid", "alg_key_mismatch")


def test_a_status_list_of_statements(world: World, faces: Faces) -> None:
    """A list may be signed by any suite; one whose JSON says something else is not believed."""
    world.publish(world.acme)
    listed: Any = json.loads(world.served[world.acme.list_url].body)  # type: ignore[union-attr]  # it was served
    del listed["proof"]
    signed = data_integrity.add_proof(
        listed, world.acme.secret, world.acme.method_id, SUITES["eddsa-rdfc-2022"], created=NOW
    )
    world.serve(world.acme.list_url, encode(signed))
    credential = capability_of(world)
    assert ("accepted", None) == faces(credential).answer

    world.serve(world.acme.list_url, encode({**signed, "hidden": 1}))
    assert ("refused", "status_verification_error") == faces(credential, trust=policy(world)).answer


def capability_of(world: World) -> dict[str, Any]:
    """Return acme's capability credential, as it is."""
    (signed,) = world.root(form="eddsa-rdfc-2022")
    assert isinstance(signed, dict)
    return signed
