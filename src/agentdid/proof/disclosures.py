"""SD-JWT disclosures (RFC 9901 sections 4.2 and 7.1): salted claims out of, and back into, a payload.

Knows digests and places, not credentials: which places may hide something is for `secure.sd_jwt` to say, from the
`Place` list that comes with every opened payload.
"""

from __future__ import annotations

import hashlib
import os
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, final

from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.codec.strict_json import encode, parse
from agentdid.errors import (
    InputTooLarge,
    JsonTooDeep,
    Malformed,
    SdAlgUnsupported,
    SdClaimCollision,
    SdClaimReserved,
    SdDigestDuplicate,
    SdDisclosureMalformed,
    SdDisclosureUnreferenced,
)
from agentdid.limits import DEFAULT, Limits
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from hashlib import _Hash

# RFC 9901 §9.4 asks for second-preimage resistance; the IANA "Named Information" names.
_HASHES: Final[Mapping[str, Callable[[bytes], _Hash]]] = MappingProxyType(
    {"sha-256": hashlib.sha256, "sha-384": hashlib.sha384, "sha-512": hashlib.sha512}
)
_SALT_BYTES: Final = 16  # RFC 9901 §9.3: 128 bits
_PROPERTY: Final = 3  # salt, name, value
_ELEMENT: Final = 2  # salt, value


@final
class Place(Value, frozen=True, eq=False):
    """One spot where something was hidden.

    Attributes:
        path: Members and indexes to the object or array that held the digest, counted in the opened payload.
        key: The claim's name or the element's index in the opened payload; `None` for all that was not disclosed of
            this object or array.
        in_array: Whether array elements are hidden here.
        encoded: The disclosure, if it was given.
    """

    path: tuple[str | int, ...]
    key: str | int | None
    in_array: bool
    encoded: str | None


def open_payload(payload: dict[str, object], disclosures: Sequence[str], limits: Limits = DEFAULT) -> tuple[Place, ...]:
    """Put every disclosure in its place, take all digests away, and return where things were hidden.

    Args:
        payload: The issuer-signed payload, which is changed.
        disclosures: As they stood between the tildes.
        limits: `max_disclosures`, and the bounds of each parse.

    Raises:
        InputTooLarge: More disclosures than the limit.
        SdAlgUnsupported, SdDigestDuplicate, SdDisclosureMalformed, SdClaimReserved, SdClaimCollision,
        SdDisclosureUnreferenced: By the steps of section 7.1.

    Spec: RFC 9901 section 7.1.
    """
    if len(disclosures) > limits.max_disclosures:
        raise InputTooLarge(f"at most {limits.max_disclosures} disclosures")
    algorithm = payload.pop("_sd_alg", "sha-256")
    if not isinstance(algorithm, str) or algorithm not in _HASHES:
        raise SdAlgUnsupported(f"expected one of {', '.join(_HASHES)}", path="/_sd_alg")
    opener = _Opener(_HASHES[algorithm], limits)
    for encoded in disclosures:
        opener.add(encoded)
    opener.open_object(payload, ())
    if not opener.given.keys() <= opener.seen:
        raise SdDisclosureUnreferenced("a disclosure was given to which no digest leads")
    return tuple(opener.places)


@final
class _Opener:
    """The state of one walk: what was given, what was seen, where digests stood."""

    __slots__ = ("given", "hash", "limits", "places", "seen")

    def __init__(self, hash: Callable[[bytes], _Hash], limits: Limits) -> None:  # noqa: A002  # what it is
        self.hash = hash
        self.limits = limits
        self.given: dict[str, tuple[str, list[Any]]] = {}  # digest → the disclosure and what it says
        self.seen: set[str] = set()
        self.places: list[Place] = []

    def add(self, encoded: str) -> None:
        try:
            content = parse(decode_base64url(encoded), self.limits).value
        except InputTooLarge:
            raise
        except Malformed as error:
            raise SdDisclosureMalformed(f"a disclosure is not base64url of strict JSON ({error.code})") from None
        if type(content) is not list or len(content) not in (_ELEMENT, _PROPERTY):
            raise SdDisclosureMalformed("expected [salt, value] or [salt, name, value]")
        if type(content[0]) is not str or (len(content) == _PROPERTY and type(content[1]) is not str):
            raise SdDisclosureMalformed("expected salt and name to be strings")
        digest = encode_base64url(self.hash(encoded.encode("ascii")).digest())
        if digest in self.given:
            raise SdDigestDuplicate("the same disclosure was given twice")
        self.given[digest] = (encoded, content)

    def meet(self, digest: object) -> tuple[str, list[Any]] | None:
        if type(digest) is not str:
            raise SdDisclosureMalformed("expected a digest to be a string")
        if digest in self.seen:
            raise SdDigestDuplicate("the same digest stands twice")
        self.seen.add(digest)
        return self.given.get(digest)

    def open(self, value: object, path: tuple[str | int, ...]) -> None:
        kind = type(value)
        if kind is dict:
            self.open_object(value, path)  # type: ignore[arg-type]  # by the line above
        elif kind is list:
            self.open_array(value, path)  # type: ignore[arg-type]  # by the line above

    def open_object(self, value: dict[str, object], path: tuple[str | int, ...]) -> None:
        if len(path) > self.limits.max_depth:
            # disclosures nest in disclosures: each parse was shallow, the sum need not be
            raise JsonTooDeep(f"at most {self.limits.max_depth} levels, disclosures in place")
        if "_sd_alg" in value:
            raise SdDisclosureMalformed("_sd_alg stands at the top level only", path=pointer(path))
        if "..." in value:
            raise SdDisclosureMalformed("a digest of an element stands alone in an array element", path=pointer(path))
        digests = value.pop("_sd", ())
        for name, each in value.items():
            kind = type(each)
            if kind is dict or kind is list:
                self.open(each, (*path, name))
        if digests != ():
            self._open_digests(digests, value, path)

    def _open_digests(self, digests: object, value: dict[str, object], path: tuple[str | int, ...]) -> None:
        if type(digests) is not list:
            raise SdDisclosureMalformed("expected _sd to be an array", path=pointer(path))
        withheld = False
        for digest in digests:
            found = self.meet(digest)
            if found is None:
                withheld = True
                continue
            encoded, content = found
            if len(content) != _PROPERTY:
                raise SdDisclosureMalformed("expected [salt, name, value] for an object property", path=pointer(path))
            name: str = content[1]
            if name in ("_sd", "..."):
                raise SdClaimReserved(f"a claim may not be called {name}", path=pointer(path))
            if name in value:
                raise SdClaimCollision("a disclosed claim stands beside another of its name", path=pointer(path))
            self.places.append(Place(path, name, in_array=False, encoded=encoded))
            value[name] = content[2]
            self.open(content[2], (*path, name))
        if withheld:
            self.places.append(Place(path, None, in_array=False, encoded=None))

    def open_array(self, value: list[object], path: tuple[str | int, ...]) -> None:
        if len(path) > self.limits.max_depth:
            raise JsonTooDeep(f"at most {self.limits.max_depth} levels, disclosures in place")
        opened: list[object] = []
        withheld = False
        for each in value:
            position = len(opened)  # counted as the reader will see it: withheld elements are gone
            element = each
            if type(each) is dict and "..." in each:
                if len(each) != 1:
                    raise SdDisclosureMalformed("a digest of an element stands alone", path=pointer(path))
                found = self.meet(each["..."])
                if found is None:
                    withheld = True
                    continue
                encoded, content = found
                if len(content) != _ELEMENT:
                    raise SdDisclosureMalformed("expected [salt, value] for an array element", path=pointer(path))
                self.places.append(Place(path, position, in_array=True, encoded=encoded))
                element = content[1]
            self.open(element, (*path, position))
            opened.append(element)
        if withheld:
            self.places.append(Place(path, None, in_array=True, encoded=None))
        value[:] = opened


def pointer(path: Sequence[str | int]) -> str:
    """Return the JSON Pointer (RFC 6901) of a path."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)


def hide(document: dict[str, object], paths: Sequence[tuple[str | int, ...]]) -> tuple[dict[str, object], list[str]]:
    """Return the payload in which each path is only a digest, and the disclosures that open it, in path order.

    Args:
        document: Left unchanged.
        paths: Each ends at an object property or an array element; none lies inside another.

    Raises:
        ValueError: A path leads nowhere, or into another one.

    Spec: RFC 9901 section 4.2; SHA-256; digests of one object are sorted (section 4.2.4.1).
    """
    from copy import deepcopy  # noqa: PLC0415  # with what it imports, 2 ms that a first verdict does not pay

    payload = deepcopy(document)
    disclosures: list[str] = []
    for path in sorted(set(paths), key=lambda path: [str(step) for step in path]):
        holder: object = payload
        try:
            for step in path[:-1]:
                holder = holder[step]  # type: ignore[index]  # a wrong step is the error below
            last = path[-1]
            value = holder[last]  # type: ignore[index]  # the same
        except (KeyError, IndexError, TypeError):
            message = f"nothing stands at {pointer(path)}"
            raise ValueError(message) from None
        if isinstance(holder, dict):
            disclosure = _disclosure([last, value])
            del holder[last]
            holder["_sd"] = sorted([*holder.get("_sd", []), digest_of(disclosure)])
        elif isinstance(holder, list) and isinstance(last, int):
            if isinstance(value, dict) and "..." in value:
                message = f"{pointer(path)} is hidden already"
                raise ValueError(message)
            disclosure = _disclosure([value])
            holder[last] = {"...": digest_of(disclosure)}
        else:
            message = f"{pointer(path)} is neither a property nor an element"
            raise ValueError(message)
        disclosures.append(disclosure)
    if disclosures:
        payload["_sd_alg"] = "sha-256"
    return payload, disclosures


def digest_of(disclosure: str) -> str:
    """Return the SHA-256 digest of a disclosure as it stands in `_sd` (RFC 9901 section 4.2.3)."""
    return encode_base64url(hashlib.sha256(disclosure.encode("ascii")).digest())


def _disclosure(content: list[object]) -> str:
    return encode_base64url(encode([encode_base64url(os.urandom(_SALT_BYTES)), *content]))
