"""PEM and DER: keys that other tools wrote, and ours that they read."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa, x25519

from agentdid.errors import KeyInvalid
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.pem import decode_public_pem, decode_secret_pem, encode_public_pem
from agentdid.keys.secret import SecretKey

MAKERS = {
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "X25519": x25519.X25519PrivateKey.generate,
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "ML-DSA-44": mldsa.MLDSA44PrivateKey.generate,
    "ML-DSA-65": mldsa.MLDSA65PrivateKey.generate,
    "ML-DSA-87": mldsa.MLDSA87PrivateKey.generate,
}
FOREIGN = {
    "Ed448": ed448.Ed448PrivateKey.generate,
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "P-224": lambda: ec.generate_private_key(ec.SECP224R1()),
    "brainpool": lambda: ec.generate_private_key(ec.BrainpoolP256R1()),
}
PKCS8 = serialization.PrivateFormat.PKCS8
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
PLAIN = serialization.NoEncryption()
ENCODINGS = [serialization.Encoding.PEM, serialization.Encoding.DER]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", MAKERS)
def test_keys_of_another_tool(name: str, encoding: serialization.Encoding) -> None:
    """PKCS#8 and SubjectPublicKeyInfo lead to one key, and our PEM is theirs."""
    made = MAKERS[name]()
    secret = decode_secret_pem(made.private_bytes(encoding, PKCS8, PLAIN))
    public = decode_public_pem(made.public_key().public_bytes(encoding, SPKI))

    assert name == public.algorithm.name
    assert secret.public == public
    assert encode_public_pem(public) == made.public_key().public_bytes(serialization.Encoding.PEM, SPKI)


def test_an_encrypted_file_needs_its_password() -> None:
    """The right password opens it; another, none, or one for a plain file does not."""
    made = MAKERS["P-384"]()
    sealed = made.private_bytes(serialization.Encoding.PEM, PKCS8, serialization.BestAvailableEncryption(b"right"))

    assert decode_public_pem(made.public_key().public_bytes(serialization.Encoding.DER, SPKI)) == (
        decode_secret_pem(sealed, b"right").public
    )
    for data, password in ((sealed, b"wrong"), (sealed, None), (made.private_bytes(ENCODINGS[0], PKCS8, PLAIN), b"x")):
        with pytest.raises(KeyInvalid):
            decode_secret_pem(data, password)


@pytest.mark.parametrize("name", FOREIGN)
def test_algorithms_that_are_not_ours(name: str) -> None:
    """A key of another algorithm is refused, public and secret."""
    made = FOREIGN[name]()
    with pytest.raises(KeyInvalid):
        decode_secret_pem(made.private_bytes(serialization.Encoding.PEM, PKCS8, PLAIN))
    with pytest.raises(KeyInvalid):
        decode_public_pem(made.public_key().public_bytes(serialization.Encoding.PEM, SPKI))


def test_secp256k1_is_read_as_a_public_key_only() -> None:
    """Nothing of ours signs with it."""
    made = ec.generate_private_key(ec.SECP256K1())

    assert "secp256k1" == decode_public_pem(made.public_key().public_bytes(ENCODINGS[0], SPKI)).algorithm.name
    with pytest.raises(KeyInvalid):
        decode_secret_pem(made.private_bytes(ENCODINGS[0], PKCS8, PLAIN))


@pytest.mark.parametrize("name", ["ML-DSA-44-Ed25519", "ML-DSA-65-Ed25519"])
def test_composite_keys(name: str) -> None:
    """Their PEM is DER of the object identifier and the raw form; another length behind it is refused."""
    secret = SecretKey.generate(name)
    pem = encode_public_pem(secret.public)
    der = bytes.fromhex("30") + _length(12 + 5 + ALGORITHMS[name].public_len)
    oid = {"ML-DSA-44-Ed25519": "27", "ML-DSA-65-Ed25519": "30"}[name]
    algorithm = bytes.fromhex("300a06082b060105050706" + oid)
    der += algorithm + b"\x03" + _length(1 + ALGORITHMS[name].public_len) + b"\0" + secret.public.raw
    body = b"\x02\x01\x00" + algorithm + b"\x04\x40" + secret.export_seed()
    pkcs8 = b"\x30" + _length(len(body)) + body

    assert secret.public == decode_public_pem(pem) == decode_public_pem(der)
    assert secret.export_seed() == decode_secret_pem(pkcs8).export_seed()
    for data in (der[:-1], der + b"\0"):
        with pytest.raises(KeyInvalid):
            decode_public_pem(data)
    for data in (pkcs8[:-1], pkcs8 + b"\0"):
        with pytest.raises(KeyInvalid):
            decode_secret_pem(data)


def test_bls_keys_have_no_pem() -> None:
    """No object identifier is registered for them."""
    with pytest.raises(KeyInvalid):
        encode_public_pem(SecretKey.generate("BLS12-381-G2").public)


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"-----BEGIN PUBLIC KEY-----", b"-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----",
     b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"],
)  # fmt: skip
def test_what_is_no_key(data: bytes) -> None:
    """A torn file, another block, or nothing."""
    with pytest.raises(KeyInvalid):
        decode_public_pem(data)
    with pytest.raises(KeyInvalid):
        decode_secret_pem(data)


def test_an_expanded_key_without_its_seed_is_refused() -> None:
    """S04: PKCS#8 that holds only the expanded ML-DSA key (RFC 9881 section 6) is no secret here."""
    expanded = b"\x04\x82\x0a\x00" + bytes(2560)
    octets = b"\x04" + _length(len(expanded)) + expanded
    body = b"\x02\x01\x00" + bytes.fromhex("300b0609608648016503040311") + octets
    with pytest.raises(KeyInvalid):
        decode_secret_pem(b"\x30" + _length(len(body)) + body)


def _length(count: int) -> bytes:
    """Return a DER length of up to two octets."""
    if count < 0x80:
        return bytes((count,))
    return b"\x81" + bytes((count,)) if count < 0x100 else b"\x82" + count.to_bytes(2, "big")
