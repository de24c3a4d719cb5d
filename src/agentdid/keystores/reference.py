"""Where a signing key lives, written as a PKCS#11 URI (RFC 7512): what a store keeps in place of the key.

`pkcs11:token=agentdid;object=issuer-2026?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=/run/secrets/pin`

* A token and a key are named by their labels (`token`, `object`), the key also by its `id`; the library by its path.
* The PIN comes from the file that `pin-source` names, or from whoever is asked. `pin-value` is refused: a secret in a
  URI ends in a log, a process list or a shell's history (ATTACKS R10).
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, final
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

from agentdid.errors import KeyInvalid
from agentdid.keystores.pkcs11 import Pkcs11Token
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdid.keys.public import PublicKey
    from agentdid.keystores.pkcs11 import Pkcs11Signer

SCHEME: Final = "pkcs11:"
_KNOWN: Final = frozenset({"token", "object", "id", "type"})
_KNOWN_QUERY: Final = frozenset({"module-path", "pin-source"})
# RFC 7512 §2.3: pk11-pchar and pk11-qchar, percent-encoding included
_VALUE: Final = re.compile(r"(?:[A-Za-z0-9._~:\[\]@!$'()*+,=&/?|-]|%[0-9A-Fa-f]{2})*")
_FILE: Final = "file:"
_SUCCESSOR: Final = re.compile(r"-key-[0-9]+-[0-9a-f]{8}$")


@final
class KeyReference(Value, frozen=True):
    """A key in a PKCS#11 token.

    Attributes:
        uri: As it was written.
        module: The path of the token's library.
        token: The token's label.
        label: The key's label, or `None`.
        key_id: The key's id, or `None`.
        pin_source: The file with the PIN, or `None`: it is asked for.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"uri"})

    uri: str
    module: str
    token: str
    label: str | None
    key_id: bytes | None
    pin_source: str | None


def parse_reference(uri: str) -> KeyReference:
    """Return what a PKCS#11 URI names.

    Raises:
        ValueError: Another scheme, an attribute that is not used here, one that stands twice, no token, no key, no
            library, or a PIN in the URI itself.

    Spec: RFC 7512 section 2.3.
    """
    if not uri.startswith(SCHEME):
        raise ValueError("a key elsewhere is named by a PKCS#11 URI: pkcs11:token=…;object=…?module-path=…")
    path, _, query = uri.removeprefix(SCHEME).partition("?")
    if "pin-value" in query:
        raise ValueError("a PIN does not belong into a URI: use pin-source, or let yourself be asked")
    found = _read(path, ";", _KNOWN)
    asked = _read(query, "&", _KNOWN_QUERY)
    if found.get("type", b"private") != b"private":
        raise ValueError("a key that signs is of type=private")
    if "token" not in found or not {"object", "id"} & found.keys():
        raise ValueError("a PKCS#11 URI here names a token, and a key by object or id")
    if "module-path" not in asked:
        raise ValueError("a PKCS#11 URI here names the token's library: module-path")
    label, source = found.get("object"), asked.get("pin-source")
    return KeyReference(
        uri=uri,
        module=asked["module-path"].decode(),
        token=found["token"].decode(),
        label=None if label is None else label.decode(),
        key_id=found.get("id"),
        pin_source=None if source is None else source.decode().removeprefix(_FILE),
    )


def successor(uri: str, fragment: str) -> str:
    """Return the reference of a key that replaces another one in its token: the same place, a label of its own."""
    path, _, query = uri.removeprefix(SCHEME).partition("?")
    found = _read(path, ";", _KNOWN)
    first = _SUCCESSOR.sub("", found.get("object", b"agentdid").decode())
    label = f"{first}-{fragment}-{secrets.token_hex(4)}"
    named = f"token={quote_from_bytes(found['token'], safe='')};object={quote(label, safe='')}"
    return f"{SCHEME}{named}?{query}"


def open_signer(
    reference: KeyReference,
    *,
    pin: Callable[[], str] | None = None,
    public: PublicKey | None = None,
    make: str | None = None,
) -> Pkcs11Signer:
    """Return the signer that a reference names; closing it closes the token.

    Args:
        reference: From `parse_reference`.
        pin: Asked for the PIN where the reference has no `pin-source`.
        public: Which key it has to be; `None`: whichever is there.
        make: The algorithm of a key that is made now, under the reference's label; `None`: the key is there.

    Raises:
        ExtraMissing: The extra `pkcs11` is not installed.
        KeyInvalid: Another key than `public`, or of an algorithm that is not ours.
        StoreLocked: No PIN, or not the token's.
        StoreUnavailable: No such library, token or key; or one of the label is there, and another is to be made.
        ValueError: A key to be made has no label, or no PIN can be had.
    """
    if make is not None and reference.label is None:
        raise ValueError("a key that is to be made needs a label: object=…")
    token = Pkcs11Token.open(reference.module, label=reference.token, pin=_pin_of(reference, pin))
    try:
        if make is not None:
            signer = token.generate(make, label=str(reference.label))
        else:
            signer = token.signer(label=reference.label, key_id=reference.key_id)
        _check(signer, public)
    except BaseException:
        token.close()
        raise
    return signer


def _check(signer: Pkcs11Signer, public: PublicKey | None) -> None:
    if public is not None and signer.public != public:
        raise KeyInvalid("the key in the token is another one than the store was made with")


def _pin_of(reference: KeyReference, pin: Callable[[], str] | None) -> Callable[[], str]:
    if reference.pin_source is not None:
        source = Path(reference.pin_source)
        return lambda: source.read_text("utf-8").rstrip("\r\n")
    if pin is None:
        raise ValueError("the token's PIN is needed: pin-source in its URI, or pin=…")
    return pin


def _read(text: str, separator: str, known: frozenset[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for each in text.split(separator) if text else ():
        name, mark, value = each.partition("=")
        if not mark or name not in known or name in found or _VALUE.fullmatch(value) is None:
            message = f"expected each of {', '.join(sorted(known))} once at most, percent-encoded, and nothing else"
            raise ValueError(message)
        found[name] = unquote_to_bytes(value)
    return found
