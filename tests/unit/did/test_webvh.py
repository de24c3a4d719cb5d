"""did:webvh by its parts: the URLs a DID spells, versions out of a log, what is written, paths, parallel did:web."""

from __future__ import annotations

import json
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from agentdid.canon.jcs import canonicalize
from agentdid.codec.base import decode_multibase
from agentdid.did.webvh import write
from agentdid.did.webvh.hashes import hash_entry
from agentdid.did.webvh.identifier import parse_identifier, template
from agentdid.did.webvh.log import parse_log
from agentdid.did.webvh.parallel import build_parallel
from agentdid.did.webvh.proof import make_proof, read_proof
from agentdid.did.webvh.resolve import document_json, locate, metadata_of, select
from agentdid.did.webvh.witness import add_proofs, check_witnesses, find_rules, witness_proof
from agentdid.errors import AgentdidError, DidDeactivated, DidInvalid, DidLogInvalid, DidNotFound
from agentdid.keys.secret import SecretKey
from agentdid.sources.source import RecordedSource
from agentdid.sources.webvh import dereference, resolve
from tests.logs import BEGUN, HOUR, Forger, first_document, multikey, plain, secret, witness_did

SCID = "QmdmPkUdYzbr9txmx8gM2rsHPgr5L6m3gHjJGAf4vUFoGE"
NOW = BEGUN + timedelta(days=20)


@pytest.mark.parametrize(
    ("place", "log"),
    [
        ("example.com", "https://example.com/.well-known/did.jsonl"),
        ("issuer.example.com", "https://issuer.example.com/.well-known/did.jsonl"),
        ("example.com:dids:issuer", "https://example.com/dids/issuer/did.jsonl"),
        ("example.com%3A3000:dids:issuer", "https://example.com:3000/dids/issuer/did.jsonl"),
        ("example.com%3A3000", "https://example.com:3000/.well-known/did.jsonl"),
        ("xn--jp-cd2fp15c.xn--fsq.jp:%E7%94%A8%E6%88%B7", "https://xn--jp-cd2fp15c.xn--fsq.jp/%E7%94%A8%E6%88%B7/did.jsonl"),
        ("localhost%3A8443", "https://localhost:8443/.well-known/did.jsonl"),
    ],
)  # fmt: skip
def test_a_did_spells_the_url_of_its_log(place: str, log: str) -> None:
    """The examples of the specification, The DID to HTTPS Transformation."""
    named = parse_identifier(f"did:webvh:{SCID}:{place}")

    assert log == named.log_url
    assert log.replace("did.jsonl", "did-witness.json") == named.witness_url
    assert log.replace("did.jsonl", "").replace(".well-known/", "") == named.base_url
    assert f"did:web:{place}" == named.web


@pytest.mark.parametrize("named", [["did:webvh:x"], {}, 7, None], ids=repr)
def test_a_document_whose_id_is_no_text(named: object) -> None:
    """A log of another form than a log, not a defect of the reader."""
    log = Forger().begin(change=lambda entry: entry["state"].update(id=named))

    with pytest.raises(DidLogInvalid):
        parse_log(log.body)


def test_the_entry_hash_of_the_specification() -> None:
    """Generate Entry Hash: the published preliminary entry has the published hash."""
    witnesses = [
        {"id": f"did:key:{each}", "weight": 1}
        for each in (
            "z6Mkkc51mg2vpQzKWAbWQZupeGYhowaBjYkmvcKMTqteqHB4",
            "z6MkuDdJdKLCgwZuQuEi9xG6LVgJJ9Tebr74CXPYPSumqgJs",
            "z6MkoSWmQyp4fTk4ZQy4KUsss9dFX51XfEUzKKKj1J1JUsrF",
        )
    ]
    entry: dict[str, Any] = {
        "versionTime": "2025-04-01T17:39:50Z",
        "parameters": {
            "witness": {"threshold": 2, "witnesses": witnesses},
            "updateKeys": ["z6MkgzBDcBFV3sk4ypPE5YXMZHmS213A3HpYY2LmcVKV15jr"],
            "nextKeyHashes": ["QmZreDcjvWEpyRFznQeExWNCsvMLk5i59AcRJJuQC8UodJ"],
            "method": "did:webvh:0.5",
            "scid": SCID,
        },
        "state": {"@context": ["https://www.w3.org/ns/did/v1"], "id": f"did:webvh:{SCID}:domain.example"},
    }

    assert "QmQ6FJ4fk2xheSSQoEjVpTgx9AQPKhJgtR9hn1nr4EeCrZ" == hash_entry(entry, SCID)


def test_a_scid_may_stand_in_the_place_as_well() -> None:
    """Create step 1: more placeholders are replaced alike."""
    assert "did:webvh:{SCID}:acme.example:dids:{SCID}" == template("acme.example", None, ["dids", "{SCID}"])
    with pytest.raises(DidInvalid):
        template("127.0.0.1")


def test_versions_are_found_by_id_time_and_number() -> None:
    """Each alone, together where they agree, and nothing where there is none."""
    history = plain(3)
    second = history.versions[1]

    assert history.latest is select(history)
    assert second is select(history, version_id=second.version_id)
    assert second is select(history, version_number=2)
    assert second is select(history, version_time=BEGUN + 1.5 * HOUR)
    assert second is select(history, version_id=second.version_id, version_number=2, version_time=second.time)
    for missing in (
        {"version_id": "2-" + SCID},
        {"version_number": 0},
        {"version_number": 4},
        {"version_time": BEGUN - HOUR},
        {"version_id": second.version_id, "version_number": 1},
        {"version_id": second.version_id, "version_time": BEGUN},
    ):
        with pytest.raises(DidNotFound):
            select(history, **missing)  # type: ignore[arg-type]


def _source(history: Any, **others: object) -> RecordedSource:  # noqa: ANN401
    return RecordedSource.load({history.latest.did: write.encode_log(history).decode(), **others}, NOW)


def test_parameters_of_a_did_url_select_a_version() -> None:
    """Reading did:webvh DID URLs; what cannot be meant is no DID URL."""
    history = plain(3)
    did, source = history.latest.did, _source(history)

    assert 1 == resolve(f"{did}?versionNumber=1", source, at=NOW).version.number
    assert 2 == resolve(f"{did}?versionTime=2026-11-01T01:30:00Z#key-1", source, at=NOW).version.number
    assert 3 == resolve(f"{did}?service=files", source, at=NOW).version.number
    for query in ("versionNumber=x", "versionNumber=-1", "versionTime=yesterday", "versionId=a&versionId=b"):
        with pytest.raises(DidInvalid):
            resolve(f"{did}?{query}", source, at=NOW)


@pytest.mark.parametrize("endpoint", ["https://[", "http://a.example", ["https://a.example"], None], ids=repr)
def test_a_service_that_leads_nowhere(endpoint: object) -> None:
    """Its endpoint is no https URL, or no URL at all."""
    service = {"id": "#files", "type": "relativeRef", "serviceEndpoint": endpoint}
    log = Forger().begin(change=lambda entry: entry["state"].update(service=[service]))

    with pytest.raises(DidInvalid):
        locate(parse_log(log.body).latest, "/a.json")


def test_paths_lead_beside_the_log_or_to_a_service() -> None:
    """Implicit #files and #whois; explicit ones come before them; nothing leaves its folder."""
    version = plain(1).latest
    assert "https://acme.example/whois.vp" == locate(version, "/whois")
    assert "https://acme.example/governance/issuers.json" == locate(version, "/governance/issuers.json")
    own = Forger().begin(
        change=lambda entry: entry["state"].update(
            service=[
                {"id": "#whois", "type": "LinkedVerifiablePresentation", "serviceEndpoint": "https://vp.example/a"},
                {"id": f"{entry['state']['id']}#files", "type": "relativeRef", "serviceEndpoint": "ipfs://x"},
            ]
        )
    )
    version = parse_log(own.body).latest
    assert "https://vp.example/a" == locate(version, "/whois")
    assert own.entries[0]["state"]["service"] == document_json(version)["service"]
    for path in ("/a.json", "/../a", "/a/..", "/%2e%2e/a", "/a%2fb", "/a b", "a", "/a?b"):
        with pytest.raises(DidInvalid):
            locate(version, path)
        if path != "/a.json":
            with pytest.raises(DidInvalid):
                locate(plain(1).latest, path)


def test_a_file_under_a_did_is_had_through_its_log() -> None:
    """The log is verified first; a DID at its end has no files."""
    history = plain(1)
    source = _source(history, **{"https://acme.example/whois.vp": {"type": "VerifiablePresentation"}})

    found = dereference(resolve(f"{history.latest.did}/whois", source, at=NOW), source)
    assert {"type": "VerifiablePresentation"} == json.loads(found.body)
    with pytest.raises(AgentdidError) as caught:
        dereference(resolve(f"{history.latest.did}/other", source, at=NOW), source)
    assert "undecided" == caught.value.family
    ended = write.deactivate(history, secret(1), at=NOW)
    with pytest.raises(DidDeactivated):
        dereference(resolve(f"{ended.latest.did}/whois", _source(ended), at=NOW), source)


def test_metadata_says_what_governs_the_did() -> None:
    """Read (Resolve): numbers are strings; updated and the rest are those of the last version."""
    rule = {"threshold": 1, "witnesses": [{"id": witness_did(11)}]}
    history = plain(2, ttl=60, witness=rule, watchers=["https://watch.example"], portable=True)

    assert {
        "versionId": history.versions[0].version_id,
        "versionTime": "2026-11-01T00:00:00Z",
        "created": "2026-11-01T00:00:00Z",
        "updated": "2026-11-01T01:00:00Z",
        "nextVersionId": history.versions[1].version_id,
        "nextUpdate": "2026-11-01T01:00:00Z",
        "scid": history.scid,
        "portable": True,
        "deactivated": False,
        "ttl": "60",
        "witness": {"threshold": "1", "witnesses": [{"id": witness_did(11)}]},
        "watchers": ["https://watch.example"],
    } == metadata_of(history, history.versions[0])


def test_a_parallel_did_web_is_made_as_the_specification_says() -> None:
    """Publishing a Parallel did:web DID: services, names replaced, the did:webvh among the other names, once."""
    history = plain(1)
    document = build_parallel(history.latest)

    assert "did:web:acme.example" == document["id"]
    assert [history.latest.did] == document["alsoKnownAs"]
    assert ["did:web:acme.example#files", "did:web:acme.example#whois"] == [each["id"] for each in document["service"]]
    assert history.scid not in json.dumps({**document, "alsoKnownAs": []})


def test_a_move_keeps_the_history_and_the_old_name() -> None:
    """DID Portability, with a longer name that the old one begins left alone."""
    history = write.create(
        {**first_document(), "note": "did:webvh:{SCID}:acme.example.org"}, secret(1), at=BEGUN,
        parameters={"portable": True},
    )  # fmt: skip
    old = history.latest.did
    moved = write.move(history, secret(1), old.replace("acme.example", "new.example:a"), at=BEGUN + HOUR)

    state = moved.latest.state
    assert [old] == state["alsoKnownAs"]
    assert moved.latest.did == state["id"] == state["verificationMethod"][0]["controller"]
    assert f"{old}.org" == state["note"]
    source = RecordedSource.load({old: write.encode_log(moved).decode()}, NOW)
    assert (
        moved.latest.did == resolve(old, source, at=NOW).document["id"]
    )  # whoever asks by the old name learns the new


def test_deactivation_with_pre_rotation_takes_two_entries() -> None:
    """Deactivate (Revoke): pre-rotation is ended first, and no key is left."""
    history = write.create(first_document(), secret(1), at=BEGUN, next_keys=[secret(2).public])
    ended = write.deactivate(history, secret(2), at=NOW)

    assert 3 == ended.latest.number
    assert () == ended.latest.parameters.update_keys == ended.latest.parameters.next_key_hashes
    assert "verificationMethod" not in ended.latest.state
    assert write.encode_log(ended) == write.encode_log(parse_log(write.encode_log(ended)))


def test_what_would_not_be_valid_is_not_written() -> None:
    """The wrong key, another algorithm, entries faster than one a second."""
    history = plain(1)
    with pytest.raises(DidLogInvalid):
        write.update(history, secret(2), at=NOW)
    with pytest.raises(ValueError, match="signs with Ed25519"):
        write.update(history, SecretKey.generate("P-256"), at=NOW)
    with pytest.raises(DidLogInvalid):
        write.create({"id": "did:webvh:{SCID}:acme"}, secret(1), at=BEGUN)
    for _ in range(60):
        history = write.update(history, secret(1), at=BEGUN)
    with pytest.raises(ValueError, match="an entry a second"):
        write.update(history, secret(1), at=BEGUN)


def test_a_known_beginning_is_not_verified_again() -> None:
    """What goes on from a known log is read from there; what does not is read whole."""
    history = plain(2)
    longer = write.update(history, secret(1), at=NOW)

    found = parse_log(write.encode_log(longer), known=history)
    assert history.versions[1] is found.versions[1]
    assert found is parse_log(write.encode_log(longer), known=found)
    assert history.versions[1] is not parse_log(write.encode_log(history), known=longer).versions[1]
    with pytest.raises(DidLogInvalid):
        parse_log(write.encode_log(history)[:-1] + b" \n", known=history)


def test_names_beyond_ascii_hash_as_rfc_8785_has_them() -> None:
    """UTF-16 order of names, floats: entries that the fast canonical form does not cover."""
    forged = Forger().begin(change=lambda entry: entry["state"].update({"\ufb33": 1.5, "\U0001f600": "é", "z": 1e30}))

    assert 2 == len(parse_log(forged.then().body).versions)


def test_the_witness_file_keeps_the_newest_proof_of_each() -> None:
    """The Witness Proofs File: pruned to what is published, with the new proofs beside it."""
    rule = {"threshold": 2, "witnesses": [{"id": witness_did(each)} for each in (11, 12, 13)]}
    history = write.create(first_document(), secret(1), at=BEGUN, parameters={"witness": rule})
    file = None
    for _ in range(3):
        version = history.latest.version_id
        proofs = [witness_proof(version, secret(each), BEGUN) for each in (11, 12)]
        file = add_proofs(file, version, proofs, history)
        check_witnesses(history, file)
        history = write.update(history, secret(1), at=NOW + history.latest.number * HOUR)
    rows = json.loads(file or b"[]")

    assert [each.version_id for each in history.versions[1:3]] == [row["versionId"] for row in rows]
    assert [2, 2] == [len(row["proof"]) for row in rows]
    assert {(2, 4)} == {(each.threshold, number) for each, number in find_rules(history).items()}


@pytest.mark.parametrize("drop", [None, "created"])
@pytest.mark.parametrize("more", [{}, {"id": "urn:x:1"}, {"domain": 'ä\u2028"\\'}])
def test_what_a_proof_signs_is_its_canonical_form(drop: str | None, more: dict[str, object]) -> None:
    """The short way for proofs of the usual members gives the bytes that RFC 8785 gives, as any other proof's."""
    made = make_proof({"versionId": "1-x"}, secret(1), NOW)
    proof = {**{name: value for name, value in made.items() if name != drop}, **more}
    digest = sha256(b"document").digest()
    key, signature, message = read_proof(proof, digest, (multikey(1),), plain=False)
    config = {name: value for name, value in proof.items() if name != "proofValue"}

    assert sha256(canonicalize(config)).digest() + digest == message
    assert secret(1).public == key
    assert decode_multibase(str(made["proofValue"])) == signature
