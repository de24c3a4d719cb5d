"""Keys in a key service of a cloud: what a service must do, and signers over it, synchronous or not.

A service is reached through a `RemoteKey` (or an `AsyncRemoteKey`), which says what it wants to be sent and what it
sends back; everything else is here, so that an adapter is a dozen lines. `AwsKmsKey` is the worked example, and
docs/keystores.md tells what the other services need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, Self, final

from agentdid.errors import AgentdidError, KeyInvalid, StoreUnavailable
from agentdid.keys.pem import decode_public_pem
from agentdid.keystores.answer import Form, Payload, build_payload, check_answer

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from agentdid.keys.public import PublicKey


class RemoteKey(Protocol):
    """One key of a service, for blocking callers.

    Attributes:
        payload: What `sign` is given.
        form: What `sign` gives back for an elliptic curve; other algorithms have one form.
    """

    @property
    def payload(self) -> Payload:
        """`message`, `digest` or `mu`."""
        ...

    @property
    def form(self) -> Form:
        """`raw` (r || s) or `der`."""
        ...

    def fetch_public(self) -> bytes:
        """Return the key's SubjectPublicKeyInfo, PEM or DER."""
        ...

    def sign(self, payload: bytes) -> bytes:
        """Return the signature of a payload. Whatever it raises means that nothing was signed."""
        ...


class AsyncRemoteKey(Protocol):
    """One key of a service, for callers on an event loop; otherwise as `RemoteKey`."""

    @property
    def payload(self) -> Payload:
        """`message`, `digest` or `mu`."""
        ...

    @property
    def form(self) -> Form:
        """`raw` (r || s) or `der`."""
        ...

    async def fetch_public(self) -> bytes:
        """Return the key's SubjectPublicKeyInfo, PEM or DER."""
        ...

    async def sign(self, payload: bytes) -> bytes:
        """Return the signature of a payload. Whatever it raises means that nothing was signed."""
        ...


@final
class KmsSigner:
    """A key of a service, as a `keys.secret.Signer`. Safe among threads where its `RemoteKey` is."""

    __slots__ = ("_key", "public")

    def __init__(self, key: RemoteKey) -> None:
        """Fetch the public key.

        Raises:
            KeyInvalid: The service has a key of an algorithm that is not ours.
            StoreUnavailable: It did not answer.
            ValueError: A payload that the key's algorithm does not sign.
        """
        self._key = key
        try:
            spki = key.fetch_public()
        except Exception as error:
            raise _unavailable(error) from error
        self.public = _load(spki, key.payload)

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message, in the one form of the key's algorithm, verified.

        Raises:
            StoreUnavailable: The service did not sign, or answered what is no signature of the message.
        """
        payload = build_payload(self.public, message, self._key.payload)
        try:
            answer = self._key.sign(payload)
        except Exception as error:
            raise _unavailable(error) from error
        return check_answer(self.public, message, answer, self._key.form)


@final
class AsyncKmsSigner:
    """A key of a service whose client lives on an event loop: `await signer.sign(message)`."""

    __slots__ = ("_key", "public")

    def __init__(self, key: AsyncRemoteKey, public: PublicKey) -> None:
        self._key = key
        self.public = public

    @classmethod
    async def open(cls, key: AsyncRemoteKey) -> Self:
        """Return the signer of a key, its public half fetched. Raises as `KmsSigner`."""
        try:
            spki = await key.fetch_public()
        except Exception as error:
            raise _unavailable(error) from error
        return cls(key, _load(spki, key.payload))

    async def sign(self, message: bytes) -> bytes:
        """Return the signature of a message. Raises as `KmsSigner.sign`."""
        payload = build_payload(self.public, message, self._key.payload)
        try:
            answer = await self._key.sign(payload)
        except Exception as error:
            raise _unavailable(error) from error
        return check_answer(self.public, message, answer, self._key.form)

    def blocking(self, loop: AbstractEventLoop, timeout_s: float = 10.0) -> BlockingSigner:
        """Return a `keys.secret.Signer` for other threads than the loop's own.

        Args:
            loop: The running loop that the client belongs to.
            timeout_s: How long a thread waits for a signature.
        """
        return BlockingSigner(self, loop, timeout_s)


@final
class BlockingSigner:
    """An `AsyncKmsSigner` for code that does not await: it runs on its loop while a worker thread waits."""

    __slots__ = ("_loop", "_signer", "_timeout_s", "public")

    def __init__(self, signer: AsyncKmsSigner, loop: AbstractEventLoop, timeout_s: float) -> None:
        self._signer = signer
        self._loop = loop
        self._timeout_s = timeout_s
        self.public = signer.public

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message.

        Raises:
            StoreUnavailable: As `KmsSigner.sign`, or it took too long.
            RuntimeError: Called on the loop itself, which would then wait for itself.
        """
        from asyncio import get_running_loop, run_coroutine_threadsafe  # noqa: PLC0415  # only who runs a loop pays

        try:
            here = get_running_loop()
        except RuntimeError:
            here = None
        if here is self._loop:
            message_ = "await the AsyncKmsSigner on its own loop"
            raise RuntimeError(message_)
        waiting = run_coroutine_threadsafe(self._signer.sign(message), self._loop)
        try:
            return waiting.result(self._timeout_s)
        except TimeoutError:
            waiting.cancel()
            raise StoreUnavailable(f"the key service did not sign within {self._timeout_s} s") from None


# AWS KMS developer guide, "Key spec reference": algorithm → payload, its name as MessageType, signing algorithm
_AWS: Final[dict[str, tuple[Payload, str, str]]] = {
    "P-256": ("digest", "DIGEST", "ECDSA_SHA_256"),
    "P-384": ("digest", "DIGEST", "ECDSA_SHA_384"),
    "P-521": ("digest", "DIGEST", "ECDSA_SHA_512"),
    "Ed25519": ("message", "RAW", "ED25519_SHA_512"),  # at most 4,096 bytes
    "ML-DSA-44": ("mu", "EXTERNAL_MU", "ML_DSA_SHAKE_256"),
    "ML-DSA-65": ("mu", "EXTERNAL_MU", "ML_DSA_SHAKE_256"),
    "ML-DSA-87": ("mu", "EXTERNAL_MU", "ML_DSA_SHAKE_256"),
}


@final
class AwsKmsKey:
    """A key of AWS KMS, over a client of the caller's: ``KmsSigner(AwsKmsKey(boto3.client("kms"), "alias/issuer"))``.

    This package does not need boto3: whoever has such keys has it, with the credentials, region, retries and time
    limits of their choice.
    """

    form: Final[Form] = "der"

    def __init__(self, client: Any, key_id: str) -> None:  # noqa: ANN401  # made from data when boto3 runs
        """Ask the service for the key's public half, which decides what it will be sent.

        Args:
            client: `boto3.client("kms")`.
            key_id: Its id, ARN or alias.

        Raises:
            KeyInvalid: A key of an algorithm that is not ours.
            StoreUnavailable: The service did not answer.
        """
        self._client = client
        self._key_id = key_id
        try:
            self._spki = bytes(client.get_public_key(KeyId=key_id)["PublicKey"])
        except Exception as error:
            raise _unavailable(error) from error
        name = decode_public_pem(self._spki).algorithm.name
        if name not in _AWS:
            raise KeyInvalid(f"nothing here signs with a key of {name}")
        self.payload, self._kind, self._algorithm = _AWS[name]

    def fetch_public(self) -> bytes:
        """Return the DER that the service gave."""
        return self._spki

    def sign(self, payload: bytes) -> bytes:
        """Return what `Sign` answers."""
        answer = self._client.sign(
            KeyId=self._key_id, Message=payload, MessageType=self._kind, SigningAlgorithm=self._algorithm
        )
        return bytes(answer["Signature"])


def _load(spki: bytes, payload: Payload) -> PublicKey:
    public = decode_public_pem(spki)
    if not public.algorithm.verifies:
        raise KeyInvalid(f"a key of {public.algorithm.name} signs nothing")
    build_payload(public, b"", payload)  # a payload that it does not sign is found now, not at the first signature
    return public


def _unavailable(error: Exception) -> Exception:
    # the client's words may hold an account or an address: they stay in the chain of causes
    return (
        error
        if isinstance(error, AgentdidError)
        else StoreUnavailable(f"the key service did not answer ({type(error).__name__})")
    )
