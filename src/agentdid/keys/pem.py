"""Keys from files of other tools: PEM or DER of SubjectPublicKeyInfo (RFC 5280) and PKCS#8 (RFC 5958)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agentdid.errors import KeyInvalid
from agentdid.keys import ecdsa
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.public import PublicKey, load_public

if TYPE_CHECKING:
    from agentdid.keys.algorithms import Algorithm
    from agentdid.keys.secret import SecretKey

_BEGIN: Final = b"-----BEGIN "
_CURVES: Final = {curve.name.lower(): ALGORITHMS[name] for name, curve in ecdsa.CURVES.items()}
# draft-ietf-lamps-pq-composite-sigs-19 §6: SubjectPublicKeyInfo and PKCS#8 hold the raw composite form, and lengths are
# exact, so all that stands before it is constant. 06 08 2b 06 01 05 05 07 06 xx is 1.3.6.1.5.5.7.6.xx.
_COMPOSITES: Final = {
    "ML-DSA-44-Ed25519": bytes.fromhex("300a06082b06010505070627"),
    "ML-DSA-65-Ed25519": bytes.fromhex("300a06082b06010505070630"),
}


def decode_public_pem(data: bytes) -> PublicKey:
    """Return the key of a SubjectPublicKeyInfo, in PEM or DER.

    Raises:
        KeyInvalid: Not one, or of an algorithm that is not in the table.
    """
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  # only who imports a file pays for it

    pem = data.lstrip().startswith(_BEGIN)
    der = _unwrap(data, b"PUBLIC KEY") if pem else data
    for name, oid in _COMPOSITES.items():
        row = ALGORITHMS[name]
        head = _spki_head(row, oid)
        if der.startswith(head):
            return load_public(name, der[len(head) :])
    try:
        loaded = serialization.load_der_public_key(der)
    except Exception:  # noqa: BLE001  # ValueError, TypeError, UnsupportedAlgorithm: whatever the parser below says
        raise KeyInvalid("not a SubjectPublicKeyInfo of a known algorithm") from None
    row = _find_row(loaded)
    raw = ecdsa.compress(loaded) if row.scheme == "ecdsa" else loaded.public_bytes_raw()  # type: ignore[arg-type,union-attr]  # by _find_row
    return load_public(row.name, raw)


def encode_public_pem(key: PublicKey) -> bytes:
    """Return the SubjectPublicKeyInfo of a key as PEM.

    Raises:
        KeyInvalid: A BLS12-381 key; no object identifier is registered for it.
    """
    from base64 import encodebytes  # noqa: PLC0415  # as above

    body = encodebytes(_spki(key)).replace(b"\n", b"")
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return b"\n".join([b"-----BEGIN PUBLIC KEY-----", *lines, b"-----END PUBLIC KEY-----", b""])


def decode_secret_pem(data: bytes, password: bytes | None = None) -> SecretKey:
    """Return the key of a PKCS#8 file, in PEM or DER, encrypted or not.

    Raises:
        KeyInvalid: Not one, the wrong password or none where one is needed, an algorithm that does not sign here, or
            an ML-DSA key without its seed.
    """
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  # as above

    from agentdid.keys.secret import SecretKey  # noqa: PLC0415  # as above

    pem = data.lstrip().startswith(_BEGIN)
    if not pem or b"-----BEGIN PRIVATE KEY-----" in data:
        der = _unwrap(data, b"PRIVATE KEY") if pem else data
        for name, oid in _COMPOSITES.items():
            head = _pkcs8_head(ALGORITHMS[name], oid)
            if der.startswith(head):
                return SecretKey(name, der[len(head) :])
    load = serialization.load_pem_private_key if pem else serialization.load_der_private_key
    try:
        loaded = load(data, password)
        row = _find_row(loaded)
        seed = (
            loaded.private_numbers().private_value.to_bytes(row.seed_len, "big")  # type: ignore[union-attr]  # by _find_row
            if row.scheme == "ecdsa" and row.seed_len
            else loaded.private_bytes_raw()  # type: ignore[union-attr]  # by _find_row
        )
    except KeyInvalid:
        raise
    except Exception:  # noqa: BLE001  # as above; nothing of the parser's words, which may quote the file
        raise KeyInvalid("not a PKCS#8 key of a known algorithm, or not its password") from None
    return SecretKey(row.name, seed)


def _find_row(loaded: Any) -> Algorithm:  # noqa: ANN401  # any key the library knows
    curve = getattr(loaded, "curve", None)
    if curve is not None:
        row = _CURVES.get(curve.name)
    else:
        kind = type(loaded).__name__.removesuffix("PublicKey").removesuffix("PrivateKey")
        row = ALGORITHMS.get(kind.replace("MLDSA", "ML-DSA-"))
    if row is None:
        raise KeyInvalid("a key of an algorithm that is not in the table")
    return row


def _spki(key: PublicKey) -> bytes:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  # as above
    from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa, x25519  # noqa: PLC0415

    row = key.algorithm
    if row.scheme == "composite":
        return _spki_head(row, _COMPOSITES[row.name]) + key.raw
    if row.scheme == "bls":
        raise KeyInvalid("a BLS12-381 key has no SubjectPublicKeyInfo")
    if row.scheme == "ecdsa":
        handle: Any = ecdsa.load_point(row, key.raw)
    else:
        module = {"ed25519": ed25519, "x25519": x25519, "mldsa": mldsa}[row.scheme]
        handle = getattr(module, f"{row.name.replace('-', '')}PublicKey").from_public_bytes(key.raw)
    der: bytes = handle.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return der


def _unwrap(data: bytes, label: bytes) -> bytes:
    """Return what one PEM block of a label holds. Raises `KeyInvalid`."""
    from pybase64 import b64decode  # noqa: PLC0415  # as above

    begin, end = b"-----BEGIN " + label + b"-----", b"-----END " + label + b"-----"
    text = data.strip()
    if not text.startswith(begin) or not text.endswith(end):
        raise KeyInvalid(f"expected one PEM block: {label.decode('ascii')}")
    try:
        return b64decode(b"".join(text[len(begin) : -len(end)].split()), validate=True)
    except ValueError:
        raise KeyInvalid("not the base64 of a PEM block") from None


def _spki_head(row: Algorithm, oid: bytes) -> bytes:
    # BIT STRING with no unused bits
    bits = b"\x03" + _length(row.public_len + 1) + b"\0"
    return b"\x30" + _length(len(oid) + len(bits) + row.public_len) + oid + bits


def _pkcs8_head(row: Algorithm, oid: bytes) -> bytes:
    octets = b"\x04" + _length(row.seed_len)
    version = b"\x02\x01\x00"
    return b"\x30" + _length(len(version) + len(oid) + len(octets) + row.seed_len) + version + oid + octets


def _length(count: int) -> bytes:
    """Return a DER length (X.690 section 8.1.3)."""
    if count < 0x80:  # noqa: PLR2004  # the short form
        return bytes((count,))
    octets = count.to_bytes((count.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(octets),)) + octets
