"""`agentdid did …` for did:webvh: made, rotated, witnessed, looked up and ended; keys never leave their store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agentdid.cli.main import main
from tests.stores import CHEAP, PASSPHRASE


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A passphrase from the environment that is quick to try, and a folder of one's own."""
    monkeypatch.setenv("AGENTDID_PASSPHRASE", PASSPHRASE)
    monkeypatch.setattr("agentdid.storage.vault.DEFAULT_KDF", CHEAP)
    monkeypatch.chdir(tmp_path)


class Shell:
    """Runs command lines and reads what they print."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """Return the JSON that a command line prints; its exit code is `code`."""
        found = main([*arguments, "--json"])
        shown = self._capsys.readouterr()
        assert code == found, shown.err + shown.out
        return json.loads(shown.out) if shown.out else {}

    def text(self, *arguments: str) -> str:
        """Return what a command line prints for people."""
        assert 0 == main(list(arguments))
        return self._capsys.readouterr().out


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Shell:
    """A shell."""
    return Shell(capsys)


def _sources(**answers: object) -> str:
    Path("sources.json").write_text(json.dumps(answers), "utf-8")
    return "sources.json"


def test_a_did_lives_in_a_wallet_from_its_creation_to_its_end(run: Shell) -> None:
    """create, rotate, resolve by version, log, deactivate."""
    made = run("did", "create", "--method", "webvh", "--host", "acme.example:8443", "--path", "dids", "--wallet", "w")
    did = made["did"]
    assert did.endswith(":acme.example%3A8443:dids")
    assert did == made["didDocument"]["id"]
    rotated = run("did", "rotate", did, "--wallet", "w", "--out", "site")
    assert ["site/dids/did.jsonl", "site/dids/did.json"] == rotated["files"]
    log = Path("site/dids/did.jsonl").read_text("utf-8")

    sources = _sources(**{did: log})
    found = run("did", "resolve", f"{did}?versionNumber=1", "--sources", sources)
    assert ["#key-1"] == [each["id"].removeprefix(did) for each in found["didDocument"]["verificationMethod"]]
    assert found["didDocumentMetadata"]["versionId"].startswith("1-")
    shown = run("did", "log", "site/dids/did.jsonl", "--parallel", "site/dids/did.json")
    assert [1, 2] == [int(each["versionId"].partition("-")[0]) for each in shown["versions"]]
    assert did in run.text("did", "log", did, "--wallet", "w")
    run("did", "rotate", did, "--wallet", "w", "--compromised")
    ended = run("did", "deactivate", did, "--wallet", "w")
    assert ended["didDocumentMetadata"]["deactivated"]
    assert "did_deactivated" == run("did", "rotate", did, "--wallet", "w", code=1)["code"]


def test_versions_seen_are_remembered_between_commands(run: Shell) -> None:
    """J01 at the command line: `--marks` is a file, and every verb that reads a log may have one."""
    did = run("did", "create", "--method", "webvh", "--host", "acme.example", "--wallet", "w")["did"]
    old = run("did", "log", did, "--wallet", "w")["log"]
    new = run("did", "rotate", did, "--wallet", "w")["log"]
    sources = _sources(**{did: new})
    run("did", "resolve", did, "--sources", sources, "--marks", "m.db")

    Path("old.jsonl").write_text(old, "utf-8")
    assert "did_log_rollback" == run("did", "log", "old.jsonl", "--marks", "m.db", code=1)["code"]
    refused = run("did", "resolve", did, "--sources", _sources(**{did: old}), "--marks", "m.db", code=1)
    assert ("did_log_rollback", "invalidDid") == (refused["code"], refused["didResolutionMetadata"]["error"]["title"])


def test_witnesses_approve_before_anything_is_published(run: Shell) -> None:
    """Witness and approve; a log that waits is published without what waits."""
    witness = run("did", "create", "--wallet", "ww")["did"]
    made = run("did", "create", "--method", "webvh", "--host", "acme.example", "--witness", witness, "--wallet", "w")
    assert not made["published"]
    Path("did.jsonl").write_text(made["log"], "utf-8")
    proof = run.text("did", "witness", "did.jsonl", "--wallet", "ww")
    Path("proof.json").write_text(proof, "utf-8")

    approved = run("did", "approve", made["did"], "proof.json", "--wallet", "w", "--out", "site")
    assert approved["published"]
    folder = "site/.well-known"
    assert "did_witness_threshold" == run("did", "log", f"{folder}/did.jsonl", code=1)["code"]
    run("did", "log", f"{folder}/did.jsonl", "--witness", f"{folder}/did-witness.json")
    assert not run("did", "rotate", made["did"], "--wallet", "w")["published"]


def test_an_issuer_rotates_and_publishes(run: Shell) -> None:
    """Issuer init --method webvh; rotate by --db; publish writes the log beside the lists."""
    made = run("issuer", "init", "--db", "i.db", "--method", "webvh", "--host", "acme.example", "--path", "issuer")
    assert "https://acme.example/issuer" == made["baseUrl"]
    rotated = run("did", "rotate", made["did"], "--db", "i.db", "--out", "site")
    assert ["site/issuer/did.jsonl", "site/issuer/did.json"] == rotated["files"]
    run("issuer", "publish", "--db", "i.db", "--out", "other")
    assert Path("site/issuer/did.jsonl").read_bytes() == Path("other/issuer/did.jsonl").read_bytes()


def test_whois_is_found_through_the_log(run: Shell) -> None:
    """A path under a DID is dereferenced; one that leaves it is no DID URL."""
    made = run("did", "create", "--method", "webvh", "--host", "acme.example", "--wallet", "w")
    sources = _sources(**{made["did"]: made["log"], "https://acme.example/whois.vp": {"a": 1}})

    found = run("did", "resolve", f"{made['did']}/whois", "--sources", sources)
    said = found["didUrlDereferencingMetadata"]
    assert ("https://acme.example/whois.vp", "application/vp", {"a": 1}) == (
        said["contentUrl"], said["contentType"], found["content"],
    )  # fmt: skip
    asked = f"{made['did']}/a/%2e%2e/b"
    assert "did_invalid" == run("did", "resolve", asked, "--sources", sources, code=4)["code"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("did", "create", "--method", "webvh", "--host", "acme.example"),
        ("did", "create", "--method", "webvh", "--wallet", "w"),
        ("did", "rotate", "did:webvh:QmdmPkUdYzbr9txmx8gM2rsHPgr5L6m3gHjJGAf4vUFoGE:acme.example"),
        ("issuer", "init", "--db", "i.db", "--method", "webvh"),
    ],
)
def test_what_cannot_be_meant_is_usage(run: Shell, arguments: tuple[str, ...]) -> None:
    """A DID without a keeper, a place or a store."""
    run(*arguments, code=2)


@pytest.mark.parametrize("verb", ["rotate", "deactivate", "log"])
@pytest.mark.parametrize("did", ["did:web:acme.example", "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"])
def test_only_what_has_a_history_is_rotated_or_ended(run: Shell, verb: str, did: str) -> None:
    """The error says why, before any store is opened."""
    refused = run("did", verb, did, "--wallet", "w", code=1)

    assert "did_method_unsupported" == refused["code"]
    assert "history" in refused["detail"]


@pytest.mark.parametrize("more", [(), ("--no-pre-rotation",)])
def test_a_portable_did_moves_and_stays_known(run: Shell, more: tuple[str, ...]) -> None:
    """move: another name, the same SCID and keys; it goes on from there, and the old name is gone from the wallet."""
    made = run(
        "did", "create", "--method", "webvh", "--host", "old.example", "--portable", "--wallet", "w", *more
    )  # fmt: skip
    moved = run("did", "move", made["did"], "--host", "new.example:8443", "--path", "a", "--wallet", "w", "--out", "s")
    assert moved["did"] == made["did"].replace("old.example", "new.example%3A8443:a")
    assert made["did"] in moved["didDocument"]["alsoKnownAs"]
    assert "s/a/did.jsonl" in moved["files"]
    assert moved["did"] in [each["id"].partition("#")[0] for each in moved["didDocument"]["verificationMethod"]]

    found = run("did", "resolve", moved["did"], "--sources", _sources(**{moved["did"]: moved["log"]}))
    assert moved["did"] == found["didDocument"]["id"]
    assert 3 == len(run("did", "rotate", moved["did"], "--wallet", "w")["log"].splitlines())
    assert "credential_not_found" == run("did", "rotate", made["did"], "--wallet", "w", code=1)["code"]
    still = run("did", "create", "--method", "webvh", "--host", "b.example", "--wallet", "w")["did"]
    refused = run("did", "move", still, "--host", "c.example", "--wallet", "w", code=1)
    assert "did_log_invalid" == refused["code"]


def test_what_a_did_says_beside_its_keys(run: Shell) -> None:
    """update: services and other names, for a wallet's DID and for an issuer's; never keys."""
    made = run("did", "create", "--method", "webvh", "--host", "acme.example", "--wallet", "w")
    service = {"id": "#x", "type": "X", "serviceEndpoint": "https://acme.example/x"}
    Path("d.json").write_text(json.dumps({"service": [service], "alsoKnownAs": ["https://acme.example/"]}), "utf-8")
    changed = run("did", "update", made["did"], "--document", "d.json", "--wallet", "w")
    assert service in changed["didDocument"]["service"]
    assert made["didDocument"]["verificationMethod"] == changed["didDocument"]["verificationMethod"]

    Path("d.json").write_text(json.dumps({"service": None}), "utf-8")
    bare = run("did", "update", made["did"], "--document", "d.json", "--wallet", "w")
    assert service not in bare["didDocument"]["service"]
    assert ["https://acme.example/"] == bare["didDocument"]["alsoKnownAs"]
    for own in ("id", "verificationMethod", "assertionMethod"):
        Path("d.json").write_text(json.dumps({own: []}), "utf-8")
        assert (
            "rotation" in run("did", "update", made["did"], "--document", "d.json", "--wallet", "w", code=2)["detail"]
        )
    issuer = run("issuer", "init", "--db", "i.db", "--method", "webvh", "--host", "acme.example", "--path", "i")["did"]
    Path("d.json").write_text(json.dumps({"alsoKnownAs": ["https://acme.example/"]}), "utf-8")
    run("did", "update", issuer, "--document", "d.json", "--db", "i.db")


def test_a_witness_approves_what_goes_on_from_what_it_approved(run: Shell) -> None:
    """`did witness --marks`: of two logs that fork, the one that came first is approved, and the other never."""
    run("did", "create", "--wallet", "ww")
    made = run("did", "create", "--method", "webvh", "--host", "acme.example", "--wallet", "w")
    Path("old.jsonl").write_text(made["log"], "utf-8")
    Path("new.jsonl").write_text(run("did", "rotate", made["did"], "--wallet", "w")["log"], "utf-8")
    run("did", "witness", "new.jsonl", "--wallet", "ww", "--marks", "m.db")

    refused = run("did", "witness", "old.jsonl", "--wallet", "ww", "--marks", "m.db", code=1)
    assert "did_log_rollback" == refused["code"]
