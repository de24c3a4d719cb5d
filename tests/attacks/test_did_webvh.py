"""ATTACKS layer J: logs that somebody would like to be believed, and Z09, one that is."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

from agentdid.codec.strict_json import encode
from agentdid.did.resolve import Ask, plan
from agentdid.did.webvh import write
from agentdid.did.webvh.identifier import parse_identifier
from agentdid.did.webvh.log import History, check_clock, parse_log
from agentdid.did.webvh.parallel import build_parallel, check_parallel
from agentdid.did.webvh.witness import add_proofs, check_witnesses, witness_proof
from agentdid.errors import (
    AgentdidError,
    DidDeactivated,
    DidDocumentMismatch,
    DidLogInvalid,
    DidLogRollback,
    DidWitnessThreshold,
    FetchTooLarge,
)
from agentdid.limits import DEFAULT
from agentdid.sources.source import RecordedSource
from agentdid.sources.webvh import resolve
from agentdid.storage.marks import MemoryMarks
from tests.logs import BEGUN, HOUR, Forger, committed, first_document, multikey, plain, secret, witness_did

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = BEGUN + timedelta(days=20)


def _refused(body: bytes, kind: type[AgentdidError] = DidLogInvalid) -> AgentdidError:
    with pytest.raises(kind) as caught:
        parse_log(body)
    return caught.value


def _served(history: History, **others: str) -> RecordedSource:
    answers: dict[str, object] = {history.latest.did: write.encode_log(history).decode(), **others}
    return RecordedSource.load(answers, NOW)


def test_j01_a_log_that_was_cut_back_after_more_was_seen() -> None:
    """J01: what is behind the highest version seen is refused, and the mark stays."""
    history, marks = plain(3), MemoryMarks()
    did = history.latest.did
    resolve(did, _served(history), at=NOW, marks=marks)
    older = parse_log(b"\n".join(history.content.split(b"\n")[:2]))

    for _ in range(2):
        with pytest.raises(DidLogRollback, match="ends before a version that was seen"):
            resolve(did, _served(older), at=NOW, marks=marks)
    assert "3" == resolve(did, _served(history), at=NOW, marks=marks).version.version_id[:1]


def test_j01_a_log_that_branches_off_before_what_was_seen() -> None:
    """J01: another history of the same DID, by the same key and as long or longer, is a fork."""
    history, marks = plain(3), MemoryMarks()
    did = history.latest.did
    resolve(did, _served(history), at=NOW, marks=marks)
    fork = parse_log(history.content.split(b"\n")[0])
    for number in range(2, 5):
        fork = write.update(fork, secret(1), at=BEGUN + number * 2 * HOUR)

    with pytest.raises(DidLogRollback, match="another version where one was seen"):
        resolve(did, _served(fork), at=NOW, marks=marks)


def test_j03_a_scid_that_is_not_that_of_the_first_entry() -> None:
    """J03: in the log, in the DID that was asked for, and in a later document."""

    def other(entry: dict[str, Any]) -> None:
        entry["state"] = json.loads(json.dumps(entry["state"]).replace("acme", "evil"))

    _refused(Forger().begin(seal=other).body)
    honest = Forger().begin()
    asked = honest.did.replace(parse_identifier(honest.did).scid, parse_identifier(plain(1, ttl=7).latest.did).scid)
    source = RecordedSource.load({asked: honest.body.decode()}, NOW)
    with pytest.raises(DidLogInvalid, match="another SCID"):
        resolve(asked, source, at=NOW)
    assert (
        "/2/state/id" == _refused(Forger().begin(portable=True).then(seal=lambda entry: _move(entry, asked)).body).path
    )


def _move(entry: dict[str, Any], did: str) -> None:
    entry["state"]["alsoKnownAs"] = [entry["state"]["id"]]
    entry["state"]["id"] = did


def test_j05_an_entry_signed_by_a_key_that_it_brings_itself() -> None:
    """J05: without pre-rotation only a key of the entry before may sign."""
    forged = Forger().begin().then(2, updateKeys=[multikey(2)])

    assert "/2/proof" == _refused(forged.body).path


def test_j05_with_pre_rotation_only_a_committed_key_signs() -> None:
    """J05: the key before does not sign any more, nor does one that nobody committed to, nor one that is left out."""
    begun = {"nextKeyHashes": committed(2)}
    assert 2 == len(
        parse_log(Forger().begin(**begun).then(2, updateKeys=[multikey(2)], nextKeyHashes=committed(3)).body).versions
    )
    for forged in (
        Forger().begin(**begun).then(1, updateKeys=[multikey(2)], nextKeyHashes=committed(3)),
        Forger().begin(**begun).then(3, updateKeys=[multikey(3)], nextKeyHashes=committed(3)),
        Forger().begin(**begun).then(2, updateKeys=[multikey(2), multikey(3)], nextKeyHashes=committed(3)),
        Forger().begin(**begun).then(1, nextKeyHashes=committed(3)),
        Forger().begin(**begun).then(2, updateKeys=[multikey(2)]),
        Forger().begin(**begun).then(2, updateKeys=[], nextKeyHashes=[]),
    ):
        _refused(forged.body)


def test_j07_an_empty_list_of_next_keys_is_no_pre_rotation() -> None:
    """J07: `[]` means off, in the first entry and from the entry after the one that says so."""
    off = Forger().begin(nextKeyHashes=[]).then(1, updateKeys=[multikey(2)]).then(2)
    assert 3 == len(parse_log(off.body).versions)

    ended = Forger().begin(nextKeyHashes=committed(2)).then(2, updateKeys=[multikey(2)], nextKeyHashes=[])
    assert 3 == len(parse_log(ended.then(2, updateKeys=[multikey(3)]).body).versions)
    _refused(ended.then(2, updateKeys=[multikey(4)]).body)  # by a key that was replaced


def _witnessed(threshold: int = 2, names: tuple[int, ...] = (11, 12, 13)) -> History:
    rule = {"threshold": threshold, "witnesses": [{"id": witness_did(each)} for each in names]}
    return write.create(first_document(), secret(1), at=BEGUN, parameters={"witness": rule})


def _approve(history: History, *names: int, version: str | None = None) -> list[dict[str, Any]]:
    version_id = version or history.latest.version_id
    return [{"versionId": version_id, "proof": [witness_proof(version_id, secret(each), BEGUN) for each in names]}]


def test_j08_a_proof_of_another_version_does_not_count() -> None:
    """J08: under another version's name, of a version that is not published, or of an earlier one."""
    history = _witnessed()
    later = write.update(history, secret(1), at=BEGUN + HOUR)
    first = _approve(history, 11, 12)
    check_witnesses(history, encode(first))
    for file in (
        [{**first[0], "versionId": later.latest.version_id}],
        _approve(history, 11, 12, version="3-" + later.latest.version_id[2:]),
        first,
    ):
        with pytest.raises(DidWitnessThreshold):
            check_witnesses(later, encode(file))
    check_witnesses(later, encode(_approve(later, 12, 13)))  # a later proof approves what is before it


def test_j10_one_witness_does_not_count_twice() -> None:
    """J10: by two proofs, by two entries, by another spelling of its key, or by standing in the rule twice."""
    history = _witnessed()
    twice = _approve(history, 11, 11)
    spelt = json.loads(json.dumps(_approve(history, 11)))
    spelt[0]["proof"].append({**spelt[0]["proof"][0], "verificationMethod": f"{witness_did(11)}#other"})
    for file in (twice, _approve(history, 11) + _approve(history, 11), spelt):
        with pytest.raises(DidWitnessThreshold, match="1 of 2"):
            check_witnesses(history, encode(file))
    with pytest.raises(DidLogInvalid, match="a witness stands twice"):
        _witnessed(2, (11, 11))


@pytest.mark.parametrize(
    "rule",
    [
        {"threshold": 0, "witnesses": [{"id": witness_did(11)}]},
        {"threshold": 2, "witnesses": [{"id": witness_did(11)}]},
        {"threshold": "1", "witnesses": [{"id": witness_did(11)}]},
        {"threshold": True, "witnesses": [{"id": witness_did(11)}]},
        {"threshold": 1, "witnesses": []},
        {"threshold": 1},
        {"witnesses": [{"id": "did:web:acme.example"}], "threshold": 1},
        {"witnesses": [{"id": witness_did(11)}], "threshold": 1, "quorum": 1},
        [],
    ],
    ids=str,
)
def test_j10_a_rule_that_cannot_be_meant_is_no_rule_of_nobody(rule: object) -> None:
    """J10: a malformed rule refuses the log; it never turns witnessing off."""
    _refused(Forger().begin(witness=rule).body)


def test_j10_a_rule_is_replaced_by_who_is_in_it() -> None:
    """J10: an entry that replaces or drops the witnesses is approved by those that were in force."""
    history = _witnessed(1, (11,))
    dropped = write.update(history, secret(1), at=BEGUN + HOUR, parameters={"witness": {}})
    with pytest.raises(DidWitnessThreshold):
        check_witnesses(dropped, encode(_approve(history, 11)))
    file = add_proofs(
        encode(_approve(history, 11)), dropped.latest.version_id, _approve(dropped, 11)[0]["proof"], dropped
    )
    check_witnesses(dropped, file)
    free = write.update(dropped, secret(1), at=BEGUN + 2 * HOUR)
    check_witnesses(free, file)


def test_j10_proofs_that_do_not_hold_are_bounded_work() -> None:
    """J10: a file of worthless proofs ends in a refusal after a bounded number of checks."""
    history = _witnessed(1, (11,))
    (good,) = _approve(history, 11)
    bad = {**good["proof"][0], "proofValue": good["proof"][0]["proofValue"][:-1] + "1"}
    with pytest.raises(DidWitnessThreshold, match="too many proofs"):
        check_witnesses(history, encode([{**good, "proof": [bad] * 1_000}]))


@pytest.mark.parametrize(
    "spell",
    [
        lambda number, digest: f"{number + 1}-{digest}",
        lambda number, digest: f"{number - 1}-{digest}",
        lambda number, digest: f"0{number}-{digest}",
        lambda number, digest: f"{number}--{digest}",
        lambda number, digest: f"{number}-{digest}-{digest}",
        lambda number, digest: f"+{number}-{digest}",
        lambda number, digest: f"{number}{digest}",
        lambda number, digest: f"{number}-{digest[:-1]}",
        lambda number, digest: f"{number}-z{digest}",
        lambda number, digest: f"{number}-{digest[:-1]}{'2' if digest[-1] == '1' else '1'}",
        lambda number, _digest: number,
    ],
)
def test_j11_version_ids_count_up_and_have_one_spelling(spell: Callable[[int, str], object]) -> None:
    """J11: gap, repetition, leading zero, two dashes, another hash; signed by the right key all the same."""
    honest = Forger().begin().then()
    entry = honest.entries[1]
    named = {**entry, "versionId": spell(2, entry["versionId"][2:])}
    del named["proof"]
    forged = {**named, "proof": [write.make_proof(named, secret(1), BEGUN)]}

    assert "/2/versionId" == _refused(honest.lines[0] + b"\n" + encode(forged) + b"\n").path


@pytest.mark.parametrize(
    "proof",
    [
        {"proofPurpose": "authentication"},
        {"cryptosuite": "eddsa-rdfc-2022"},
        {"cryptosuite": "eddsa-jcs-2023"},
        {"type": "Ed25519Signature2020"},
        {"verificationMethod": f"did:key:{multikey(1)}#{multikey(2)}"},
        {"verificationMethod": f"did:key:{multikey(2)}#{multikey(2)}"},
        {"verificationMethod": multikey(1)},
        {"created": "2026-11-01T00:00:01Z"},
        {"created": 1},
        {"expires": "2036-11-01T00:00:00Z"},
        {"previousProof": "urn:uuid:1"},
        {"@context": []},
        {"proofValue": "z1"},
        {"proofValue": "u1"},
    ],
    ids=str,
)
def test_j13_an_entry_has_one_kind_of_proof(proof: dict[str, object]) -> None:
    """J13: another purpose, suite, key or form, or a member of the proof that was not signed."""
    assert "/2/proof" == _refused(Forger().begin().then(proof=proof).body).path


def test_j14_a_did_becomes_portable_only_at_its_beginning_and_moves_only_then() -> None:
    """J14: `portable` later, a move without it, a move that forgets the old name or is dropped in the same entry."""
    scid = parse_identifier(Forger().begin().did).scid
    _refused(Forger().begin().then(portable=True).body)
    _refused(Forger().begin().then(seal=lambda entry: _move(entry, f"did:webvh:{scid}:evil.example")).body)
    moved = parse_identifier(Forger().begin(portable=True).did).did.replace("acme", "moved")
    assert 2 == len(parse_log(Forger().begin(portable=True).then(seal=lambda entry: _move(entry, moved)).body).versions)
    _refused(Forger().begin(portable=True).then(seal=lambda entry: entry["state"].update(id=moved)).body)
    _refused(Forger().begin(portable=True).then(portable=False, seal=lambda entry: _move(entry, moved)).body)


def test_j15_a_log_that_goes_on_after_its_end() -> None:
    """J15: nothing follows a deactivation, and nothing is written after one."""
    ended = Forger().begin().then(deactivated=True)
    assert parse_log(ended.body).deactivated

    _refused(ended.then().body, DidDeactivated)
    with pytest.raises(DidDeactivated):
        write.update(write.deactivate(plain(1), secret(1), at=NOW), secret(1), at=NOW + HOUR)


def test_j17_an_endless_log_ends_at_its_bounds() -> None:
    """J17: by bytes before anything is read, by entries before any signature is checked."""
    few = structs.replace(DEFAULT, max_log_entries=2)
    with pytest.raises(FetchTooLarge):
        parse_log(b"x" * (DEFAULT.max_fetch_bytes + 1))
    with pytest.raises(FetchTooLarge):
        parse_log(write.encode_log(plain(3)), limits=few)
    assert 2 == len(parse_log(write.encode_log(plain(2)), limits=few).versions)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body.replace(b"\n", b"\r\n"),
        lambda body: body.replace(b"\n", b"\n\n", 1),
        lambda body: body + b"\n",
        lambda body: b"\n" + body,
        lambda body: body + body.split(b"\n")[1][:50],
        lambda body: body[:-40],
        lambda body: body.replace(b'"versionTime"', b'"versionTime":"2026-11-01T00:00:00Z","versionTime"', 1),
        lambda body: body.replace(b',"proof"', b', "x":1,"proof"', 1),
        lambda body: b"\xef\xbb\xbf" + body,
        lambda body: body.replace(b"{", b" {", 1),
        lambda body: b"[" + body.replace(b"\n", b",")[:-1] + b"]",
        lambda _body: b"",
        lambda _body: b"\n",
        lambda body: body.replace(b"acme", b"ac\xffe", 1),
    ],
)
def test_j18_a_log_is_strict_json_lines(spoil: Callable[[bytes], bytes]) -> None:
    """J18: CR, blank and partial lines, duplicate and unknown members, a byte order mark, an array instead."""
    body = Forger().begin().then().body
    parse_log(body)

    _refused(spoil(body))


def test_j18_a_missing_last_line_end_is_forgiven() -> None:
    """J18: a whole last entry without its LF is whole; published logs of another maker are so."""
    body = Forger().begin().then().body

    assert parse_log(body).latest.version_id == parse_log(body[:-1]).latest.version_id


def test_j19_the_log_is_right_where_the_parallel_did_web_differs() -> None:
    """J19: a did.json that says something else is a mismatch; the one made from the log is none."""
    history = plain(2)
    document = build_parallel(history.latest)
    check_parallel(history.latest, document)
    document["verificationMethod"][0]["publicKeyMultibase"] = multikey(66)

    with pytest.raises(DidDocumentMismatch):
        check_parallel(history.latest, document)


def test_times_grow_and_none_is_from_the_future() -> None:
    """Read step 4: an entry no later than the one before, or from beyond now and leeway, anywhere in the log."""

    def dated(text: object) -> Callable[[dict[str, Any]], None]:
        return lambda entry: entry.update(versionTime=text)

    for text in ("2026-11-01T00:00:00Z", "2026-10-31T23:59:59Z", "2026-11-01T02:00:00+01:00", "2026-11-01", 7, None):
        assert "/2/versionTime" == _refused(Forger().begin().then(seal=dated(text)).body).path
    late = parse_log(Forger().begin().then(seal=dated("9999-01-01T00:00:00Z")).body)
    with pytest.raises(DidLogInvalid, match="from the future"):
        check_clock(late, NOW)


def test_an_unknown_or_mistyped_parameter_refuses_the_entry() -> None:
    """Parameters: only those of the method, of their type; another method version is none that is known."""
    for name, value in {
        "method": "did:webvh:99.0", "scid": "Qm", "updateKeys": "z6Mk", "nextKeyHashes": [1], "watchers": {},
        "portable": "true", "deactivated": 1, "ttl": -1, "unknown": 1,
    }.items():  # fmt: skip
        assert "/2/parameters" == _refused(Forger().begin().then(**{name: value}).body).path
        _refused(Forger().begin(change=lambda entry, n=name, v=value: entry["parameters"].update({n: v})).body)
    for text in ("", "z", "m6Mk", "did:key:z6Mk", "z6Mk0"):
        _refused(Forger().begin(updateKeys=[multikey(1), text]).body)
    parse_log(Forger().begin(updateKeys=[multikey(1), "z4MXj1wBzi9jUstyP"]).body)  # RSA's code: of no use, and no fault
    for missing in ("method", "scid", "updateKeys"):
        _refused(Forger().begin(change=lambda entry, n=missing: entry["parameters"].pop(n)).body)
    assert 2 == len(parse_log(Forger().begin().then(nextKeyHashes=None, witness=None, watchers=None).body).versions)


def test_a_placeholder_left_in_the_first_entry_is_refused() -> None:
    """Two first entries, one with the SCID and one with the placeholder itself, would share a SCID."""
    honest = Forger().begin(change=lambda entry: entry["state"].update(note="{SCID}"))
    parse_log(honest.body)
    scid = parse_identifier(honest.did).scid

    twin = Forger().begin(
        change=lambda entry: entry["state"].update(note="{SCID}"),
        seal=lambda entry: entry["state"].update(note="{SCID}"),
    )
    assert scid == parse_identifier(twin.did).scid
    _refused(twin.body)


@pytest.mark.parametrize(
    "place",
    [
        "127.0.0.1", "127.0.0.1%3A8080", "127.0.0.1%3a8080", "127%2E0%2E0%2E1", "127%2e0%2e0%2e1", "0x7f.1",
        "2130706433",
        "[::1]", "acme.example:..:..:admin", "acme.example:%2e%2e", "acme.example:a%2fb", "acme.example::a",
        "ACME.example",
        "acme.example%3A0", "acme.example%3A70000", "acme.example%3A", "acme..example", "-acme.example", "acme", "",
        "acme.example#x", "acme.example/x", "acme.example?x", "user%40acme.example", "acme.example.", "a_b.example",
    ],
)  # fmt: skip
def test_a_place_that_is_no_host_or_that_two_readers_read_differently(place: str) -> None:
    """I07 for did:webvh: addresses in any spelling, traversal, encodings, other parts of a URL."""
    with pytest.raises(AgentdidError) as caught:
        plan(f"did:webvh:{parse_identifier(plain(1).latest.did).scid}:{place}")
    assert "did_invalid" == caught.value.code


def test_z09_a_plain_rotation_without_pre_rotation_is_accepted() -> None:
    """Z09: the key of the entry before signs the entry that replaces it, and the new one signs the next."""
    history = write.rotate(plain(1), secret(1), at=BEGUN + HOUR, next_keys=[secret(2).public])
    history = write.rotate(history, secret(2), at=BEGUN + 2 * HOUR, next_keys=[secret(3).public])
    found = resolve(history.latest.did, _served(history), at=NOW)

    assert (multikey(3),) == found.version.parameters.update_keys
    assert isinstance(plan(history.latest.did), Ask)
