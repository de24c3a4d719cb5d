"""Keys: published verdicts, exact forms, and secrets that do not show themselves."""

from __future__ import annotations

import copy
import pickle
import traceback

import pytest

from agentdid.codec.base import encode_base64url, encode_multibase
from agentdid.codec.varint import encode_varint
from agentdid.errors import AgentdidError, AlgKeyMismatch, KeyInvalid, SignatureInvalid
from agentdid.keys import ecdsa
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.jwk import decode_jwk, decode_secret_jwk, encode_jwk, encode_secret_jwk, thumbprint
from agentdid.keys.multikey import (
    decode_multikey,
    decode_secret_multikey,
    encode_multikey,
    encode_secret_multikey,
)
from agentdid.keys.public import PublicKey, load_public
from agentdid.keys.secret import SecretKey

P = 2**255 - 19
ORDER = ecdsa.CURVES["P-256"].order
SIGNING = [name for name, row in ALGORITHMS.items() if row.signs]
SECRET = [name for name, row in ALGORITHMS.items() if row.seed_len]
SECP256K1_G = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")  # SEC 2 section 2.4.1


def public_of(name: str) -> PublicKey:
    """A key of each algorithm; for one without secrets, its base point."""
    return SecretKey.generate(name).public if name in SECRET else load_public(name, SECP256K1_G)


def verdict(key: PublicKey, signature: str, message: str) -> str:
    """What the key says of a signature in hex."""
    try:
        key.verify(bytes.fromhex(signature), bytes.fromhex(message))
    except SignatureInvalid:
        return "invalid"
    return "valid"


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
    key = public_of(name)

    assert key == decode_jwk(encode_jwk(key))
    assert key == decode_jwk({**encode_jwk(key), "use": "sig", "kid": "x"})
    assert {key} == {load_public(name, bytes(key.raw))}
    if key.algorithm.multicodec is None:
        with pytest.raises(KeyInvalid, match="JWK"):
            encode_multikey(key)
    else:
        assert key == decode_multikey(encode_multikey(key))
        assert key.algorithm.multibase == encode_multikey(key)[0]


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_both_bases_of_a_multikey_name_one_key(name: str) -> None:
    """Written as `z` or as `u`, a key is compared by its bytes."""
    key = public_of(name)
    if key.algorithm.multicodec is not None:
        bytes_ = encode_varint(key.algorithm.multicodec) + key.raw

        assert {key} == {decode_multikey(encode_multibase(bytes_, base)) for base in "zu"}


@pytest.mark.parametrize("name", SECRET)
def test_every_secret_form_comes_back(name: str) -> None:
    """Secrets leave by name only, and what leaves is the key."""
    secret = SecretKey.generate(name)
    seed = secret.export_seed()

    assert ALGORITHMS[name].seed_len == len(seed)
    assert secret.public == SecretKey.from_seed(name, seed).public
    if ALGORITHMS[name].secret_multicodec is None:
        with pytest.raises(KeyInvalid):
            encode_secret_multikey(secret)
    else:
        assert seed == decode_secret_multikey(encode_secret_multikey(secret)).export_seed()
    if name == "BLS12-381-G2":
        with pytest.raises(KeyInvalid):
            encode_secret_jwk(secret)
    else:
        assert seed == decode_secret_jwk(encode_secret_jwk(secret)).export_seed()
        with pytest.raises(KeyInvalid):
            decode_jwk(encode_secret_jwk(secret))
        with pytest.raises(KeyInvalid):
            decode_secret_jwk({**encode_secret_jwk(secret), **encode_jwk(SecretKey.generate(name).public)})
        with pytest.raises(KeyInvalid):
            decode_secret_jwk(encode_jwk(secret.public))


@pytest.mark.parametrize("name", SIGNING)
def test_signatures_are_checked(name: str) -> None:
    """Another message, one changed bit in either half, or another length has no signature; ours have the one length."""
    secret = SecretKey.generate(name)
    signature = secret.sign(b"message")
    secret.public.verify(signature, b"message")

    assert ALGORITHMS[name].signature_len == len(signature)
    flipped = [bytes((signature[0] ^ 1,)) + signature[1:], signature[:-1] + bytes((signature[-1] ^ 1,))]
    for broken in (*flipped, signature[:-1], signature + b"\0", b""):
        with pytest.raises(SignatureInvalid):
            secret.public.verify(broken, b"message")
    with pytest.raises(SignatureInvalid):
        secret.public.verify(signature, b"massage")


@pytest.mark.parametrize("name", ["Ed25519", "P-256", "P-384", "P-521"])
def test_classical_signatures_are_deterministic(name: str) -> None:
    """The same message has the same signature under the same key (RFC 8032, RFC 6979)."""
    seed = b"\0" + b"\7" * (ALGORITHMS[name].seed_len - 1)

    assert SecretKey.from_seed(name, seed).sign(b"message") == SecretKey.from_seed(name, seed).sign(b"message")


@pytest.mark.parametrize("name", ["X25519", "BLS12-381-G2"])
def test_keys_that_do_not_sign_say_so(name: str) -> None:
    """A key for agreement, or for a selective suite, neither signs nor verifies."""
    secret = SecretKey.generate(name)
    with pytest.raises(AlgKeyMismatch):
        secret.sign(b"")
    with pytest.raises(AlgKeyMismatch):
        secret.public.verify(b"", b"")


def test_only_keys_of_x25519_agree() -> None:
    """Both sides get the same 32 bytes; a signing key agrees with nobody."""
    ours, theirs, signer = SecretKey.generate("X25519"), SecretKey.generate("X25519"), SecretKey.generate()

    assert ours.agree(theirs.public) == theirs.agree(ours.public)
    for one, other in ((ours, signer), (signer, ours), (signer, signer)):
        with pytest.raises(AlgKeyMismatch):
            one.agree(other.public)


def test_nothing_is_signed_with_secp256k1() -> None:
    """Its keys verify; there are no secrets of it."""
    for make in (lambda: SecretKey.generate("secp256k1"), lambda: SecretKey.from_seed("secp256k1", b"\7" * 32)):
        with pytest.raises(KeyInvalid):
            make()


@pytest.mark.parametrize("name", ["P-256", "P-384", "P-521"])
def test_ecdsa_signatures_have_the_lower_s(name: str) -> None:
    """Of the two valid values of s we write the lower; we read both."""
    secret = SecretKey.generate(name)
    order, half = ecdsa.CURVES[name].order, ALGORITHMS[name].signature_len // 2
    for number in range(20):
        signature = secret.sign(bytes((number,)))
        s = int.from_bytes(signature[half:], "big")
        secret.public.verify(signature[:half] + (order - s).to_bytes(half, "big"), bytes((number,)))

        assert s <= order // 2


@pytest.mark.parametrize(
    "change",
    [
        {"d": "AA"}, {"x": None}, {"x": "AA"}, {"y": "AA"}, {"crv": "P-384"}, {"crv": "secp256k1"}, {"kty": "RSA"},
        {"kty": ["EC"]}, {"kty": "AKP"}, {"alg": "ES384"}, {"alg": "EdDSA"},
        {"x": encode_base64url(b"\xff" * 32)}, {"y": encode_base64url(b"\0" * 32)},
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


@pytest.mark.parametrize("name", SECRET)
def test_secrets_do_not_show(name: str) -> None:
    """Not in repr, str, format, attributes, pickles, copies or a traceback's text."""
    seed = b"\x13\x37" * (ALGORITHMS[name].seed_len // 2)
    if name == "P-521":
        seed = b"\0" + seed[1:]  # under the order of the curve
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


@pytest.mark.parametrize(
    ("name", "seed"),
    [
        ("Ed25519", b"x" * 31), ("P-256", b"\0" * 32), ("P-256", b"\xff" * 32), ("P-256", b"x"), ("RSA", b"x" * 32),
        ("P-521", b"\xff" * 66), ("P-384", b"\xff" * 48), ("BLS12-381-G2", b"\0" * 32), ("BLS12-381-G2", b"\xff" * 32),
        ("ML-DSA-44-Ed25519", b"x" * 32),
    ],
)  # fmt: skip
def test_malformed_secrets_are_refused(name: str, seed: bytes) -> None:
    """Wrong lengths, scalars outside the curve's order, unknown algorithms."""
    with pytest.raises(KeyInvalid):
        SecretKey.from_seed(name, seed)


def test_a_public_key_is_made_by_load_public_and_does_not_change() -> None:
    """Holding one means that it is well-formed."""
    key = SecretKey.generate().public
    with pytest.raises(TypeError):
        PublicKey(key.algorithm, b"", key.verify, object())
    with pytest.raises(AttributeError):
        key.raw = b""


def test_rfc_8032_test_1() -> None:
    """The first test of RFC 8032 section 7.1."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    assert (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        == SecretKey.from_seed("Ed25519", seed).sign(b"").hex()
    )


def test_thumbprint_members_of_akp_keys() -> None:
    """`alg`, `kty` and `pub`, and nothing else (RFC 9964 section 6)."""
    key = SecretKey.generate("ML-DSA-44").public

    assert ["alg", "kty", "pub"] == list(encode_jwk(key))
    assert thumbprint(key) == thumbprint(decode_jwk({**encode_jwk(key), "kid": "x", "use": "sig", "key_ops": []}))


@pytest.mark.parametrize(
    ("message", "r", "s"),
    [
        (b"sample", "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
         "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"),
        (b"test", "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
         "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083"),
    ],
)  # fmt: skip
def test_rfc_6979_signatures(message: bytes, r: str, s: str) -> None:
    """RFC 6979 appendix A.2.5, P-256 with SHA-256: the published r, and of s and its negative the lower."""
    secret = SecretKey.from_seed(
        "P-256", bytes.fromhex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721")
    )
    order = ecdsa.CURVES["P-256"].order
    signature = secret.sign(message)

    assert r.lower() == signature[:32].hex()
    assert min(int(s, 16), order - int(s, 16)) == int.from_bytes(signature[32:], "big")
