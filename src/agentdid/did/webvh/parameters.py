"""What governs a log: the `parameters` that its entries set, and how each follows from the one before.

Spec: did:webvh 1.0, did:webvh DID Method Parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from agentdid.codec.strict_json import MAX_INT
from agentdid.did import key as did_key
from agentdid.did.webvh.hashes import hash_key
from agentdid.errors import AgentdidError, DidLogInvalid, EncodingInvalid, ExtraMissing, KeyInvalid
from agentdid.keys.multikey import decode_multikey
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Callable

METHOD: Final = "did:webvh:1.0"
MAX_KEYS: Final = 256
"""Keys, hashes or witnesses in one parameter: each may cost a hash or a signature check."""
DEFAULT_TTL_S: Final = 3_600
_MAX_TTL_S: Final = 2**31


@final
class WitnessRule(Value, frozen=True, gc=False):
    """Who must approve an entry, and how many of them. No witnesses: nobody must."""

    threshold: int = 0
    witnesses: tuple[str, ...] = ()

    def encode(self) -> dict[str, object]:
        """Return the parameter as it is written."""
        if not self.witnesses:
            return {}
        return {"threshold": self.threshold, "witnesses": [{"id": each} for each in self.witnesses]}


_NOBODY: Final = WitnessRule()


@final
class Parameters(Value, frozen=True, gc=False):
    """The parameters in force after an entry.

    Attributes:
        scid: Of the log.
        update_keys: Multikeys that may sign.
        next_key_hashes: Hashes of the keys that may be rotated to; empty: no pre-rotation.
        witness: Who approves from the next entry on.
        watchers: URLs.
        portable: Whether the DID may move.
        deactivated: Whether it is at its end.
        ttl_s: How long a resolver should hold it.
    """

    scid: str = ""
    update_keys: tuple[str, ...] = ()
    next_key_hashes: tuple[str, ...] = ()
    witness: WitnessRule = _NOBODY
    watchers: tuple[str, ...] = ()
    portable: bool = False
    deactivated: bool = False
    ttl_s: int = DEFAULT_TTL_S


def begin(raw: dict[str, object]) -> Parameters:
    """Return the parameters that a first entry sets. Raises `DidLogInvalid`."""
    for name in ("method", "scid", "updateKeys"):
        if name not in raw:
            raise DidLogInvalid(f"the first entry sets {name}")
    scid = raw["scid"]
    if not isinstance(scid, str):
        raise DidLogInvalid("scid is a string")
    begun = _merge(Parameters(scid=scid), _read(raw))
    if not begun.update_keys:
        raise DidLogInvalid("the first entry names a key that may update")
    return begun


def advance(before: Parameters, raw: dict[str, object]) -> Parameters:
    """Return the parameters after a later entry.

    Raises:
        DidLogInvalid: A parameter that is unknown, of another type, or may not change so.
    """
    if before.next_key_hashes:
        # While pre-rotation is active both are present in every entry, and every new key was committed to.
        for name in ("updateKeys", "nextKeyHashes"):
            if name not in raw:
                raise DidLogInvalid(f"with pre-rotation every entry sets {name}")
    if not raw:
        return before
    if "scid" in raw:
        raise DidLogInvalid("only the first entry sets scid")
    after = _merge(before, _read(raw))
    if after.portable and not before.portable:
        raise DidLogInvalid("only the first entry makes a DID portable")
    if before.next_key_hashes:
        committed = before.next_key_hashes
        for each in after.update_keys:
            if hash_key(each) not in committed:
                raise DidLogInvalid("a key that the entry before did not commit to")
    return after


def _read(raw: dict[str, object]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in raw.items():
        row = _READERS.get(name)
        if row is None:
            raise DidLogInvalid("a parameter that did:webvh 1.0 does not define")
        attribute, read, default = row
        # Early logs wrote null for the default; the specification has resolvers take it so.
        if attribute is None:
            read(value)
        else:
            found[attribute] = default if value is None else read(value)
    return found


def _merge(before: Parameters, found: dict[str, Any]) -> Parameters:
    get = found.get
    return Parameters(
        before.scid,
        get("update_keys", before.update_keys),
        get("next_key_hashes", before.next_key_hashes),
        get("witness", before.witness),
        get("watchers", before.watchers),
        get("portable", before.portable),
        get("deactivated", before.deactivated),
        get("ttl_s", before.ttl_s),
    )


def _strings(value: object) -> tuple[str, ...]:
    if type(value) is not list or len(value) > MAX_KEYS:
        raise DidLogInvalid(f"expected at most {MAX_KEYS} strings")
    for each in value:
        if type(each) is not str:
            raise DidLogInvalid("expected strings")
    return tuple(value)


def _multikeys(value: object) -> tuple[str, ...]:
    """Return Multikeys; one of a kind that is not in our table may stand there, and signs nothing."""
    found = _strings(value)
    for each in found:
        try:
            decode_multikey(each)
        except EncodingInvalid:
            raise DidLogInvalid("expected keys to be Multikeys") from None
        except (KeyInvalid, ExtraMissing):
            continue
    return found


def _flag(value: object) -> bool:
    if type(value) is not bool:
        raise DidLogInvalid("expected true or false")
    return value


def _ttl(value: object) -> int:
    if type(value) is not int or not 0 <= value <= min(_MAX_TTL_S, MAX_INT):
        raise DidLogInvalid("expected seconds from 0 to 2^31")
    return value


def _witness(value: object) -> WitnessRule:
    if type(value) is not dict:
        raise DidLogInvalid("expected an object")
    if not value:
        return _NOBODY
    threshold, listed = value.get("threshold"), value.get("witnesses")
    if not set(value) <= {"threshold", "witnesses"} or type(listed) is not list or not 0 < len(listed) <= MAX_KEYS:
        raise DidLogInvalid("expected a threshold and witnesses, or nothing")
    if type(threshold) is not int or not 1 <= threshold <= len(listed):
        raise DidLogInvalid("a threshold is from 1 to the number of witnesses")
    names = tuple(_witness_did(each) for each in listed)
    if len(set(names)) != len(names):
        raise DidLogInvalid("a witness stands twice")
    return WitnessRule(threshold, names)


def _witness_did(value: object) -> str:
    name = value.get("id") if type(value) is dict else None
    try:
        if type(name) is not str:
            raise DidLogInvalid("a witness has an id")
        # the one spelling of a key, so that one key is not two witnesses (ATTACKS J10)
        (method,) = did_key.resolve(name).methods.values()
        algorithm = method.public_key().algorithm.name
    except (AgentdidError, ValueError):
        raise DidLogInvalid("a witness is a did:key") from None
    if algorithm != "Ed25519":
        raise DidLogInvalid("a witness signs with Ed25519")
    return name


def _method(value: object) -> str:
    if value != METHOD:
        raise DidLogInvalid(f"expected the method {METHOD}")
    return METHOD


def _scid(value: object) -> object:
    return value  # begin and advance look at it


_READERS: Final[dict[str, tuple[str | None, Callable[[object], object], object]]] = {
    # name: attribute, reader, what null stands for
    "method": (None, _method, None),
    "scid": (None, _scid, None),
    "updateKeys": ("update_keys", _multikeys, ()),
    "nextKeyHashes": ("next_key_hashes", _strings, ()),
    "witness": ("witness", _witness, _NOBODY),
    "watchers": ("watchers", _strings, ()),
    "portable": ("portable", _flag, False),
    "deactivated": ("deactivated", _flag, False),
    "ttl": ("ttl_s", _ttl, DEFAULT_TTL_S),
}
