"""RFC 7520, RFC 7797 and RFC 8037 examples: what is of our algorithms holds, what is not is refused by its name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.errors import AgentdidError
from agentdid.keys.jwk import decode_jwk
from agentdid.proof.jws import KEYS_OF_ALG, parse_jws
from tests.vectors_dir import vectors
from tests.world import World

RSA = ["4_1.rsa_v15_signature", "4_2.rsa-pss_signature", "4_4.hmac-sha2_integrity_protection"]
JWE = [
    "5_1.key_encryption_using_rsa_v15_and_aes-hmac-sha2", "5_2.key_encryption_using_rsa-oaep_with_aes-gcm",
    "5_3.key_wrap_using_pbes2-aes-keywrap_with-aes-cbc-hmac-sha2",
    "5_4.key_agreement_with_key_wrapping_using_ecdh-es_and_aes-keywrap_with_aes-gcm",
    "5_5.key_agreement_using_ecdh-es_with_aes-cbc-hmac-sha2", "5_6.direct_encryption_using_aes-gcm",
    "5_7.key_wrap_using_aes-gcm_keywrap_with_aes-cbc-hmac-sha2", "5_8.key_wrap_using_aes-keywrap_with_aes-gcm",
    "5_9.compressed_content",
]  # fmt: skip


def example(place: str) -> dict[str, Any]:
    """Return one example."""
    return json.loads((vectors("jose-cookbook") / f"{place}.json").read_text("utf-8"))  # type: ignore[no-any-return]


def code_of(token: str) -> str:
    """Return the code with which a token is refused."""
    with pytest.raises(AgentdidError) as refusal:
        parse_jws(token)
    return refusal.value.code


@pytest.mark.parametrize("place", ["curve25519/jws", "jws/4_3.ecdsa_signature"])
def test_published_signatures(place: str) -> None:
    """RFC 8037 A.4 and RFC 7520 section 4.3: the published key verifies the published signature, where built."""
    case = example(place)
    head, body, tail = case["output"]["compact"].split(".")
    alg = json.loads(decode_base64url(head))["alg"]
    if alg not in KEYS_OF_ALG:
        pytest.skip(f"{alg} is not among the algorithms of tokens")
    public = {name: each for name, each in case["input"]["key"].items() if name != "d"}
    key = decode_jwk(public)
    message = f"{head}.{body}".encode()
    key.verify(decode_base64url(tail), message)
    with pytest.raises(AgentdidError) as refusal:
        key.verify(decode_base64url(tail), message + b"A")

    assert key.algorithm.name in KEYS_OF_ALG[alg]
    assert "signature_invalid" == refusal.value.code


def test_our_signature_is_the_published_one() -> None:
    """RFC 8037 A.4: Ed25519 is deterministic, so we write the same signature."""
    from agentdid.keys.secret import SecretKey  # noqa: PLC0415

    case = example("curve25519/jws")
    secret = SecretKey.from_seed("Ed25519", decode_base64url(case["input"]["key"]["d"]))

    assert case["input"]["key"]["x"] == encode_base64url(secret.public.raw)
    assert case["signing"]["sig"] == encode_base64url(secret.sign(case["signing"]["sig-input"].encode()))


def test_a_payload_that_is_no_json() -> None:
    """RFC 8037 A.4 signs a sentence; here a payload is a JSON object."""
    assert "json_invalid" == code_of(example("curve25519/jws")["output"]["compact"])


@pytest.mark.parametrize("name", RSA)
def test_rsa_and_hmac_are_not_allowed(name: str) -> None:
    """RFC 7520 sections 4.1, 4.2 and 4.4: good signatures of algorithms that no policy allows (C02, B12)."""
    assert "alg_not_allowed" == code_of(example(f"jws/{name}")["output"]["compact"])


def test_a_detached_payload_is_not_taken() -> None:
    """RFC 7520 section 4.5; under HMAC too, so it is refused by its algorithm already."""
    assert "alg_not_allowed" == code_of(example("jws/4_5.signature_with_detached_content")["output"]["compact"])


def test_an_unencoded_payload_is_not_taken() -> None:
    """RFC 7797 section 4: `b64` is critical, and not understood."""
    assert "crit_unsupported" == code_of(example("rfc7797/hmac-sha2_b64_false")["output"]["compact"])


@pytest.mark.parametrize("name", JWE)
def test_encrypted_tokens_are_not_taken(name: str) -> None:
    """RFC 7520 section 5: no key is unwrapped, no password derived from (C20)."""
    assert "alg_not_allowed" == code_of(example(f"jwe/{name}")["output"]["compact"])


@pytest.mark.parametrize("place", ["curve25519/jws", *(f"jws/{name}" for name in RSA)])
@pytest.mark.parametrize("form", ["json", "json_flat"])
def test_json_serializations_are_not_taken(place: str, form: str) -> None:
    """RFC 7515 section 7.2: general and flattened, through the verifier (C11)."""
    report = World().verifier().inspect(example(place)["output"][form], holder=False)

    assert ("malformed", "header_invalid") == (report.outcome, report.code)
