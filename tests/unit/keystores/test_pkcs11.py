"""A real PKCS#11 token, SoftHSM: keys made in it sign what everything else verifies."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from agentdid.codec.instant import parse_instant
from agentdid.did import key as did_key
from agentdid.errors import ExtraMissing, KeyInvalid, SignatureInvalid, StoreLocked, StoreUnavailable
from agentdid.keys import ecdsa
from agentdid.keys.public import load_public
from agentdid.keys.secret import SecretKey
from agentdid.keystores.answer import check_answer
from agentdid.keystores.pkcs11 import Pkcs11Token
from agentdid.proof.jws import KEYS_OF_ALG, parse_jws, sign_jws
from agentdid.proof.suites import SUITES
from agentdid.secure import data_integrity
from tests.softhsm import PIN, soft_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agentdid.keys.secret import Signer

NAMES = ["Ed25519", "P-256", "P-384", "P-521"]


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """SoftHSM's library, over two empty tokens of this run."""
    with soft_tokens(tmp_path_factory.mktemp("softhsm"), "agentdid", "other") as found:
        yield found


@pytest.fixture(scope="module")
def token(module: str) -> Iterator[Pkcs11Token]:
    """The open token."""
    with Pkcs11Token.open(module, label="agentdid", pin=PIN) as opened:
        yield opened


@pytest.mark.parametrize("name", NAMES)
def test_a_key_made_in_the_token_signs(token: Pkcs11Token, name: str) -> None:
    """Its public key is one of ours, its signatures hold, with the lower s; it is found again by its label."""
    signer = token.generate(name, label=f"signs-{name}")
    found = token.signer(label=f"signs-{name}")

    assert name == signer.public.algorithm.name
    assert signer.public == found.public
    for number in range(8):
        message = bytes((number,)) * number
        signature = found.sign(message)
        signer.public.verify(signature, message)
        with pytest.raises(SignatureInvalid):
            signer.public.verify(signature, message + b"!")
        if name != "Ed25519":
            assert signature == ecdsa.normalize_raw(signer.public.algorithm, signature)


@pytest.mark.parametrize("name", NAMES)
def test_tokens_and_proofs_by_such_a_key(token: Pkcs11Token, name: str) -> None:
    """It stands wherever a Signer does: a JWS under its own alg, and for Ed25519 a Data Integrity proof."""
    signer: Signer = token.generate(name, label=f"proves-{name}")
    jws = parse_jws(sign_jws({}, {"a": 1}, signer))
    signer.public.verify(jws.signature, jws.signing_input)

    assert (name,) == KEYS_OF_ALG[jws.header.alg]
    if name == "Ed25519":
        did = did_key.create(signer.public)
        document = {
            "@context": ["https://www.w3.org/ns/credentials/v2"],
            "type": ["VerifiableCredential"],
            "issuer": did,
        }
        signed = data_integrity.add_proof(
            document,
            signer,
            f"{did}#{did[8:]}",
            SUITES["eddsa-jcs-2022"],
            created=parse_instant("2026-11-25T00:00:00Z", ""),
        )
        assert signed["proof"]


def test_keys_do_not_leave_the_token(token: Pkcs11Token) -> None:
    """The private object is sensitive, and not extractable."""
    import pkcs11  # noqa: PLC0415  # an extra

    token.generate("P-256", label="stays")
    private = token.run(lambda session: session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label="stays"))

    assert token.run(lambda _: private[pkcs11.Attribute.SENSITIVE])
    assert not token.run(lambda _: private[pkcs11.Attribute.EXTRACTABLE])
    with pytest.raises(StoreUnavailable):
        token.run(lambda _: private[pkcs11.Attribute.VALUE])


def test_a_key_is_found_by_its_id(token: Pkcs11Token) -> None:
    """An id names the pair; a label or id of none, or of another, names nothing."""
    import pkcs11  # noqa: PLC0415  # an extra

    made = token.generate("Ed25519", label="by-id")
    key_id = token.run(
        lambda session: session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label="by-id")[pkcs11.Attribute.ID]
    )

    assert made.public == token.signer(key_id=key_id).public
    for wrong in ({"label": "nobody"}, {"key_id": b"nobody"}, {"label": "nobody", "key_id": key_id}):
        with pytest.raises(StoreUnavailable, match="found 0"):
            token.signer(**wrong)  # type: ignore[arg-type]  # one of the two
    with pytest.raises(ValueError, match="label or its id"):
        token.signer()


def test_a_label_is_given_once(token: Pkcs11Token) -> None:
    """Two keys of one label would leave it open which one signs."""
    token.generate("Ed25519", label="once")
    with pytest.raises(StoreUnavailable, match="label"):
        token.generate("P-256", label="once")


@pytest.mark.parametrize("name", ["ML-DSA-44", "secp256k1", "X25519", "RSA"])
def test_other_algorithms_are_not_made(token: Pkcs11Token, name: str) -> None:
    """Only what the token signs with here."""
    with pytest.raises(KeyInvalid):
        token.generate(name, label="other")


def test_a_key_of_another_curve_is_refused(token: Pkcs11Token) -> None:
    """secp256k1 verifies only, so a token's key of it is no signer."""
    from pkcs11 import Attribute, KeyType  # noqa: PLC0415  # an extra

    def make(session: object) -> None:
        domain = session.create_domain_parameters(  # type: ignore[attr-defined]  # of an extra
            KeyType.EC, {Attribute.EC_PARAMS: bytes.fromhex("06052b8104000a")}, local=True
        )
        domain.generate_keypair(store=True, label="k1", id=b"k1")

    token.run(make)
    with pytest.raises(KeyInvalid):
        token.signer(label="k1")


def test_threads_share_one_session(token: Pkcs11Token) -> None:
    """Eight threads sign with two keys; every signature is of its own message."""
    signers = [token.generate(name, label=f"threads-{name}") for name in ("Ed25519", "P-256")]

    def act(number: int) -> None:
        signer, message = signers[number % 2], str(number).encode()
        signer.public.verify(signer.sign(message), message)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, range(200)))


def test_a_lost_session_is_opened_anew(token: Pkcs11Token) -> None:
    """A session that was closed behind our back costs one retry, and the key's handle is found again."""
    signer = token.generate("P-384", label="lost")
    signer.sign(b"before")
    token._session.close()
    signer.public.verify(signer.sign(b"after"), b"after")


def test_a_closed_token_stays_closed(module: str) -> None:
    """Nothing is signed after `close`, and closing twice is nothing."""
    opened = Pkcs11Token.open(module, label="other", pin=lambda: PIN)
    signer = opened.generate("Ed25519", label="closed")
    opened.close()
    opened.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        signer.sign(b"")


@pytest.mark.parametrize("pin", ["1111", "", "x" * 300])
def test_a_wrong_pin(module: str, pin: str) -> None:
    """It says that the PIN does not open the token, and nothing of the PIN."""
    with pytest.raises(StoreLocked) as caught:
        Pkcs11Token.open(module, label="other", pin=pin)

    assert not pin or pin not in str(caught.value)


@pytest.mark.parametrize("label", ["nobody", ""])
def test_a_token_that_is_not_there(module: str, label: str) -> None:
    """No token of that label."""
    with pytest.raises(StoreUnavailable):
        Pkcs11Token.open(module, label=label, pin=PIN)


def test_a_library_that_is_not_there(tmp_path: Path) -> None:
    """No file, or one that is no library."""
    other = tmp_path / "library.so"
    other.write_text("no")
    for path in (tmp_path / "none.so", other):
        with pytest.raises(StoreUnavailable):
            Pkcs11Token.open(str(path), label="agentdid", pin=PIN)


def test_a_missing_extra_names_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without python-pkcs11 the error says what to install."""
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(ExtraMissing, match=r"agentdid\[pkcs11\]"):
        Pkcs11Token.open("/nowhere", label="agentdid", pin=PIN)


def test_neither_pin_nor_key_shows(token: Pkcs11Token) -> None:
    """Repr names token and key."""
    shown = repr(token.generate("Ed25519", label="shown"))

    assert "agentdid" in shown
    assert PIN not in shown + str(vars(token))


def test_an_answer_that_is_no_signature_never_leaves() -> None:
    """Of another key, of another message, in another form, or torn: all are the store's failure."""
    secret, other = SecretKey.generate("P-256"), SecretKey.generate("P-256")
    good = secret.sign(b"m")
    for answer in (other.sign(b"m"), secret.sign(b"n"), good[:-1], b"", bytes(64), b"\xff" * 64):
        with pytest.raises(StoreUnavailable):
            check_answer(secret.public, b"m", answer, "raw")
    for answer in (good, b"\x30\x02\x02\x01", b""):
        with pytest.raises(StoreUnavailable):
            check_answer(secret.public, b"m", answer, "der")

    assert good == check_answer(load_public("P-256", secret.public.raw), b"m", good, "raw")
