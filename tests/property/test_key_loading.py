"""Whatever bytes come, loading a key gives a key in its one form or `key_invalid`."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agentdid.errors import EncodingInvalid, InputTooLarge, KeyInvalid, SignatureInvalid
from agentdid.keys.algorithms import ALGORITHMS, BY_JWK
from agentdid.keys.jwk import decode_jwk, decode_secret_jwk, encode_jwk
from agentdid.keys.multikey import decode_multikey, decode_secret_multikey, encode_multikey
from agentdid.keys.pem import decode_public_pem, decode_secret_pem
from agentdid.keys.public import load_public
from agentdid.keys.secret import SecretKey
from tests.profiles import examples

NAMES = st.sampled_from(list(ALGORITHMS))
HEX = st.binary(max_size=200)
PRIMES = [2**255 - 19, 2**256 - 2**224 + 2**192 + 2**96 - 1, 2**256 - 2**32 - 977]


@st.composite
def keys(draw: st.DrawFn, length: str) -> tuple[str, bytes]:
    """Draw an algorithm, and bytes of its length or near it."""
    name = draw(NAMES)
    exact = getattr(ALGORITHMS[name], length)
    size = exact if draw(st.integers(0, 3)) else max(0, exact + draw(st.integers(-2, 2)))
    raw = draw(st.binary(min_size=size, max_size=size)) if size < 200 else draw(st.randoms()).randbytes(size)
    return name, raw


@given(keys("public_len"))
def test_public_bytes(drawn: tuple[str, bytes]) -> None:
    """What loads is in its one form: its Multikey and JWK lead back to it, and a random signature is refused."""
    name, raw = drawn
    with contextlib.suppress(KeyInvalid):
        key = load_public(name, raw)
        assert raw == key.raw
        assert key == decode_jwk(encode_jwk(key))
        if key.algorithm.multicodec is not None:
            assert key == decode_multikey(encode_multikey(key))
        if key.algorithm.verifies:
            with contextlib.suppress(SignatureInvalid):
                key.verify(bytes(key.algorithm.signature_len), b"")
                raise AssertionError


@given(keys("seed_len"))
def test_secret_bytes(drawn: tuple[str, bytes]) -> None:
    """What loads is the seed that leaves again."""
    name, seed = drawn
    with contextlib.suppress(KeyInvalid):
        assert seed == SecretKey.from_seed(name, seed).export_seed()


@given(
    st.text(max_size=400) | st.sampled_from("zum").flatmap(lambda base: st.from_regex(rf"{base}[A-Za-z0-9_-]{{0,90}}"))
)
def test_multikey_text(text: str) -> None:
    """Any text is a key or malformed."""
    for decode in (decode_multikey, decode_secret_multikey):
        with contextlib.suppress(KeyInvalid, EncodingInvalid):
            decode(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20), lambda each: st.lists(each, max_size=2)
)
MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "kty": st.sampled_from(["OKP", "EC", "AKP", "RSA"]) | JSON,
        "crv": st.sampled_from([crv for _, crv in BY_JWK]) | JSON,
        "alg": st.sampled_from([*ALGORITHMS, "ES256", "EdDSA", "none"]) | JSON,
        "x": st.text("AEIMQUYcgkosw048", min_size=42, max_size=44) | JSON,
        "y": st.text("AEIMQUYcgkosw048", min_size=42, max_size=44) | JSON,
        "pub": st.text("AQgw", max_size=60) | JSON,
        "d": st.text("AEIMQUYcgkosw048", min_size=43, max_size=43) | JSON,
        "priv": JSON,
    },
)


@given(MEMBERS | JSON)
@settings(max_examples=examples(300))
def test_jwk_values(jwk: Any) -> None:  # noqa: ANN401  # any JSON
    """Any JSON is a key or malformed."""
    for decode in (decode_jwk, decode_secret_jwk):
        with contextlib.suppress(KeyInvalid, EncodingInvalid):
            decode(jwk)


@given(HEX | HEX.map(lambda body: b"-----BEGIN PUBLIC KEY-----\n" + body + b"\n-----END PUBLIC KEY-----\n")
       | HEX.map(lambda body: b"-----BEGIN PRIVATE KEY-----\n" + body + b"\n-----END PRIVATE KEY-----\n"))  # fmt: skip
def test_files(data: bytes) -> None:
    """Any file is a key or malformed."""
    for decode in (decode_public_pem, decode_secret_pem):
        with contextlib.suppress(KeyInvalid):
            decode(data)


@given(st.integers(0, 40), st.sampled_from(PRIMES), st.sampled_from([0, 1 << 255]))
def test_coordinates_near_the_prime(above: int, prime: int, bit: int) -> None:
    """A coordinate at or over its prime is another spelling, on every 32-byte curve."""
    number = min(prime + above, 2**255 - 1 if prime == PRIMES[0] else 2**256 - 1)
    for name in ("Ed25519", "X25519"):
        if prime == PRIMES[0]:
            with contextlib.suppress(KeyInvalid):
                load_public(name, (number | bit).to_bytes(32, "little"))
                raise AssertionError
    for name, own in (("P-256", PRIMES[1]), ("secp256k1", PRIMES[2])):
        if prime == own:
            with contextlib.suppress(KeyInvalid):
                load_public(name, b"\2" + number.to_bytes(32, "big"))
                raise AssertionError


def test_long_texts_are_refused_before_they_are_worked_on() -> None:
    """base58 grows with the square of its length."""
    with contextlib.suppress(InputTooLarge):
        decode_multikey("z" + "2" * 20_000)
        raise AssertionError
