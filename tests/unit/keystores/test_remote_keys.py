"""Issuers and wallets whose keys live in a token: SoftHSM signs, the store holds where, and no secret of either."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.cli.main import main
from agentdid.clock import FixedClock
from agentdid.did.resolve import plan
from agentdid.errors import KeyInvalid, StoreLocked, StoreUnavailable
from agentdid.issuer.issuer import Issuer
from agentdid.keys import pair
from agentdid.keys.secret import SecretKey
from agentdid.keystores.reference import open_signer, parse_reference, successor
from agentdid.storage.controlled import make
from agentdid.storage.held_keys import LEAD
from agentdid.verifier.service import Verifier
from agentdid.wallet.wallet import Wallet
from tests.softhsm import PIN, soft_tokens, uri
from tests.stores import CHEAP, PASSPHRASE
from tests.world import NOW, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """SoftHSM's library, over an empty token."""
    with soft_tokens(tmp_path_factory.mktemp("softhsm"), "agentdid") as found:
        yield found


def _pin() -> str:
    return PIN


def _serve(world: World, issuer: Issuer) -> None:
    for url, (body, _) in issuer.did_files().items():
        world.serve(url, body)
    for list_id in issuer.ledger.lists():
        signed = issuer.signed_list(list_id)
        world.serve(signed.url, signed.body)


def _verifier(world: World, did: str) -> Verifier:
    anchor = {
        "did": did,
        "types": ["AgentCapabilityCredential"],
        "roots": [world.partner.did],
        "actions": ["invoice.*"],
    }
    return Verifier(world.trust(anchor=[anchor]), source=world, clock=FixedClock(NOW))


@pytest.mark.parametrize("algorithm", ["Ed25519", "P-256", "P-384"])
@pytest.mark.parametrize("did", [None, "did:web:acme.example"])
def test_an_issuer_whose_key_is_in_a_token(module: str, tmp_path: Path, algorithm: str, did: str | None) -> None:
    """It is made, opened again by what its store says, and what it issues is accepted; its file holds no key."""
    world, reference = World(), uri(module, f"issuer-{algorithm}-{did}")
    signer = open_signer(parse_reference(reference), pin=_pin, make=algorithm)
    path = tmp_path / "i.db"
    Issuer.create(
        path, passphrase=PASSPHRASE, did=did, signer=signer, reference=reference, kdf=CHEAP, clock=FixedClock(NOW)
    ).close()
    signer.close()

    with Issuer.open(path, passphrase=PASSPHRASE, pin=_pin, clock=FixedClock(NOW)) as issuer:
        made = issuer.issue(to=world.agent.did, capability=world.capability(principal=issuer.did))
        _serve(world, issuer)
        _verifier(world, issuer.did).verify_credential(made.credential)
    with pytest.raises(ValueError, match="PIN"):
        Issuer.open(path, passphrase=PASSPHRASE)
    with pytest.raises(StoreLocked):
        Issuer.open(path, passphrase=PASSPHRASE, pin=lambda: "0000")


def test_the_pin_comes_from_a_file(module: str, tmp_path: Path) -> None:
    """`pin-source`: a service opens its issuer without anybody to ask."""
    (tmp_path / "pin").write_text(PIN + "\n")
    reference = uri(module, "pin-source", pin_source=tmp_path / "pin")
    signer = open_signer(parse_reference(reference), make="Ed25519")
    Issuer.create(tmp_path / "i.db", passphrase=PASSPHRASE, signer=signer, reference=reference, kdf=CHEAP).close()
    signer.close()

    with Issuer.open(tmp_path / "i.db", passphrase=PASSPHRASE) as issuer:
        assert plan(issuer.did)


def test_a_signer_that_is_given_each_time(tmp_path: Path) -> None:
    """A key of a key service: the store knows its public half, and whoever opens it brings the signer."""
    world, signer = World(), SecretKey.generate("P-256")
    path = tmp_path / "i.db"
    Issuer.create(path, passphrase=PASSPHRASE, signer=signer, kdf=CHEAP, clock=FixedClock(NOW)).close()

    with Issuer.open(path, passphrase=PASSPHRASE, signer=signer, clock=FixedClock(NOW)) as issuer:
        made = issuer.issue(to=world.agent.did, capability=world.capability(principal=issuer.did))
        _serve(world, issuer)
        _verifier(world, issuer.did).verify_credential(made.credential)
    for other in (None, SecretKey.generate("P-256")):
        with pytest.raises(StoreUnavailable, match="elsewhere"):
            Issuer.open(path, passphrase=PASSPHRASE, signer=other)
    with pytest.raises(ValueError, match="signer"):
        Issuer.create(tmp_path / "j.db", passphrase=PASSPHRASE, reference="pkcs11:token=a;object=b?module-path=/m")


def test_another_key_in_its_place_is_refused(module: str, tmp_path: Path) -> None:
    """Who exchanges the key in the token does not become the issuer."""
    reference = uri(module, "exchanged")
    Issuer.create(
        tmp_path / "i.db", passphrase=PASSPHRASE, signer=SecretKey.generate(), reference=reference, kdf=CHEAP
    ).close()
    open_signer(parse_reference(reference), pin=_pin, make="Ed25519").close()

    with pytest.raises(KeyInvalid, match="another one"):
        Issuer.open(tmp_path / "i.db", passphrase=PASSPHRASE, pin=_pin)


def test_a_webvh_issuer_rotates_in_the_token(module: str, tmp_path: Path) -> None:
    """Its successor is made beside the key, signs once it was listed long enough, and the log holds."""

    class Moving(FixedClock):
        at = NOW

        def now(self) -> Any:  # noqa: ANN401  # as its parent
            return self.at

    world, clock, reference = World(), Moving(NOW), uri(module, "webvh")
    signer = open_signer(parse_reference(reference), pin=_pin, make="Ed25519")
    webvh = make("vh.example", at=NOW, signer=signer, reference=reference)
    Issuer.create(
        tmp_path / "i.db", passphrase=PASSPHRASE, webvh=webvh, signer=signer, reference=reference, kdf=CHEAP
    ).close()
    signer.close()
    keys = set()
    with Issuer.open(tmp_path / "i.db", passphrase=PASSPHRASE, pin=_pin, clock=clock) as issuer:
        for _ in range(3):
            clock.at += timedelta(minutes=10)
            issuer.rotate()
            clock.at += LEAD
            world.now = clock.at
            made = issuer.issue(
                to=world.agent.did, capability=world.capability(principal=issuer.did), form="eddsa-jcs-2022"
            )
            keys.add(made.credential["proof"]["verificationMethod"])  # type: ignore[index,call-overload]
            _serve(world, issuer)
            Verifier(
                world.trust(anchor=[{"did": issuer.did, "types": ["AgentCapabilityCredential"],
                                     "roots": [world.partner.did], "actions": ["invoice.*"]}]),
                source=world, clock=clock,
            ).verify_credential(made.credential)  # fmt: skip
        with pytest.raises(StoreUnavailable, match="elsewhere"):
            issuer.controlled.rotate(issuer.did, at=clock.at)  # type: ignore[union-attr]  # a did:webvh

    assert 3 == len(keys)


def test_a_wallet_whose_key_is_in_a_token(module: str, tmp_path: Path) -> None:
    """It receives and presents; opened without the PIN it still lists what it holds."""
    world, reference = World(), uri(module, "wallet")
    signer = open_signer(parse_reference(reference), pin=_pin, make="Ed25519")
    with Wallet.create(tmp_path / "w", passphrase=PASSPHRASE, kdf=CHEAP) as made:
        did = made.add_signer(signer, reference=reference)
    signer.close()
    with Wallet.open(tmp_path / "w", passphrase=PASSPHRASE, pin=_pin) as wallet:
        found, method_id = wallet.signer(did)
        signer.public.verify(found.sign(b"m"), b"m")

        assert (did, f"{did}#{did[8:]}") == (wallet.dids[0], method_id)
    with Wallet.open(tmp_path / "w", passphrase=PASSPHRASE) as closed:
        assert (did,) == closed.dids
        with pytest.raises(ValueError, match="PIN"):
            closed.signer(did)
    assert world


@pytest.mark.parametrize(
    "text",
    [
        "awskms:alias/x", "pkcs11:", "pkcs11:token=a?module-path=/m", "pkcs11:token=a;object=b",
        "pkcs11:object=b?module-path=/m", "pkcs11:token=a;object=b;object=c?module-path=/m",
        "pkcs11:token=a;object=b?module-path=/m&pin-value=1234", "pkcs11:token=a;object=b;slot-id=1?module-path=/m",
        "pkcs11:token=a;object=b;type=public?module-path=/m", "pkcs11:token=a;object=%zz?module-path=/m",
        "pkcs11:token=a;object=%ff?module-path=/m", "pkcs11:token=a;object=b?module-path=/m#x",
    ],
)  # fmt: skip
def test_references_that_name_no_key(text: str) -> None:
    """Another scheme, something missing, twice, unknown, or a PIN where everybody reads it."""
    with pytest.raises(ValueError):  # noqa: PT011  # each for its own reason
        parse_reference(text)


def test_a_reference_is_read_as_it_is_meant() -> None:
    """Percent-encoding, an id, and a successor's label that does not grow."""
    found = parse_reference("pkcs11:token=My%20token;id=%01%02;type=private?module-path=/m.so&pin-source=file:/run/pin")
    assert ("My token", None, b"\1\2", "/m.so", "/run/pin") == (
        found.token, found.label, found.key_id, found.module, found.pin_source,
    )  # fmt: skip
    text = "pkcs11:token=a;object=issuer?module-path=/m"
    for number in (2, 3):
        text = successor(text, f"key-{number}")
        label = parse_reference(text).label
        assert label is not None
        assert label.startswith(f"issuer-key-{number}-")
    assert len("issuer-key-3-") + 8 == len(str(parse_reference(text).label))


def _run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    assert code == main([*arguments, "--json"])
    return json.loads(capsys.readouterr().out)  # type: ignore[no-any-return]  # one object, by the contract


def test_the_command_line_keeps_keys_in_a_token(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`issuer init`, `wallet init` and `did create` with --signer; the PIN is in no argument and in no file of ours."""
    monkeypatch.setenv("AGENTDID_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("AGENTDID_PIN", PIN)
    monkeypatch.setattr("agentdid.storage.vault.DEFAULT_KDF", CHEAP)
    monkeypatch.chdir(tmp_path)
    wallet = _run(capsys, "wallet", "init", "--wallet", "w", "--signer", uri(module, "cli-wallet"), "--new-key")
    web = _run(capsys, "did", "create", "--method", "web", "--host", "a.example", "--wallet", "w", "--key", "p256",
               "--signer", uri(module, "cli-web"), "--new-key")  # fmt: skip
    issuer = _run(capsys, "issuer", "init", "--db", "i.db", "--signer", uri(module, "cli-issuer"), "--new-key",
                  "--key", "p384")  # fmt: skip
    (tmp_path / "c.json").write_text(json.dumps(World().capability(principal=issuer["did"])))
    _run(capsys, "issuer", "issue", "--db", "i.db", "--to", wallet["did"], "--capability", "c.json", "--out", "vc")

    held = _run(capsys, "wallet", "list", "--wallet", "w")
    assert [wallet["did"], web["did"]] == held["dids"]
    again = _run(capsys, "issuer", "init", "--db", "j.db", "--signer", uri(module, "cli-issuer"), "--new-key", code=3)
    assert "store_unavailable" == again["code"]
    assert "usage" == _run(capsys, "wallet", "init", "--wallet", "v", "--new-key", code=2)["outcome"]
    for each in tmp_path.iterdir():
        assert PIN.encode() not in each.read_bytes()


def test_a_pin_in_argv_is_refused(module: str, tmp_path: Path) -> None:
    """R10: `pin-value` is an error before any token is opened."""
    done = subprocess.run(
        [sys.executable, "-m", "agentdid.cli.main", "wallet", "init", "--wallet", str(tmp_path / "w"),
         "--signer", f"pkcs11:token=agentdid;object=x?module-path={module}&pin-value={PIN}"],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "AGENTDID_PASSPHRASE": PASSPHRASE},
    )  # fmt: skip

    assert done.returncode == 2
    assert "pin-source" in done.stderr


def test_a_key_that_is_made_needs_a_label() -> None:
    """An id alone names none that could be made; and a store's record of an unknown kind is no key."""
    with pytest.raises(ValueError, match="label"):
        open_signer(parse_reference("pkcs11:token=a;id=%01?module-path=/m"), pin=_pin, make="Ed25519")
    with pytest.raises(KeyInvalid, match="unknown"):
        pair.load("Ed25519+nonsense", bytes(64))
    with pytest.raises(KeyInvalid):
        pair.load(pair.HYBRID, bytes(63))
