"""SD-JWT disclosures (RFC 9901 sections 4.2 and 7.1): salted claims out of, and back into, a payload.

Knows digests and places, not credentials: which places may hide something is for `secure.sd_jwt` to say, from the
`Place` list that comes with every opened payload.
"""

from __future__ import annotations

import copy
import hashlib
import secrets
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, final

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

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# RFC 9901 §9.4 asks for second-preimage resistance; the IANA "Named Information" names.
_HASHES: Final[Mapping[str, str]] = MappingProxyType({"sha-256": "sha256", "sha-384": "sha384", "sha-512": "sha512"})
_SALT_BYTES: Final = 16  # RFC 9901 §9.3: 128 bits
_PROPERTY: Final = 3  # salt, name, value
_ELEMENT: Final = 2  # salt, value


@final
@dataclass(frozen=True, slots=True)
class Place:
    """One spot where a digest stands.

    Attributes:
        path: Members and indexes to the object or array that holds the digest, counted in the opened payload.
        key: The claim's name or the element's index in the opened payload; `None` where nothing was disclosed.
        in_array: Whether an array element is hidden here.
        encoded: The disclosure, if it was given.
    """

    path: tuple[str | int, ...]
    key: str | int | None
    in_array: bool
    encoded: str | None


@final
@dataclass(frozen=True, slots=True)
class Opened:
    """A payload with its disclosures in place."""

    payload: dict[str, object]
    places: tuple[Place, ...]
    plain: bool


@final
@dataclass(slots=True)
class _Disclosure:
    encoded: str
    content: list[object]
    used: bool = False


def open_payload(
    payload: dict[str, object], disclosures: Sequence[str], limits: Limits = DEFAULT, *, plain: bool = False
) -> Opened:
    """Return the payload that the disclosures make: every `_sd`, `...` and `_sd_alg` gone, each claim in its place.

    Args:
        payload: The issuer-signed payload.
        disclosures: As they stood between the tildes.
        limits: `max_disclosures`, and the bounds of each parse.
        plain: Whether the payload was found plain by the strict parser; the answer says it of the whole.

    Raises:
        InputTooLarge: More disclosures than the limit.
        SdAlgUnsupported, SdDigestDuplicate, SdDisclosureMalformed, SdClaimReserved, SdClaimCollision,
        SdDisclosureUnreferenced: By the steps of section 7.1.

    Spec: RFC 9901 section 7.1.
    """
    if len(disclosures) > limits.max_disclosures:
        raise InputTooLarge(f"at most {limits.max_disclosures} disclosures")
    algorithm = payload.get("_sd_alg", "sha-256")
    if not isinstance(algorithm, str) or algorithm not in _HASHES:
        raise SdAlgUnsupported(f"expected one of {', '.join(_HASHES)}", path="/_sd_alg")
    opener = _Opener(_HASHES[algorithm], limits)
    opener.plain = plain
    for encoded in disclosures:
        opener.add(encoded)
    opened = opener.visit_object({name: value for name, value in payload.items() if name != "_sd_alg"}, ())
    for disclosure in opener.given.values():
        if not disclosure.used:
            raise SdDisclosureUnreferenced("a disclosure was given to which no digest leads")
    return Opened(opened, tuple(opener.places), opener.plain)


@final
class _Opener:
    """The state of one walk: what was given, what was seen, where digests stood."""

    __slots__ = ("given", "hash_name", "limits", "places", "plain", "seen")

    def __init__(self, hash_name: str, limits: Limits) -> None:
        self.hash_name = hash_name
        self.limits = limits
        self.given: dict[str, _Disclosure] = {}
        self.seen: set[str] = set()
        self.places: list[Place] = []
        self.plain = True

    def add(self, encoded: str) -> None:
        try:
            text = parse(decode_base64url(encoded), self.limits)
        except InputTooLarge:
            raise
        except Malformed as error:
            raise SdDisclosureMalformed(f"a disclosure is not base64url of strict JSON ({error.code})") from None
        content = text.value
        if not isinstance(content, list) or len(content) not in (_ELEMENT, _PROPERTY):
            raise SdDisclosureMalformed("expected [salt, value] or [salt, name, value]")
        if not isinstance(content[0], str) or (len(content) == _PROPERTY and not isinstance(content[1], str)):
            raise SdDisclosureMalformed("expected salt and name to be strings")
        if len(content) == _PROPERTY and not content[1].isascii():
            self.plain = False
        self.plain = self.plain and text.plain
        digest = encode_base64url(hashlib.new(self.hash_name, encoded.encode("ascii")).digest())
        if digest in self.given:
            raise SdDigestDuplicate("the same disclosure was given twice")
        self.given[digest] = _Disclosure(encoded, content)

    def meet(self, digest: object) -> _Disclosure | None:
        if not isinstance(digest, str):
            raise SdDisclosureMalformed("expected a digest to be a string")
        if digest in self.seen:
            raise SdDigestDuplicate("the same digest stands twice")
        self.seen.add(digest)
        found = self.given.get(digest)
        if found is not None:
            found.used = True
        return found

    def visit(self, value: object, path: tuple[str | int, ...]) -> object:
        kind = type(value)
        if kind is dict:
            return self.visit_object(value, path)  # type: ignore[arg-type]  # by the line above
        if kind is list:
            return self.visit_array(value, path)  # type: ignore[arg-type]  # by the line above
        return value

    def visit_object(self, value: dict[str, object], path: tuple[str | int, ...]) -> dict[str, object]:
        if len(path) > self.limits.max_depth:
            # disclosures nest in disclosures: each parse was shallow, the sum need not be
            raise JsonTooDeep(f"at most {self.limits.max_depth} levels, disclosures in place")
        if "_sd_alg" in value:
            raise SdDisclosureMalformed("_sd_alg stands at the top level only", path=pointer(path))
        if "..." in value:
            raise SdDisclosureMalformed("a digest of an element stands alone in an array element", path=pointer(path))
        opened = {
            name: self.visit(each, (*path, name)) if type(each) is dict or type(each) is list else each
            for name, each in value.items()
            if name != "_sd"
        }
        if "_sd" not in value:
            return opened
        digests = value["_sd"]
        if not isinstance(digests, list):
            raise SdDisclosureMalformed("expected _sd to be an array", path=pointer(path))
        for digest in digests:
            found = self.meet(digest)
            if found is None:
                self.places.append(Place(path, None, in_array=False, encoded=None))
                continue
            if len(found.content) != _PROPERTY:
                raise SdDisclosureMalformed("expected [salt, name, value] for an object property", path=pointer(path))
            name: str = found.content[1]  # type: ignore[assignment]  # a string, by add
            if name in ("_sd", "..."):
                raise SdClaimReserved(f"a claim may not be called {name}", path=pointer(path))
            if name in opened:
                raise SdClaimCollision("a disclosed claim stands beside another of its name", path=pointer(path))
            self.places.append(Place(path, name, in_array=False, encoded=found.encoded))
            opened[name] = self.visit(found.content[2], (*path, name))
        return opened

    def visit_array(self, value: list[object], path: tuple[str | int, ...]) -> list[object]:
        if len(path) > self.limits.max_depth:
            raise JsonTooDeep(f"at most {self.limits.max_depth} levels, disclosures in place")
        opened: list[object] = []
        for each in value:
            position = len(opened)  # counted as the reader will see it: withheld elements are gone
            if type(each) is dict and "..." in each:
                if len(each) != 1:
                    raise SdDisclosureMalformed("a digest of an element stands alone", path=pointer(path))
                found = self.meet(each["..."])
                if found is None:
                    self.places.append(Place(path, None, in_array=True, encoded=None))
                    continue
                self.places.append(Place(path, position, in_array=True, encoded=found.encoded))
                if len(found.content) != _ELEMENT:
                    raise SdDisclosureMalformed("expected [salt, value] for an array element", path=pointer(path))
                opened.append(self.visit(found.content[1], (*path, position)))
            else:
                opened.append(self.visit(each, (*path, position)))
        return opened


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
    payload = copy.deepcopy(document)
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
    return encode_base64url(encode([encode_base64url(secrets.token_bytes(_SALT_BYTES)), *content]))
