"""Keys in a key service: AWS KMS through its own client, and services of every payload and form."""

from __future__ import annotations

import asyncio
import json
import threading
from base64 import b64decode, b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa, utils, x25519

from agentdid.errors import KeyInvalid, SignatureInvalid, StoreUnavailable
from agentdid.keys import ecdsa
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.secret import SecretKey
from agentdid.keystores.answer import build_payload
from agentdid.keystores.kms import _AWS, AsyncKmsSigner, AwsKmsKey, KmsSigner
from agentdid.proof.jws import parse_jws, sign_jws

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentdid.keystores.answer import Form, Payload

CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
MESSAGES = [b"", b"invoice.read", b"x" * 10_000]
WAYS = [
    *((name, payload, form) for name in CURVES for payload in ("message", "digest") for form in ("raw", "der")),
    ("Ed25519", "message", "raw"),
    *((name, payload, "raw") for name in ("ML-DSA-44", "ML-DSA-65", "ML-DSA-87") for payload in ("message", "mu")),
]


class Service:
    """A key service of its own process's memory: real keys, and each way in which services differ."""

    def __init__(self, name: str, payload: Payload, form: Form) -> None:
        self.row, self.payload, self.form = ALGORITHMS[name], payload, form
        self.failure: Exception | None = None
        self.secret: Any = (
            ec.generate_private_key(CURVES[name])
            if name in CURVES
            else ed25519.Ed25519PrivateKey.generate()
            if name == "Ed25519"
            else getattr(mldsa, name.replace("-", "") + "PrivateKey").generate()
        )

    def fetch_public(self) -> bytes:
        """Return what services call the public key: DER."""
        if self.failure:
            raise self.failure
        spki = serialization.PublicFormat.SubjectPublicKeyInfo
        der: bytes = self.secret.public_key().public_bytes(serialization.Encoding.DER, spki)
        return der

    def sign(self, payload: bytes) -> bytes:
        """Return a signature, in the service's form; an elliptic curve's may have either s."""
        if self.failure:
            raise self.failure
        if self.row.hash is None:
            answer: bytes = self.secret.sign_mu(payload) if self.payload == "mu" else self.secret.sign(payload)
            return answer
        hash_ = getattr(hashes, self.row.hash.upper())()
        der = self.secret.sign(payload, ec.ECDSA(utils.Prehashed(hash_) if self.payload == "digest" else hash_))
        if self.form == "der":
            return der
        half = self.row.signature_len // 2
        return b"".join(each.to_bytes(half, "big") for each in utils.decode_dss_signature(der))


class AsyncService:
    """The same on an event loop."""

    def __init__(self, service: Service, delay_s: float = 0) -> None:
        self.service, self.payload, self.form, self.delay_s = service, service.payload, service.form, delay_s
        self.threads: set[int] = set()

    async def fetch_public(self) -> bytes:
        """Return the public key."""
        await asyncio.sleep(self.delay_s)
        return self.service.fetch_public()

    async def sign(self, payload: bytes) -> bytes:
        """Return a signature."""
        self.threads.add(threading.get_ident())
        await asyncio.sleep(self.delay_s)
        return self.service.sign(payload)


@pytest.mark.parametrize(("name", "payload", "form"), WAYS, ids=lambda value: value)
def test_every_way_gives_the_one_form(name: str, payload: Payload, form: Form) -> None:
    """Digest, message or representative in, DER or r || s out: our signers give what our keys verify."""
    service = Service(name, payload, form)
    signer = KmsSigner(service)
    for message in MESSAGES * 4:
        signature = signer.sign(message)
        signer.public.verify(signature, message)

        assert name == signer.public.algorithm.name
        assert ALGORITHMS[name].signature_len == len(signature)
        if name in CURVES:
            assert signature == ecdsa.normalize_raw(signer.public.algorithm, signature)
    with pytest.raises(SignatureInvalid):
        signer.public.verify(signer.sign(b"m"), b"n")


@pytest.mark.parametrize(
    ("name", "payload"), [("Ed25519", "digest"), ("Ed25519", "mu"), ("P-256", "mu"), ("ML-DSA-44", "digest")]
)
def test_a_payload_that_the_algorithm_does_not_sign(name: str, payload: Payload) -> None:
    """It is found when the signer is made: Ed25519 over a digest would be another algorithm."""
    with pytest.raises(ValueError, match="does not sign"):
        KmsSigner(Service(name, payload, "raw"))


@pytest.mark.parametrize(
    "secret", [rsa.generate_private_key(65537, 2048), x25519.X25519PrivateKey.generate()], ids=["RSA", "X25519"]
)
def test_keys_that_are_no_signing_keys_of_ours(secret: Any) -> None:  # noqa: ANN401  # a key
    """They are refused by their public half."""
    service = Service("P-256", "message", "raw")
    service.secret = secret
    with pytest.raises(KeyInvalid):
        KmsSigner(service)


def test_a_service_that_fails() -> None:
    """Whatever its client raises means that nothing was signed; its words stay in the chain of causes."""
    service = Service("P-256", "digest", "der")
    signer = KmsSigner(service)
    service.failure = ConnectionError("https://kms.example/account-4711")
    for act in (lambda: signer.sign(b"m"), lambda: KmsSigner(service)):
        with pytest.raises(StoreUnavailable) as caught:
            act()

        assert "4711" not in str(caught.value)
        assert caught.value.__cause__ is service.failure


@pytest.mark.parametrize(
    "way", [("P-256", "digest", "der"), ("P-384", "message", "raw"), ("Ed25519", "message", "raw")], ids=str
)
def test_a_service_that_signs_with_another_key(way: tuple[str, Payload, Form]) -> None:
    """The key was rotated behind its name: nothing leaves that does not verify."""
    service = Service(*way)
    signer = KmsSigner(service)
    service.secret = Service(*way).secret
    with pytest.raises(StoreUnavailable, match="no signature"):
        signer.sign(b"m")


def test_a_service_on_an_event_loop() -> None:
    """Awaited on its loop, and from worker threads through `blocking`, while the loop goes on."""

    async def run() -> None:
        service = AsyncService(Service("P-256", "digest", "der"), delay_s=0.001)
        signer = await AsyncKmsSigner.open(service)
        signer.public.verify(await signer.sign(b"m"), b"m")
        waiting = signer.blocking(asyncio.get_running_loop())
        tokens = await asyncio.gather(*(asyncio.to_thread(sign_jws, {}, {"n": n}, waiting) for n in range(8)))
        for token in tokens:
            jws = parse_jws(token)
            signer.public.verify(jws.signature, jws.signing_input)
        assert {threading.get_ident()} == service.threads
        with pytest.raises(RuntimeError, match="await"):
            waiting.sign(b"m")

    asyncio.run(run())


def test_a_thread_does_not_wait_for_ever() -> None:
    """A service that hangs is a store that is unavailable."""

    async def run() -> None:
        signer = await AsyncKmsSigner.open(AsyncService(Service("Ed25519", "message", "raw")))
        signer._key.delay_s = 30  # type: ignore[attr-defined]  # ours
        waiting = signer.blocking(asyncio.get_running_loop(), timeout_s=0.05)
        with pytest.raises(StoreUnavailable, match="within"):
            await asyncio.to_thread(waiting.sign, b"m")

    asyncio.run(run())


def test_failures_on_an_event_loop() -> None:
    """As for blocking callers."""

    async def run() -> None:
        service = Service("P-256", "digest", "der")
        signer = await AsyncKmsSigner.open(AsyncService(service))
        service.failure = OSError("gone")
        with pytest.raises(StoreUnavailable):
            await signer.sign(b"m")
        with pytest.raises(StoreUnavailable):
            await AsyncKmsSigner.open(AsyncService(service))

    asyncio.run(run())


SPECS = {
    "ECC_NIST_P256": "P-256",
    "ECC_NIST_P384": "P-384",
    "ECC_NIST_P521": "P-521",
    "ECC_NIST_EDWARDS25519": "Ed25519",
    "ML_DSA_44": "ML-DSA-44",
    "ML_DSA_65": "ML-DSA-65",
    "ML_DSA_87": "ML-DSA-87",
}


class Aws(BaseHTTPRequestHandler):
    """The two operations of AWS KMS over loopback, as its API reference has them, by services of ours."""

    services: ClassVar[dict[str, Service]] = {}

    def do_POST(self) -> None:  # the name the base class looks for
        """Answer GetPublicKey and Sign."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        service = self.services.get(asked["KeyId"])
        operation = self.headers["X-Amz-Target"].removeprefix("TrentService.")
        if service is None:
            self._answer(400, {"__type": "NotFoundException", "message": "account 4711"})
        elif operation == "GetPublicKey":
            self._answer(200, {"KeyId": asked["KeyId"], "PublicKey": b64encode(service.fetch_public()).decode()})
        else:
            kinds: dict[str, Payload] = {"RAW": "message", "DIGEST": "digest", "EXTERNAL_MU": "mu"}
            service.payload = kinds[asked["MessageType"]]
            value = service.sign(b64decode(asked["Message"]))
            self._answer(200, {"KeyId": asked["KeyId"], "Signature": b64encode(value).decode()})

    def _answer(self, status: int, body: dict[str, str]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def aws() -> Iterator[Any]:
    """A client of AWS KMS, the vendor's own, that speaks to loopback."""
    from boto3 import client  # noqa: PLC0415  # it imports slowly
    from botocore.config import Config  # noqa: PLC0415

    Aws.services = {spec: Service(name, "message", "der") for spec, name in SPECS.items()}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Aws)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made = client(
        "kms", region_name="eu-central-1", endpoint_url=f"http://127.0.0.1:{server.server_port}",
        aws_access_key_id="x", aws_secret_access_key="x", config=Config(retries={"max_attempts": 0}, proxies={}),
    )  # fmt: skip
    yield made
    made.close()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("spec", SPECS)
def test_aws_kms(aws: Any, spec: str) -> None:  # noqa: ANN401  # made from data when boto3 runs
    """The worked example signs tokens with every kind of key that the service and we have."""
    signer = KmsSigner(AwsKmsKey(aws, spec))
    jws = parse_jws(sign_jws({}, {"a": "x" * 900}, signer))
    signer.public.verify(jws.signature, jws.signing_input)

    assert SPECS[spec] == signer.public.algorithm.name
    assert signer.public.algorithm.jose[0] == jws.header.alg


@pytest.mark.parametrize("secret", [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256K1())])
def test_aws_keys_that_do_not_sign_here(aws: Any, secret: Any) -> None:  # noqa: ANN401  # as above
    """RSA, and secp256k1, which only verifies."""
    Aws.services["other"] = Service("P-256", "message", "der")
    Aws.services["other"].secret = secret
    with pytest.raises(KeyInvalid):
        AwsKmsKey(aws, "other")


def test_aws_key_that_is_not_there(aws: Any) -> None:  # noqa: ANN401  # as above
    """The service's refusal is an unavailable store; what it said stays in the chain of causes."""
    with pytest.raises(StoreUnavailable, match="NotFoundException") as caught:
        AwsKmsKey(aws, "nobody")

    assert "4711" not in str(caught.value)
    assert "4711" in str(caught.value.__cause__)


def test_what_is_sent_to_aws_is_in_its_model(aws: Any) -> None:  # noqa: ANN401  # as above
    """Message types and algorithms of every row are words of the vendor's model, and each payload one we can build."""
    shape = aws.meta.service_model.operation_model("Sign").input_shape
    for name, (payload, kind, algorithm) in _AWS.items():
        assert kind in shape.members["MessageType"].enum
        assert algorithm in shape.members["SigningAlgorithm"].enum
        assert build_payload(SecretKey.generate(name).public, b"m", payload)
