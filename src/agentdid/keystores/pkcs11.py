"""Keys in a PKCS#11 token (extra `pkcs11`): a hardware security module, a smart card, SoftHSM.

* The token signs; digests are made here, so that `CKM_ECDSA` and `CKM_EDDSA` are all it needs to know (PKCS #11 v3.1
  sections 6.3.12 and 6.3.16).
* Each signature is put into our one form and verified before it leaves: what a token answers that is no signature of
  the message never reaches a credential.
* A session holds one operation at a time, so signing is serialized; a session that was lost is opened anew, once.
* Sessions do not survive `fork`: a process opens its own token.
"""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Self, final

from agentdid.errors import ExtraMissing, KeyInvalid, StoreLocked, StoreUnavailable
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.public import load_public
from agentdid.keystores.answer import check_answer, hash_message

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from agentdid.keys.algorithms import Algorithm
    from agentdid.keys.public import PublicKey

# CKA_EC_PARAMS: the DER object identifier of the curve (RFC 5480 section 2.1.1.1, RFC 8410 section 3)
_PARAMETERS: Final = {
    "P-256": bytes.fromhex("06082a8648ce3d030107"),
    "P-384": bytes.fromhex("06052b81040022"),
    "P-521": bytes.fromhex("06052b81040023"),
    "Ed25519": bytes.fromhex("06032b6570"),
}
_NAMES: Final = {der: name for name, der in _PARAMETERS.items()}
# PKCS #11 v3.0 let tokens name the curve by its PrintableString
_NAMES_TOO: Final = {b"\x13\x0cedwards25519": "Ed25519"}
_OCTET_STRING: Final = 0x04
_LONG_FORM: Final = 0x80
_ID_BYTES: Final = 16


@final
class Pkcs11Token:
    """An open token. Use it as a context manager, or `close` it."""

    def __init__(self, module: str, label: str, pin: Callable[[], str]) -> None:
        self._library = _library()
        self._module, self._label, self._pin = module, label, pin
        self._lock = Lock()
        self._session: Any = None  # of an extra

    @classmethod
    def open(cls, module: str, *, label: str, pin: str | Callable[[], str]) -> Self:
        """Return the token of a label, logged in.

        Args:
            module: The path of the token's PKCS#11 library.
            label: The token's label.
            pin: The user's PIN, or what asks for it; asked again only when a lost session is opened anew.

        Raises:
            ExtraMissing: The extra `pkcs11` is not installed.
            StoreLocked: The PIN is wrong, expired or locked.
            StoreUnavailable: No such library or token.
        """
        token = cls(module, label, pin if callable(pin) else lambda: pin)
        with token._lock:
            token._open()
        return token

    def generate(self, algorithm: str, *, label: str) -> Pkcs11Signer:
        """Return a fresh key that is made in the token and never leaves it.

        Args:
            algorithm: `Ed25519`, `P-256`, `P-384` or `P-521`.
            label: Of the key; one that is in use is refused.

        Raises:
            KeyInvalid: Another algorithm.
            StoreUnavailable: The token cannot, or holds a key of that label.
        """
        parameters = _PARAMETERS.get(algorithm)
        if parameters is None:
            raise KeyInvalid(f"a token makes keys of {', '.join(_PARAMETERS)}")
        p11 = self._library
        edwards = algorithm == "Ed25519"
        kind = p11.KeyType.EC_EDWARDS if edwards else p11.KeyType.EC
        pair = p11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN if edwards else p11.Mechanism.EC_KEY_PAIR_GEN

        def make(session: Any) -> None:  # noqa: ANN401  # of an extra
            if list(
                session.get_objects({p11.Attribute.CLASS: p11.ObjectClass.PRIVATE_KEY, p11.Attribute.LABEL: label})
            ):
                raise StoreUnavailable("the token holds a key of that label")
            domain = session.create_domain_parameters(kind, {p11.Attribute.EC_PARAMS: parameters}, local=True)
            never_leaves = {p11.Attribute.SENSITIVE: True, p11.Attribute.EXTRACTABLE: False}
            domain.generate_keypair(
                mechanism=pair, store=True, label=label, id=os.urandom(_ID_BYTES), private_template=never_leaves
            )

        self.run(make)
        return self.signer(label=label)

    def signer(self, *, label: str | None = None, key_id: bytes | None = None) -> Pkcs11Signer:
        """Return the signer of the one private key with that label or id (`CKA_LABEL`, `CKA_ID`).

        Raises:
            ValueError: Neither was given.
            KeyInvalid: A key of an algorithm that is not ours.
            StoreUnavailable: None, several, or no public key beside it.
        """
        if label is None and key_id is None:
            message = "a key is named by its label or its id"
            raise ValueError(message)
        public = self.run(lambda session: self._public(session, self._private(session, label, key_id)))
        return Pkcs11Signer(self, public, lambda session: self._private(session, label, key_id))

    def run(self, act: Callable[[Any], Any]) -> Any:  # noqa: ANN401  # whatever the act returns
        """Return what an act on the session returns, alone on it; a lost session is opened anew, once.

        Raises:
            StoreUnavailable: The token refuses, or is gone.
        """
        failures = self._library.exceptions
        lost = (
            failures.SessionClosed,
            failures.SessionHandleInvalid,
            failures.KeyHandleInvalid,
            failures.ObjectHandleInvalid,
            failures.UserNotLoggedIn,
            failures.DeviceRemoved,
            failures.TokenNotPresent,
        )
        with self._lock:
            if self._session is None:
                raise StoreUnavailable("the token was closed")
            try:
                try:
                    return act(self._session)
                except lost:
                    self._drop()
                    self._open()
                    return act(self._session)
            except failures.PKCS11Error as error:
                raise StoreUnavailable(f"the token refused ({type(error).__name__})") from error

    def close(self) -> None:
        """Log out. A closed token stays closed."""
        with self._lock:
            self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Pkcs11Token({self._label!r})"

    def _open(self) -> None:
        failures = self._library.exceptions
        try:
            token = self._library.lib(self._module).get_token(token_label=self._label)
            try:
                self._session = token.open(user_pin=self._pin(), rw=True)
            except failures.UserAlreadyLoggedIn:  # by another session of this process
                self._session = token.open(rw=True)
        except (
            failures.PinIncorrect,
            failures.PinInvalid,
            failures.PinLenRange,
            failures.PinExpired,
            failures.PinLocked,
        ):
            raise StoreLocked("the PIN does not open the token") from None
        except (failures.PKCS11Error, RuntimeError, OSError) as error:
            raise StoreUnavailable(f"the token cannot be opened ({type(error).__name__})") from error

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            try:
                session.close()
            except self._library.exceptions.PKCS11Error:
                return  # it was lost already

    def _private(self, session: Any, label: str | None, key_id: bytes | None) -> Any:  # noqa: ANN401  # of an extra
        p11 = self._library
        found = list(session.get_objects(self._search(p11.ObjectClass.PRIVATE_KEY, label, key_id)))
        if len(found) != 1:
            raise StoreUnavailable(f"expected one private key of that label and id, found {len(found)}")
        return found[0]

    def _public(self, session: Any, private: Any) -> PublicKey:  # noqa: ANN401  # of an extra
        p11 = self._library
        key_id = private[p11.Attribute.ID]
        found = list(
            session.get_objects(self._search(p11.ObjectClass.PUBLIC_KEY, None if key_id else private.label, key_id))
        )
        if len(found) != 1:
            raise StoreUnavailable(f"expected one public key beside the private one, found {len(found)}")
        parameters = bytes(found[0][p11.Attribute.EC_PARAMS])
        name = _NAMES.get(parameters) or _NAMES_TOO.get(parameters)
        if name is None:
            raise KeyInvalid("the token's key is of a curve that is not ours")
        return _load_point(ALGORITHMS[name], bytes(found[0][p11.Attribute.EC_POINT]))

    def _search(self, kind: Any, label: str | None, key_id: bytes | None) -> dict[Any, Any]:  # noqa: ANN401  # of an extra
        wanted = {self._library.Attribute.CLASS: kind}
        if label is not None:
            wanted[self._library.Attribute.LABEL] = label
        if key_id:
            wanted[self._library.Attribute.ID] = key_id
        return wanted


@final
class Pkcs11Signer:
    """A key in a token, as a `keys.secret.Signer`. Safe among threads."""

    __slots__ = ("_find", "_held", "_token", "public")

    def __init__(self, token: Pkcs11Token, public: PublicKey, find: Callable[[Any], Any]) -> None:
        self._token = token
        self._find = find
        self._held: tuple[Any, Any] = (None, None)  # a session, and the key's handle in it
        self.public = public

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message, in the one form of the key's algorithm, verified.

        Raises:
            StoreUnavailable: The token refuses, is gone, or answers what is no signature of the message.
        """
        row = self.public.algorithm
        mechanism = self._token._library.Mechanism  # noqa: SLF001  # two halves of one thing
        kind = mechanism.EDDSA if row.hash is None else mechanism.ECDSA
        payload = message if row.hash is None else hash_message(row, message)
        answer = self._token.run(lambda session: self._handle(session).sign(payload, mechanism=kind))
        return check_answer(self.public, message, bytes(answer), "raw")

    def close(self) -> None:
        """Close the token that the key is in, and with it every signer of it."""
        self._token.close()

    def _handle(self, session: Any) -> Any:  # noqa: ANN401  # of an extra
        if self._held[0] is not session:
            self._held = (session, self._find(session))
        return self._held[1]

    def __repr__(self) -> str:
        return f"Pkcs11Signer({self._token!r}, {self.public!r})"


def _load_point(row: Algorithm, value: bytes) -> PublicKey:
    """Return the key of `CKA_EC_POINT`: a DER OCTET STRING by the standard, bare bytes in some tokens."""
    from agentdid.keys import ecdsa  # noqa: PLC0415  # cryptography, which Ed25519 does not need

    bare = {row.public_len} if row.hash is None else {2 * ecdsa.coordinate_len(row) + 1, row.public_len}
    if len(value) not in bare:
        skip = 2 if value[1:2] < bytes((_LONG_FORM,)) else 3
        if value[:1] != bytes((_OCTET_STRING,)) or len(value) - skip not in bare:
            raise KeyInvalid(f"the token's point is none of {row.name}")
        value = value[skip:]
    return load_public(row.name, value if row.hash is None else ecdsa.compress(ecdsa.load_point(row, value)))


def _library() -> ModuleType:
    try:
        import pkcs11  # noqa: PLC0415  # an extra
        import pkcs11.exceptions  # noqa: PLC0415
    except ModuleNotFoundError:
        raise ExtraMissing("PKCS#11 tokens need the extra pkcs11: pip install 'agentdid[pkcs11]'") from None
    return pkcs11
