"""`did create` of every method with every key: what is made resolves, lists the keys, and a wallet signs with them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agentdid.cli.main import main
from agentdid.cli.options import ALGORITHMS
from agentdid.codec.base import decode_base64url
from agentdid.did.document import parse_document
from agentdid.keys import pair
from agentdid.sources.resolver import Resolver
from agentdid.sources.source import RecordedSource
from agentdid.wallet.wallet import Wallet
from tests.stores import CHEAP, PASSPHRASE

METHODS: dict[str, tuple[str, ...]] = {
    "key": (),
    "jwk": (),
    "web": ("--host", "acme.example:8443", "--path", "agents"),
    "webvh": ("--host", "acme.example"),
    "peer 4": (),
    "peer 2": ("--numalgo", "2"),
}
KEYS = (*ALGORITHMS, "hybrid")
IMPOSSIBLE = {
    ("key", "composite"), ("key", "composite65"), ("peer 2", "composite"), ("peer 2", "composite65"),
    ("key", "hybrid"), ("jwk", "hybrid"), ("peer 2", "mldsa65"), ("peer 2", "mldsa87"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A passphrase from the environment that is quick to try, and a folder of one's own."""
    monkeypatch.setenv("AGENTDID_PASSPHRASE", PASSPHRASE)
    monkeypatch.setattr("agentdid.storage.vault.DEFAULT_KDF", CHEAP)
    monkeypatch.chdir(tmp_path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    """Return the JSON that a command line prints."""
    capsys.readouterr()
    found = main([*arguments, "--json"])
    shown = capsys.readouterr()
    assert code == found, shown.err + shown.out
    return json.loads(shown.out)  # type: ignore[no-any-return]  # one object, by the contract


def _create(method: str, key: str) -> tuple[str, ...]:
    return ("did", "create", "--method", method.partition(" ")[0], "--key", key, *METHODS[method])


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("method", METHODS)
def test_every_combination(capsys: pytest.CaptureFixture[str], method: str, key: str) -> None:
    """It is made and resolves to the document shown, whose keys the wallet signs with; or the error says what works."""
    if (method, key) in IMPOSSIBLE:
        refused = run(capsys, *_create(method, key), "--wallet", "w", code=2)
        assert "use --" in refused["detail"]
        assert not Path("w").exists()
        return
    made = run(capsys, *_create(method, key), "--wallet", "w")
    did, answers = made["did"], dict[str, object]()
    if method == "web":
        answers[did] = made["didDocument"]
    if method == "webvh":
        answers[did] = made["log"]
    at = datetime.now(UTC)
    found = Resolver(RecordedSource.load(answers, at)).resolve(did)

    assert made["didDocument"] == found.document
    document = parse_document(found.document, did)
    with Wallet.open("w", passphrase=PASSPHRASE) as wallet:
        signers = wallet.signers(did)
        for signer, method_id in signers:
            for purpose in ("authentication", "assertionMethod", "capabilityDelegation"):
                if method == "peer 2":
                    listed = [document.find_key(each, purpose, at) for each in document.relationships[purpose]]
                    assert signer.public in listed
                else:
                    assert signer.public == document.find_key(method_id, purpose, at)
            signer.public.verify(signer.sign(b"m"), b"m")
    assert (2 if key == "hybrid" else 1) == len(signers)


@pytest.mark.parametrize("key", ["ed25519", "p521", "mldsa87", "composite65", "hybrid"])
def test_a_key_in_a_file_is_the_dids(capsys: pytest.CaptureFixture[str], key: str) -> None:
    """`--out` writes what the DID lists, for its owner alone."""
    made = run(capsys, "did", "create", "--method", "web", "--host", "a.example", "--key", key, "--out", "key.json")
    written = json.loads(Path("key.json").read_bytes())
    keys = pair.load(written["algorithm"], decode_base64url(written["seed"]))
    document = parse_document(made["didDocument"], made["did"])

    assert 0o600 == Path("key.json").stat().st_mode & 0o777
    assert {each.public for each in keys} == {each.public_key() for each in document.methods.values()}


@pytest.mark.parametrize(
    "more",
    [("--method", "web"), ("--method", "ion"), ("--method", "peer", "--numalgo", "3"), ("--key", "rsa"),
     ("--new-key",), ("--signer", "pkcs11:token=a;object=b?module-path=/m"),
     ("--method", "webvh", "--host", "a.example", "--wallet", "w", "--out", "f")],
)  # fmt: skip
def test_what_cannot_be_meant_is_usage(capsys: pytest.CaptureFixture[str], more: tuple[str, ...]) -> None:
    """No host, no such method or key, or keys that nobody keeps."""
    assert "usage" == run(capsys, "did", "create", *more, code=2)["outcome"]
