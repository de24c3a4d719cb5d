"""The signers of one store whose keys live elsewhere: opened when first needed, and closed together."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, final

from agentdid.errors import StoreUnavailable
from agentdid.keystores.reference import open_signer, parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agentdid.keys.public import PublicKey
    from agentdid.keys.secret import Signer
    from agentdid.keystores.pkcs11 import Pkcs11Signer


@final
class Keyring:
    """Finds the signer of a public key. Safe among threads; each process has its own.

    Args:
        signers: Signers that the caller opened, and closes.
        pin: Asked for a token's PIN where its reference has no `pin-source`.
    """

    __slots__ = ("_given", "_lock", "_opened", "_pin")

    def __init__(self, signers: Iterable[Signer] = (), pin: Callable[[], str] | None = None) -> None:
        self._given: dict[PublicKey, Signer] = {each.public: each for each in signers}
        self._opened: dict[PublicKey, Pkcs11Signer] = {}
        self._pin = pin
        self._lock = Lock()

    def find(self, public: PublicKey, reference: str) -> Signer:
        """Return the signer of a key: one that was given, else the one that a PKCS#11 URI names.

        Raises:
            StoreUnavailable: None was given and nothing names one; or the token is not there.
            StoreLocked, KeyInvalid, ExtraMissing, ValueError: As `reference.open_signer`.
        """
        given = self._given.get(public)
        if given is not None:
            return given
        if not reference:
            raise StoreUnavailable("the key lives elsewhere, and its signer was not given")
        with self._lock:
            if public not in self._opened:
                self._opened[public] = open_signer(parse_reference(reference), pin=self._pin, public=public)
            return self._opened[public]

    def make(self, algorithm: str, reference: str) -> PublicKey:
        """Return the public half of a key that is made now, where a reference says.

        Raises:
            StoreUnavailable: A key of that label is there already, or the token is not there.
            StoreLocked, KeyInvalid, ExtraMissing, ValueError: As `reference.open_signer`.
        """
        signer = open_signer(parse_reference(reference), pin=self._pin, make=algorithm)
        with self._lock:
            self._opened[signer.public] = signer
        return signer.public

    def give(self, signer: Signer) -> None:
        """Add a signer that the caller opened, and closes."""
        with self._lock:
            self._given[signer.public] = signer

    def close(self) -> None:
        """Close every token that was opened here."""
        with self._lock:
            opened, self._opened = self._opened, {}
        for each in opened.values():
            each.close()
