"""Keys: published verdicts, exact forms, and secrets that do not show themselves."""

from __future__ import annotations

import copy
import json
import pickle
import traceback

import pytest

from agentdid.codec.base import encode_base64url, encode_multibase
from agentdid.codec.varint import encode_varint
from agentdid.errors import AgentdidError, KeyInvalid, SignatureInvalid
from agentdid.keys import ecdsa, ed25519
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.jwk import decode_jwk, encode_jwk, thumbprint
from agentdid.keys.multikey import decode_multikey, encode_multikey
from agentdid.keys.public import PublicKey, load_public
from agentdid.keys.secret import SecretKey
from tests.vectors_dir import vectors

P = 2**255 - 19
ORDER = ecdsa._ORDER


def verdict(key: PublicKey, signature: str, message: str) -> str:
    """What the key says of a signature in hex."""
    try:
        key.verify(bytes.fromhex(signature), bytes.fromhex(message))
    except SignatureInvalid:
        return "invalid"
    return "valid"


def test_wycheproof_ed25519() -> None:
    """Every verdict of ed25519_test.json, B05 among them."""
    groups = json.loads((vectors("wycheproof") / "ed25519_test.json").read_text())["testGroups"]
    wrong, count = [], 0
    for group in groups:
        key = load_public("Ed25519", bytes.fromhex(group["publicKey"]["pk"]))
        for case in group["tests"]:
            count += 1
            if verdict(key, case["sig"], case["msg"]) != case["result"]:
                wrong.append(case["tcId"])

    assert count > 100
    assert [] == wrong


def test_wycheproof_p256_raw() -> None:
    """Every verdict of ecdsa_secp256r1_sha256_p1363_test.json, B01 and B02 among them."""
    groups = json.loads((vectors("wycheproof") / "ecdsa_secp256r1_sha256_p1363_test.json").read_text())["testGroups"]
    wrong, count = [], 0
    for group in groups:
        point = bytes.fromhex(group["publicKey"]["uncompressed"])
        key = load_public("P-256", ecdsa.compress(ecdsa.load_point(point)))
        for case in group["tests"]:
            count += 1
            if verdict(key, case["sig"], case["msg"]) != case["result"]:
                wrong.append(case["tcId"])

    assert count > 200
    assert [] == wrong


def test_wycheproof_p256_der_is_never_taken() -> None:
    """B02: whatever is valid as DER is invalid here, where r || s is asked for."""
    groups = json.loads((vectors("wycheproof") / "ecdsa_secp256r1_sha256_test.json").read_text())["testGroups"]
    taken = []
    for group in groups[:40]:
        point = bytes.fromhex(group["publicKey"]["uncompressed"])
        key = load_public("P-256", ecdsa.compress(ecdsa.load_point(point)))
        taken += [case["tcId"] for case in group["tests"] if verdict(key, case["sig"], case["msg"]) == "valid"]

    assert [] == taken


@pytest.mark.parametrize(
    "signature",
    [
        "00" * 64,
        f"{ORDER:064x}{'11' * 32}",
        f"{'11' * 32}{ORDER:064x}",
        f"{'00' * 32}{'11' * 32}",
        "11" * 63,
        "11" * 65,
        "",
    ],
)  # fmt: skip
def test_b01_b02_degenerate_p256_signatures(signature: str) -> None:
    """Zero, the order itself, and other lengths."""
    assert "invalid" == verdict(SecretKey.generate("P-256").public, signature, "00")


SMALL_ORDER = [
    0, 1, P - 1,
    0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    P - 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
]  # fmt: skip


@pytest.mark.parametrize("y", SMALL_ORDER, ids=hex)
@pytest.mark.parametrize("sign", [0, 1 << 255])
def test_h03_small_order_keys_are_refused(y: int, sign: int) -> None:
    """All eight points of small order, with either sign bit: such a key validates every message elsewhere."""
    d = -121665 * pow(121666, -1, P) % P
    x_squared = (y * y - 1) * pow(d * y * y + 1, -1, P) % P
    assert pow(x_squared, (P - 1) // 2, P) in (0, 1)  # the table holds points of the curve
    with pytest.raises(KeyInvalid):
        load_public("Ed25519", (y | sign).to_bytes(32, "little"))


@pytest.mark.parametrize("y", [P, P + 1, 2**255 - 1])
def test_non_canonical_keys_are_refused(y: int) -> None:
    """A y that is not below the prime is another spelling of a key."""
    with pytest.raises(KeyInvalid):
        load_public("Ed25519", y.to_bytes(32, "little"))


@pytest.mark.parametrize(
    ("algorithm", "raw"),
    [
        ("Ed25519", b"\1" * 31), ("Ed25519", b"\1" * 33), ("Ed25519", b""), ("P-256", b"\2" + (2).to_bytes(32, "big")),
        ("P-256", b"\4" + b"\1" * 64), ("P-256", b"\5" + b"\1" * 32), ("P-256", b"\2" * 32), ("RSA", b"\1" * 32),
    ],
)  # fmt: skip
def test_b16_malformed_keys_are_refused(algorithm: str, raw: bytes) -> None:
    """Wrong lengths, points off the curve, unknown algorithms."""
    with pytest.raises(KeyInvalid):
        load_public(algorithm, raw)


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_every_form_comes_back(name: str) -> None:
    """Multikey and JWK lose nothing, and equal keys are equal."""
    key = SecretKey.generate(name).public

    assert key == decode_multikey(encode_multikey(key))
    assert key == decode_jwk(encode_jwk(key))
    assert key == decode_jwk({**encode_jwk(key), "use": "sig", "kid": "x"})
    assert {key} == {load_public(name, bytes(key.raw))}


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_signatures_are_deterministic_and_checked(name: str) -> None:
    """The same message has the same signature; another message, or one changed bit, has not."""
    secret = SecretKey.from_seed(name, b"\7" * 32)
    signature = secret.sign(b"message")
    secret.public.verify(signature, b"message")

    assert signature == SecretKey.from_seed(name, b"\7" * 32).sign(b"message")
    assert ALGORITHMS[name].signature_len == len(signature)
    for broken in (bytes((signature[0] ^ 1,)) + signature[1:], signature[:-1], signature + b"\0", b""):
        with pytest.raises(SignatureInvalid):
            secret.public.verify(broken, b"message")
    with pytest.raises(SignatureInvalid):
        secret.public.verify(signature, b"massage")


def test_p256_signatures_have_the_lower_s() -> None:
    """Of the two valid values of s we write the lower; we read both."""
    secret = SecretKey.from_seed("P-256", b"\7" * 32)
    for number in range(20):
        signature = secret.sign(bytes((number,)))
        s = int.from_bytes(signature[32:], "big")
        secret.public.verify(signature[:32] + (ORDER - s).to_bytes(32, "big"), bytes((number,)))

        assert s <= ORDER // 2


@pytest.mark.parametrize(
    "change",
    [
        {"d": "AA"}, {"x": None}, {"x": "AA"}, {"y": "AA"}, {"crv": "P-384"}, {"crv": "secp256k1"}, {"kty": "RSA"},
        {"kty": ["EC"]}, {"x": encode_base64url(b"\xff" * 32)}, {"y": encode_base64url(b"\0" * 32)},
    ],
    ids=repr,
)  # fmt: skip
def test_b06_b08_malformed_jwks_are_refused(change: dict[str, object]) -> None:
    """A private member, a missing or short coordinate, another curve, a point off the curve."""
    with pytest.raises(KeyInvalid):
        decode_jwk({**encode_jwk(SecretKey.generate("P-256").public), **change})


@pytest.mark.parametrize("jwk", [None, "x", [], {}])
def test_what_is_no_jwk_is_refused(jwk: object) -> None:
    """Only objects are looked at."""
    with pytest.raises(KeyInvalid):
        decode_jwk(jwk)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (encode_multibase(encode_varint(0xED) + b"\1" * 33, "z"), "key_invalid"),
        (encode_multibase(encode_varint(0x1200) + b"\1" * 32, "z"), "key_invalid"),
        (encode_multibase(encode_varint(0x1300) + b"\1" * 32, "z"), "key_invalid"),
        (encode_multibase(b"\xed\x81\x00" + b"\1" * 32, "z"), "encoding_invalid"),
        ("m7QEB", "encoding_invalid"),
        ("z0", "encoding_invalid"),
    ],
)
def test_b16_malformed_multikeys_are_refused(text: str, code: str) -> None:
    """Another length than the code's, an unknown code, a varint that is not minimal, another base."""
    with pytest.raises(AgentdidError) as caught:
        decode_multikey(text)

    assert code == caught.value.code


def test_published_thumbprints() -> None:
    """RFC 8037, RFC 9449 and others, for the curves that are built."""
    rows = json.loads((vectors("jose-thumbprints") / "thumbprints.json").read_text())
    built = [row for row in rows if row["jwk"].get("crv") in ("Ed25519", "P-256")]

    assert built
    for row in built:
        assert row["sha256"] == thumbprint(decode_jwk(row["jwk"]))


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_secrets_do_not_show(name: str) -> None:
    """Not in repr, str, format, attributes, pickles, copies or a traceback's text."""
    seed = b"\x13\x37" * 16
    secret = SecretKey.from_seed(name, seed)
    shown = [repr(secret), str(secret), f"{secret}", *(repr(getattr(secret, each)) for each in secret.__slots__)]
    try:
        secret.sign("not bytes")  # type: ignore[arg-type]  # wrong on purpose
    except Exception as error:  # noqa: BLE001  # whatever the library below says
        shown += traceback.format_exception(error)

    for text in shown:
        assert seed.hex() not in text
        assert repr(seed)[2:-1] not in text
        assert encode_base64url(seed) not in text
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(secret)
    assert seed == secret.export_seed()


@pytest.mark.parametrize(("name", "seed"), [("Ed25519", b"x" * 31), ("P-256", b"\0" * 32), ("P-256", b"\xff" * 32),
                                           ("P-256", b"x"), ("RSA", b"x" * 32)])  # fmt: skip
def test_malformed_secrets_are_refused(name: str, seed: bytes) -> None:
    """Wrong lengths, scalars outside the curve's order, unknown algorithms."""
    with pytest.raises(KeyInvalid):
        SecretKey.from_seed(name, seed)


def test_a_public_key_is_made_by_load_public_and_does_not_change() -> None:
    """Holding one means that it is well-formed."""
    key = SecretKey.generate().public
    with pytest.raises(TypeError):
        PublicKey(key.algorithm, b"", None, object())
    with pytest.raises(AttributeError):
        key.raw = b""


def test_rfc_8032_test_1() -> None:
    """The first test of RFC 8032 section 7.1."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    assert (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        == ed25519.sign(seed, b"").hex()
    )
