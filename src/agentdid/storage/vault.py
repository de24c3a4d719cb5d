"""Sealing: what is written to disk is unreadable without the passphrase, and unusable in any other place.

A random data key seals every row (XChaCha20-Poly1305, a random 192-bit nonce each time); the passphrase, stretched by
Argon2id, seals the data key. Each row's associated data name its store, table, row and column, so that a row which was
moved, exchanged or rolled into another store does not open.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import ClassVar, Final, Self, final

from nacl import bindings
from nacl.exceptions import CryptoError

from agentdid.codec.strict_json import encode
from agentdid.errors import StoreLocked, StoreTampered
from agentdid.record import Value

_KEY_BYTES: Final = 32
_SALT_BYTES: Final = 16  # crypto_pwhash_SALTBYTES
_NONCE_BYTES: Final = 24  # random nonces of 192 bits do not repeat (ATTACKS O05)
_MIB: Final = 1 << 20
_FORMAT: Final = 1
_MAX_PASSES: Final = 16


@final
class Kdf(Value, frozen=True):
    """What it costs to try one passphrase.

    The default takes 0.35 s on the machine of MEASURED.md; `agentdid doctor` says what it takes here. The floor, one
    pass over 8 MiB (5 ms), is for tests and for passphrases that are random keys; nothing chooses it by itself.

    Attributes:
        passes: Argon2id iterations.
        memory_bytes: Argon2id memory.
    """

    passes: int = 4
    memory_bytes: int = 192 * _MIB

    def __post_init__(self) -> None:
        # a floor, so that a store cannot be made to be cheap by accident; a ceiling, so that a file cannot ask for
        # all the memory there is
        if not 1 <= self.passes <= _MAX_PASSES or not 8 * _MIB <= self.memory_bytes <= 1024 * _MIB:
            message = "Argon2id runs with 1 to 16 passes over 8 MiB to 1 GiB"
            raise ValueError(message)


DEFAULT_KDF: Final = Kdf()
"""A quarter second or more for each guess, on the machines we know (`agentdid doctor` measures it)."""


@final
class VaultHeader(Value, frozen=True):
    """What a store keeps in the open about its sealing.

    Attributes:
        store_id: Random, part of every row's associated data.
        salt: Argon2id's.
        kdf: Argon2id's cost.
        sealed_key: The data key, sealed by the passphrase.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"sealed_key"})

    store_id: bytes
    salt: bytes
    kdf: Kdf
    sealed_key: bytes


@final
class Vault:
    """Seals and opens the rows of one store."""

    __slots__ = ("_index_key", "_key", "_store_id")

    def __init__(self, key: bytes, store_id: bytes) -> None:
        self._key = key
        self._store_id = store_id
        self._index_key = hmac.digest(key, b"agentdid blind index", "sha256")

    @classmethod
    def create(cls, passphrase: bytes, kdf: Kdf | None = None) -> tuple[Self, VaultHeader]:
        """Return a vault with a fresh data key, and the header that opens it again."""
        cost = kdf or DEFAULT_KDF
        store_id, salt, key = (secrets.token_bytes(size) for size in (16, _SALT_BYTES, _KEY_BYTES))
        sealed = _seal(_stretch(passphrase, salt, cost), key, _place(store_id, cost, ("header",)))
        return cls(key, store_id), VaultHeader(store_id, salt, cost, sealed)

    @classmethod
    def open(cls, header: VaultHeader, passphrase: bytes) -> Self:
        """Return the vault of a header.

        Raises:
            StoreLocked: Another passphrase, or a header that was changed: the two cannot be told apart.
        """
        try:
            stretched = _stretch(passphrase, header.salt, header.kdf)
            key = _open(stretched, header.sealed_key, _place(header.store_id, header.kdf, ("header",)))
        except (CryptoError, ValueError, TypeError):
            raise StoreLocked("the passphrase does not open this store") from None
        return cls(key, header.store_id)

    def seal(self, plaintext: bytes, place: tuple[str, ...]) -> bytes:
        """Return the row sealed for its place: table, row, column."""
        return _seal(self._key, plaintext, _place(self._store_id, None, place))

    def unseal(self, sealed: bytes, place: tuple[str, ...]) -> bytes:
        """Return what was sealed for this place.

        Raises:
            StoreTampered: It was changed, or sealed for another place.
        """
        try:
            return _open(self._key, sealed, _place(self._store_id, None, place))
        except (CryptoError, ValueError, TypeError):
            raise StoreTampered(f"a row of {place[0]} was changed or moved") from None

    def index(self, *parts: str) -> bytes:
        """Return a keyed digest by which an equal value can be found without being readable."""
        # any text can be asked for, also such as no row can hold
        raw = [part.encode("utf-8", "surrogatepass") for part in parts]
        return hmac.digest(self._index_key, b"".join(len(each).to_bytes(8, "big") + each for each in raw), "sha256")

    def __repr__(self) -> str:
        return "Vault(key withheld)"


def _stretch(passphrase: bytes, salt: bytes, kdf: Kdf) -> bytes:
    return bindings.crypto_pwhash_alg(
        _KEY_BYTES,
        hashlib.sha256(passphrase).digest(),  # libsodium bounds the length; a digest keeps every passphrase whole
        salt,
        kdf.passes,
        kdf.memory_bytes,
        bindings.crypto_pwhash_ALG_ARGON2ID13,
    )


def _place(store_id: bytes, kdf: Kdf | None, place: tuple[str, ...]) -> bytes:
    cost = [] if kdf is None else [kdf.passes, kdf.memory_bytes]
    return encode([_FORMAT, store_id.hex(), cost, *place])


def _seal(key: bytes, plaintext: bytes, place: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, place, nonce, key)


def _open(key: bytes, sealed: bytes, place: bytes) -> bytes:
    nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(ciphertext, place, nonce, key)
