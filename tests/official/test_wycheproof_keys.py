"""Wycheproof: every verdict on Ed25519, ECDSA, X25519 and ML-DSA, and what the suite says of curves and keys.

Whichever files of these kinds are there are read: the suite has one for each curve, form and parameter set.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.errors import AgentdidError, KeyInvalid, SignatureInvalid
from agentdid.keys import ecdsa, mldsa
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.jwk import decode_jwk, decode_secret_jwk
from agentdid.keys.pem import decode_public_pem, decode_secret_pem, encode_public_pem
from agentdid.keys.public import PublicKey, load_public
from agentdid.keys.secret import SecretKey
from tests.vectors_dir import FOLDER, vectors

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521", "secp256k1": "secp256k1"}
OURS = {("secp256r1", "SHA-256"), ("secp384r1", "SHA-384"), ("secp521r1", "SHA-512"), ("secp256k1", "SHA-256")}
"""Curve and hash as RFC 7518 section 3.4 and RFC 8812 pair them; other files of the suite are of other algorithms."""


def _files(pattern: str) -> list[str]:
    """The names of the files that are there: the suite has more of each kind than one folder may hold."""
    folder = FOLDER / "wycheproof"
    return sorted(path.name for path in folder.glob(pattern)) if folder.is_dir() else []


def _ecdsa(kind: str) -> dict[str, str]:
    found = {}
    for name in _files("ecdsa_*.json"):
        group = json.loads((FOLDER / "wycheproof" / name).read_text())["testGroups"][0]
        if group["type"] == kind and (group["publicKey"]["curve"], group["sha"]) in OURS:
            found[name] = NAMES[group["publicKey"]["curve"]]
    return found


RAW = {"ed25519_test.json": "Ed25519", **_ecdsa("EcdsaP1363Verify")}
DER = _ecdsa("EcdsaVerify")
MLDSA = {name: f"ML-DSA-{name.split('_')[1]}" for name in _files("mldsa_*_test.json")}
VERIFY = [name for name in MLDSA if name.endswith("_verify_test.json")]
SEEDS = [name for name in MLDSA if name.endswith("_sign_seed_test.json")]
EXPANDED = [name for name in MLDSA if name.endswith("_sign_noseed_test.json")]
XDH = _files("x25519_*_test.json")


def groups(name: str) -> list[dict[str, Any]]:
    """Return the groups of one file."""
    path = vectors("wycheproof") / name
    return json.loads(path.read_text())["testGroups"]


def load(name: str, group: dict[str, Any]) -> PublicKey:
    """Return the key of a group."""
    published = group["publicKey"]
    if name == "Ed25519":
        return load_public(name, bytes.fromhex(published["pk"]))
    row = ALGORITHMS[name]
    return load_public(name, ecdsa.compress(ecdsa.load_point(row, bytes.fromhex(published["uncompressed"]))))


def verdict(check: Callable[[], object]) -> str:
    """Return the suite's word for what a check says."""
    try:
        check()
    except (SignatureInvalid, KeyInvalid):
        return "invalid"
    return "valid"


@pytest.mark.parametrize("file", RAW)
def test_signatures(file: str) -> None:
    """B01, B02, B05: every verdict on raw signatures is the published one."""
    cases = [(load(RAW[file], group), case) for group in groups(file) for case in group["tests"]]
    wrong = [
        case["tcId"]
        for key, case in cases
        if case["result"] != verdict(lambda k=key, c=case: k.verify(bytes.fromhex(c["sig"]), bytes.fromhex(c["msg"])))  # type: ignore[misc]  # bound now
    ]

    assert len(cases) > 150
    assert [] == wrong


@pytest.mark.parametrize("file", RAW)
def test_keys_in_other_forms(file: str) -> None:
    """The JWK, PEM and DER of a group are its key, and our PEM is the published one."""
    for group in groups(file):
        key = load(RAW[file], group)

        assert key == decode_public_pem(group["publicKeyPem"].encode())
        assert key == decode_public_pem(bytes.fromhex(group["publicKeyDer"]))
        assert group["publicKeyPem"].split() == encode_public_pem(key).decode().split()
        if "publicKeyJwk" in group:
            assert key == decode_jwk(group["publicKeyJwk"])


@pytest.mark.parametrize("file", DER)
def test_der_is_never_taken(file: str) -> None:
    """B02: whatever is valid as DER is invalid where r || s is asked for."""
    taken = [
        case["tcId"]
        for group in groups(file)
        for key in [load(DER[file], group)]
        for case in group["tests"]
        if verdict(lambda k=key, c=case: k.verify(bytes.fromhex(c["sig"]), bytes.fromhex(c["msg"]))) == "valid"  # type: ignore[misc]  # as above
    ]

    assert [] == taken


@pytest.mark.parametrize("file", DER)
def test_verdicts_on_der(file: str) -> None:
    """Every verdict on DER is the published one where DER is what is asked for: of a token or a key service."""
    wrong = []
    for group in groups(file):
        key = load(DER[file], group)
        for case in group["tests"]:

            def check(case: dict[str, Any] = case, key: PublicKey = key) -> None:
                try:
                    raw = ecdsa.normalize_der(key.algorithm, bytes.fromhex(case["sig"]))
                except ValueError as error:  # no DER
                    raise SignatureInvalid(str(error)) from None
                key.verify(raw, bytes.fromhex(case["msg"]))

            if case["result"] not in ("acceptable", verdict(check)):
                wrong.append(case["tcId"])

    assert [] == wrong


@pytest.mark.parametrize("file", DER)
def test_der_that_is_valid_verifies_as_raw(file: str) -> None:
    """A valid DER signature holds once written as r || s with the lower s: what a token that answers DER needs."""
    count = 0
    for group in groups(file):
        key = load(DER[file], group)
        for case in group["tests"]:
            if case["result"] == "valid":
                count += 1
                raw = ecdsa.normalize_der(key.algorithm, bytes.fromhex(case["sig"]))
                key.verify(raw, bytes.fromhex(case["msg"]))
                assert raw == ecdsa.normalize_raw(key.algorithm, raw)

    assert count > 100


def test_orders_of_the_curves() -> None:
    """The orders in our table are the published ones."""
    orders = {
        NAMES[case["name"]]: int(case["n"], 16)
        for group in groups("ec_prime_order_curves_test.json")
        for case in group["tests"]
        if case["name"] in NAMES
    }

    assert orders == {name: curve.order for name, curve in ecdsa.CURVES.items()}


def test_x25519() -> None:
    """Valid secrets agree as published; what is acceptable we take, or refuse as another spelling or of small order."""
    refused = set()
    for group in groups("x25519_test.json"):
        for case in group["tests"]:
            secret = SecretKey.from_seed("X25519", bytes.fromhex(case["private"]))
            try:
                shared = secret.agree(load_public("X25519", bytes.fromhex(case["public"])))
            except KeyInvalid:
                assert case["result"] == "acceptable"
                assert {"NonCanonicalPublic", "LowOrderPublic"} & set(case["flags"])
                refused.add(case["tcId"])
            else:
                assert case["shared"] == shared.hex()

    assert len(refused) > 20


def test_x25519_agreement_on_zero_is_refused_by_itself() -> None:
    """Every published key that agrees on zero is refused where the key is loaded."""
    for group in groups("x25519_test.json"):
        for case in group["tests"]:
            if "ZeroSharedSecret" in case["flags"]:
                with pytest.raises(KeyInvalid):
                    load_public("X25519", bytes.fromhex(case["public"]))


@pytest.mark.parametrize("file", XDH)
def test_x25519_in_other_forms(file: str) -> None:
    """JWK, PEM and DER of the suite's keys: read as the keys they are, and the secret is the published one."""
    agreed = 0
    for group in groups(file):
        for case in group["tests"]:
            try:
                if "jwk" in file:
                    secret, public = decode_secret_jwk(case["private"]), decode_jwk(case["public"])
                else:
                    pem = "pem" in file
                    secret, public = (
                        read(case[half].encode() if pem else bytes.fromhex(case[half]))
                        for read, half in ((decode_secret_pem, "private"), (decode_public_pem, "public"))
                    )  # type: ignore[misc]  # of two kinds
                shared = secret.agree(public)  # type: ignore[union-attr]  # the first of them
            except AgentdidError:
                assert case["result"] != "valid", case["tcId"]
            else:
                assert case["shared"] == shared.hex()
                assert case["result"] != "invalid", case["tcId"]
                agreed += 1

    assert agreed > 10


@pytest.mark.parametrize("file", VERIFY)
def test_mldsa_verification(file: str) -> None:
    """Every verdict on ML-DSA signatures is the published one; the context is `mldsa`'s own argument."""
    name = MLDSA[file]
    count, wrong = 0, []
    for group in groups(file):
        raw = bytes.fromhex(group["publicKey"])
        for case in group["tests"]:
            count += 1
            context = bytes.fromhex(case.get("ctx", ""))

            def check(case: dict[str, Any] = case, context: bytes = context, raw: bytes = raw) -> None:
                load_public(name, raw)  # the length is refused here
                mldsa.load_public(ALGORITHMS[name], raw, context)(
                    bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"])
                )

            if len(context) > 255:
                assert case["result"] == "invalid"  # FIPS 204 algorithm 3; no caller of ours can pass one
                continue
            if case["result"] != verdict(check):
                wrong.append(case["tcId"])

    assert count > 100
    assert [] == wrong


@pytest.mark.parametrize("file", SEEDS)
def test_mldsa_signing_keys(file: str) -> None:
    """S04: seeds give the published key, in PKCS#8 too, and its signatures hold; other lengths are no seed."""
    row = ALGORITHMS[MLDSA[file]]
    good = bad = 0
    for group in groups(file):
        seed = bytes.fromhex(group["privateSeed"])
        if len(seed) != row.seed_len:
            with pytest.raises(KeyInvalid):
                SecretKey.from_seed(row.name, seed)
            bad += 1
            continue
        secret = SecretKey.from_seed(row.name, seed)
        assert group["publicKey"] == secret.public.raw.hex()
        if "privateKeyPkcs8" in group:
            assert seed == decode_secret_pem(bytes.fromhex(group["privateKeyPkcs8"])).export_seed()
        for case in group["tests"]:
            context = bytes.fromhex(case.get("ctx", ""))
            if case["result"] == "valid" and "msg" in case:  # without one it is of the internal interface
                message = bytes.fromhex(case["msg"])
                check = mldsa.load_public(row, secret.public.raw, context)
                check(bytes.fromhex(case["sig"]), message)
                check(mldsa.load_secret(row, seed, context)[1](message), message)
                good += 1

    assert good > 40
    assert bad > 0


@pytest.mark.parametrize("file", EXPANDED)
def test_s04_published_expanded_keys_are_no_seeds(file: str) -> None:
    """No expanded key is taken for a seed, of whatever length; what such keys signed holds under their public key."""
    row = ALGORITHMS[MLDSA[file]]
    for group in groups(file):
        with pytest.raises(KeyInvalid):
            SecretKey.from_seed(row.name, bytes.fromhex(group["privateKey"]))
        for case in group["tests"]:
            if case["result"] == "valid" and "msg" in case and "publicKey" in group:
                check = mldsa.load_public(row, bytes.fromhex(group["publicKey"]), bytes.fromhex(case.get("ctx", "")))
                check(bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"]))


@pytest.mark.parametrize("length", [2528, 2560, 4000, 4032, 4864, 4896])
@pytest.mark.parametrize("name", ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"])
def test_s04_expanded_keys_are_no_seeds(name: str, length: int) -> None:
    """The expanded form (FIPS 204, and older drafts' lengths) is refused, of this parameter set or another."""
    with pytest.raises(KeyInvalid):
        SecretKey.from_seed(name, bytes(length))


@pytest.mark.parametrize("name", ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"])
def test_s04_a_key_of_another_parameter_set_is_refused(name: str) -> None:
    """Lengths tell the sets apart, and nothing verifies across them."""
    for other in {"ML-DSA-44", "ML-DSA-65", "ML-DSA-87"} - {name}:
        secret = SecretKey.from_seed(other, bytes(32))
        with pytest.raises(KeyInvalid):
            load_public(name, secret.public.raw)
        with pytest.raises(AgentdidError):
            SecretKey.from_seed(name, bytes(32)).public.verify(secret.sign(b""), b"")
