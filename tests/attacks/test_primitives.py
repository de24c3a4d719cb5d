"""ATTACKS layer B and rows S04, S05: keys and signatures that look like others, and dependencies that may not sign."""

from __future__ import annotations

import ast
import re
import tomllib
from typing import TYPE_CHECKING

import pytest

from agentdid.codec.base import encode_base64url, encode_multibase
from agentdid.codec.strict_json import encode
from agentdid.codec.varint import encode_varint
from agentdid.errors import AlgKeyMismatch, AlgNotAllowed, KeyInvalid, Refused, SignatureInvalid
from agentdid.keys import composite, ecdsa
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.jwk import decode_jwk, encode_jwk
from agentdid.keys.multikey import decode_multikey
from agentdid.keys.public import load_public
from agentdid.keys.secret import SecretKey
from agentdid.proof.jws import KEYS_OF_ALG, parse_jws, sign_jws
from agentdid.secure.mechanism import Signature
from tests.vectors_dir import ROOT

if TYPE_CHECKING:
    from pathlib import Path

CURVES = ["P-256", "P-384", "P-521"]
COMPOSITES = ["ML-DSA-44-Ed25519", "ML-DSA-65-Ed25519"]
SIGNING = [name for name, row in ALGORITHMS.items() if row.signs]
SOURCES = sorted((ROOT / "src" / "agentdid").rglob("*.py"))
INFINITY = bytes([0xC0]) + bytes(95)
# x = 2 in Fp2 is on the twist of BLS12-381 and off its prime-order subgroup; found with the library's unchecked reader
OUTSIDE = bytes([0x80]) + bytes(94) + b"\x02"


def signature_of(token: str) -> Signature:
    """Return what a token says, for a key to be held against."""
    jws = parse_jws(token)
    return Signature(
        method_id="did:example:a#b",
        did="did:example:a",
        purpose="authentication",
        suite=jws.header.alg,
        algorithms=KEYS_OF_ALG[jws.header.alg],
        message=jws.signing_input,
        value=jws.signature,
    )


@pytest.mark.parametrize("name", CURVES)
def test_b01_r_and_s_outside_the_order(name: str) -> None:
    """Zero, the order itself and what lies above it are never r or s."""
    key, order, half = SecretKey.generate(name).public, ecdsa.CURVES[name].order, ALGORITHMS[name].signature_len // 2
    for r, s in ((0, 0), (0, 1), (1, 0), (order, order), (order, 1), (1, order), (1, order + 1)):
        with pytest.raises(SignatureInvalid):
            key.verify(r.to_bytes(half, "big") + s.to_bytes(half, "big"), b"")


@pytest.mark.parametrize("name", CURVES)
def test_b02_der_and_other_lengths(name: str) -> None:
    """DER is never read, and lengths are checked first."""
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature  # noqa: PLC0415

    secret = SecretKey.generate(name)
    raw = secret.sign(b"m")
    half = len(raw) // 2
    der = encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))
    for other in (der, raw[:-1], raw + b"\0", b"\0" + raw, raw[1:]):
        with pytest.raises(SignatureInvalid, match="bytes"):
            secret.public.verify(other, b"m")


@pytest.mark.parametrize("name", [*CURVES, "secp256k1"])
def test_b06_points_off_the_curve(name: str) -> None:
    """A coordinate changed, at or over the prime, or short, is no key."""
    row = ALGORITHMS[name]
    length = ecdsa.coordinate_len(row)
    base = {"kty": "EC", "crv": row.crv, "x": encode_base64url(bytes(length - 1) + b"\1")}
    for y in (bytes(length), bytes(length - 1) + b"\1", b"\xff" * length, b"\1" * (length - 1), b"\1" * (length + 1)):
        with pytest.raises(KeyInvalid):
            decode_jwk({**base, "y": encode_base64url(y)})
    with pytest.raises(KeyInvalid):
        load_public(name, b"\2" + b"\xff" * length)


@pytest.mark.parametrize("name", SIGNING)
def test_b08_a_header_never_chooses_the_key(name: str) -> None:
    """Under every alg but the key's own, the key is refused before any mathematics; under its own, the token holds."""
    secret = SecretKey.generate(name)
    own = signature_of(sign_jws({}, {"a": 1}, secret))
    own.check(secret.public)
    for alg in KEYS_OF_ALG:
        if alg not in ALGORITHMS[name].jose:
            token = signature_of(sign_jws({"alg": alg}, {"a": 1}, secret))
            with pytest.raises(AlgKeyMismatch):
                token.check(secret.public)


def test_b08_keys_that_sign_no_token() -> None:
    """Keys for agreement, or for a selective suite, have no JOSE algorithm."""
    for name in ("X25519", "BLS12-381-G2"):
        with pytest.raises(AlgKeyMismatch):
            sign_jws({}, {"a": 1}, SecretKey.generate(name))


@pytest.mark.parametrize("raw", [INFINITY, OUTSIDE, bytes(96), b"\xff" * 96, bytes([0xE0]) + bytes(95)])
def test_b09_bls_keys_outside_the_group(raw: bytes) -> None:
    """Infinity, a point of the curve outside the subgroup of prime order, and what is no point."""
    with pytest.raises(KeyInvalid):
        load_public("BLS12-381-G2", raw)


def test_b09_the_point_outside_is_on_the_curve() -> None:
    """It is the subgroup check that refuses it."""
    from py_arkworks_bls12381 import G2Point  # noqa: PLC0415

    point = G2Point.from_compressed_bytes_unchecked(OUTSIDE)

    assert not point.is_in_subgroup()
    assert bytes(point.to_compressed_bytes()) == OUTSIDE


@pytest.mark.parametrize("alg", ["none", "HS256", "RS1", "RS256", "PS512", "RSA1_5", "ES256 ", "es256", "ES224", "MD5"])
def test_b12_algorithms_that_are_never_allowed(alg: str) -> None:
    """RSA, MACs, SHA-1 and other spellings stop at the header."""
    head = encode_base64url(encode({"alg": alg}))
    with pytest.raises(AlgNotAllowed):
        parse_jws(f"{head}.e30.AA")


def test_b12_no_weak_hash_in_the_table() -> None:
    """ECDSA hashes with SHA-2 of its curve's strength, and the source names neither SHA-1 nor MD5 nor RSA."""
    assert {"sha256", "sha384", "sha512"} == {row.hash for row in ALGORITHMS.values() if row.hash}
    assert [] == [
        str(path) for path in SOURCES if re.search(r"hashlib\.(sha1|md5)|SHA1\(|MD5\(|\brsa\b", path.read_text())
    ]


@pytest.mark.parametrize("name", [name for name, row in ALGORITHMS.items() if row.multicodec is not None])
def test_b16_a_prefix_never_names_a_key_of_another_length(name: str) -> None:
    """One byte more, one less, none, or a key of another kind behind the code."""
    row = ALGORITHMS[name]
    assert row.multicodec is not None
    lengths = {row.public_len - 1, row.public_len + 1, 0} | {other.public_len for other in ALGORITHMS.values()}
    for length in lengths - {row.public_len}:
        text = encode_multibase(encode_varint(row.multicodec) + b"\2" * length, row.multibase)
        with pytest.raises(KeyInvalid):
            decode_multikey(text)


def test_b17_no_pure_python_curves_among_the_dependencies() -> None:
    """python-ecdsa, py_ecc and their like leak through time: none is required, and the source imports none."""
    forbidden = {"ecdsa", "py_ecc", "py-ecc", "fastecdsa", "starkbank", "dilithium", "dilithium_py", "rsa", "Crypto"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = [
        *project["dependencies"],
        *(each for some in project["optional-dependencies"].values() for each in some),
    ]
    names = {re.split(r"[\[<>=; ]", each)[0] for each in required}
    imported = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.partition(".")[0])

    assert set() == forbidden & names
    assert set() == forbidden & imported


def _suspects(path: Path) -> list[str]:
    """Return comparisons of a secret-looking name with `==` or `!=`."""
    secret = re.compile(
        r"^(_?secret|_?seed|mac|tag|pin|password|passphrase|challenge|response_code|.*_secret|.*_mac|.*_nonce|nonce)$"
    )
    cbor = {"value.tag == _CWT", "value.tag == _SIGN1"}  # the number of a CBOR tag
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Compare) and any(isinstance(each, ast.Eq | ast.NotEq) for each in node.ops):
            if any(isinstance(side, ast.Constant) for side in (node.left, *node.comparators)):
                continue  # "" tells nothing of a secret
            for side in (node.left, *node.comparators):
                name = side.attr if isinstance(side, ast.Attribute) else side.id if isinstance(side, ast.Name) else ""
                # `table.c.nonce == …` writes SQL and compares nothing
                if secret.match(name) and ".c." not in ast.unparse(side) and ast.unparse(node) not in cbor:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}")
    return found


def test_b18_secrets_are_compared_in_constant_time() -> None:
    """No name of a secret, MAC or nonce stands beside == or !=; those comparisons are hmac.compare_digest's."""
    assert [] == [each for path in SOURCES for each in _suspects(path)]


@pytest.mark.parametrize("name", COMPOSITES)
def test_s05_trailing_bytes_after_a_composite_signature(name: str) -> None:
    """Only the exact length is read."""
    secret = SecretKey.generate(name)
    signature = secret.sign(b"m")
    for other in (signature + b"\0", signature + signature, signature[:-1], signature[:2420], signature[-64:]):
        with pytest.raises(SignatureInvalid, match="bytes"):
            secret.public.verify(other, b"m")


@pytest.mark.parametrize("name", COMPOSITES)
def test_s08_neither_half_stands_for_the_other(name: str) -> None:
    """A signature whose one half is of another message, or another key, is none."""
    secret, other = SecretKey.generate(name), SecretKey.generate(name)
    good, wrong, foreign = secret.sign(b"m"), secret.sign(b"n"), other.sign(b"m")
    for mixed in (
        good[:-64] + wrong[-64:],
        wrong[:-64] + good[-64:],
        foreign[:-64] + good[-64:],
        good[:-64] + foreign[-64:],
    ):
        with pytest.raises(SignatureInvalid, match="match"):
            secret.public.verify(mixed, b"m")


@pytest.mark.parametrize("name", COMPOSITES)
def test_a_component_signs_nothing_outside(name: str) -> None:
    """Half a composite signature is no signature of the component key, nor the other way round."""
    secret = SecretKey.generate(name)
    post_quantum, classical = composite.components(secret.public)
    signature = secret.sign(b"m")
    for part, value in ((post_quantum, signature[:-64]), (classical, signature[-64:])):
        with pytest.raises(SignatureInvalid):
            part.verify(value, b"m")
    seed = secret.export_seed()
    alone = SecretKey.from_seed(post_quantum.algorithm.name, seed[:32]).sign(b"m") + SecretKey.from_seed(
        "Ed25519", seed[32:]
    ).sign(b"m")
    with pytest.raises(SignatureInvalid):
        secret.public.verify(alone, b"m")


def test_component_keys_stay_inside_their_composite() -> None:
    """A set that lists a component beside the composite, or in two composites, is refused; others are not."""
    seeds = bytes(range(64))
    first = SecretKey.from_seed("ML-DSA-44-Ed25519", seeds).public
    second = SecretKey.from_seed("ML-DSA-65-Ed25519", seeds).public  # the same Ed25519 key
    stranger = SecretKey.generate().public
    composite.check_separate([first, first, stranger])
    for keys in ([first, second], *([first, part] for part in composite.components(first))):
        with pytest.raises(KeyInvalid):
            composite.check_separate(keys)
    assert () == composite.components(stranger)


def test_a_composite_key_with_a_bad_half_is_refused() -> None:
    """The Ed25519 half is held to the rules of its own kind."""
    raw = SecretKey.generate("ML-DSA-44-Ed25519").public.raw
    with pytest.raises(KeyInvalid):
        load_public("ML-DSA-44-Ed25519", raw[:-32] + b"\1" + bytes(31))


def test_a_missing_extra_names_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `bbs` a BLS key is refused, with what to install; nothing else changes."""
    import sys  # noqa: PLC0415

    raw = SecretKey.generate("BLS12-381-G2").public.raw
    load_public.__globals__["_load"].cache_clear()
    monkeypatch.setitem(sys.modules, "py_arkworks_bls12381", None)
    with pytest.raises(Refused, match=r"agentdid\[bbs\]") as caught:
        load_public("BLS12-381-G2", raw)

    assert "extra_missing" == caught.value.code
    assert encode_jwk(SecretKey.generate().public)["crv"] == "Ed25519"
