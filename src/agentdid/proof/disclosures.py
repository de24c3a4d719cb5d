"""SD-JWT disclosures (RFC 9901 sections 4.2 and 7.1): salted claims out of, and back into, a payload.

Knows digests and places, not credentials: which places may hide something is for `secure.sd_jwt` to say, from the
`Place` list that comes with every opened payload.
"""

from __future__ import annotations

import hashlib
import os
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

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
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from hashlib import _Hash

# RFC 9901 §9.4 asks for second-preimage resistance; the IANA "Named Information" names.
_HASHES: Final[Mapping[str, Callable[[bytes], _Hash]]] = MappingProxyType(
    {"sha-256": hashlib.sha256, "sha-384": hashlib.sha384, "sha-512": hashlib.sha512}
)
Path: TypeAlias = tuple[str | int, ...]
NO_DECOYS: Final[Mapping[Path, int]] = MappingProxyType({})
_Given: TypeAlias = tuple[str, list[Any]]
"""A disclosure and what it says."""
_Spot: TypeAlias = tuple[Any, "_Spot | None", str | int, int]
"""An object or array, where it lies, under which name, and how deep."""
_SALT_BYTES: Final = 18  # RFC 9901 §9.3 asks for 128 bits; 144 are 24 characters, so that one text holds many
_SALT_CHARS: Final = 24
_DECOY_BYTES: Final = 32
_RESERVED: Final = frozenset({"_sd", "...", "_sd_alg"})  # RFC 9901 §4.1 and §4.1.1
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
    given: dict[str, _Given] = {}
    digest_under = _HASHES[algorithm]
    for encoded in disclosures:
        content = _read(encoded, limits)
        digest = encode_base64url(digest_under(encoded.encode("ascii")).digest())
        if digest in given:
            raise SdDigestDuplicate("the same disclosure was given twice")
        given[digest] = (encoded, content)
    opener = _Opener(given, limits.max_depth)
    opener.open(payload)
    if not given.keys() <= opener.seen:
        raise SdDisclosureUnreferenced("a disclosure was given to which no digest leads")
    return tuple(opener.places)


def _read(encoded: str, limits: Limits) -> list[Any]:
    """Return what a disclosure says: salt and value, or salt, name and value."""
    try:
        content: Any = parse(decode_base64url(encoded), limits).value
    except InputTooLarge:
        raise
    except Malformed as error:
        raise SdDisclosureMalformed(f"a disclosure is not base64url of strict JSON ({error.code})") from None
    size = len(content) if type(content) is list else 0
    if size not in (_ELEMENT, _PROPERTY):
        raise SdDisclosureMalformed("expected [salt, value] or [salt, name, value]")
    if type(content[0]) is not str or (size == _PROPERTY and type(content[1]) is not str):
        raise SdDisclosureMalformed("expected salt and name to be strings")
    return content  # type: ignore[no-any-return]  # a list, by its size


@final
class _Opener:
    """The state of one walk: what was given, what was seen, where digests stood, and what is left to open."""

    __slots__ = ("given", "max_depth", "places", "seen", "todo")

    def __init__(self, given: dict[str, _Given], max_depth: int) -> None:
        self.given = given
        self.max_depth = max_depth
        self.seen: set[str] = set()
        self.places: list[Place] = []
        self.todo: list[_Spot] = []

    def open(self, payload: dict[str, object]) -> None:
        """Open every object and array of the payload, level by level, those in disclosures too."""
        todo, deepest = self.todo, self.max_depth
        todo.append((payload, None, "", 0))
        for spot in todo:  # which grows as it is gone through
            value, _, _, depth = spot
            if depth > deepest:
                # disclosures nest in disclosures: each parse was shallow, the sum need not be
                raise JsonTooDeep(f"at most {deepest} levels, disclosures in place")
            if type(value) is not dict:
                self._open_array(value, spot)
                continue
            if "_sd" in value or "..." in value or "_sd_alg" in value:
                self._open_object(value, _path(spot))
            depth += 1
            for name, each in value.items():
                if type(each) is dict:
                    todo.append((each, spot, name, depth))
                elif type(each) is list:
                    for part in each:  # an array that holds neither objects nor arrays hides nothing
                        if type(part) is dict or type(part) is list:
                            todo.append((each, spot, name, depth))
                            break

    def _open_object(self, value: dict[str, object], path: tuple[str | int, ...]) -> None:
        if "_sd_alg" in value:
            raise SdDisclosureMalformed("_sd_alg stands at the top level only", path=pointer(path))
        if "..." in value:
            raise SdDisclosureMalformed("a digest of an element stands alone in an array element", path=pointer(path))
        self._open_digests(value.pop("_sd"), value, path)

    def _open_digests(self, digests: object, value: dict[str, object], path: tuple[str | int, ...]) -> None:
        if type(digests) is not list:
            raise SdDisclosureMalformed("expected _sd to be an array", path=pointer(path))
        withheld = False
        seen, find = self.seen, self.given.get
        for digest in digests:
            if type(digest) is not str or digest in seen:
                raise _wrong_digest(digest)
            seen.add(digest)
            found = find(digest)
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
            self.places.append(Place(path, name, False, encoded))
            value[name] = content[2]
        if withheld:
            self.places.append(Place(path, None, False, None))

    def _open_array(self, value: list[object], spot: _Spot) -> None:
        path = _path(spot)
        opened: list[object] = []
        withheld = False
        for each in value:
            element = each
            if type(each) is dict and "..." in each:
                if len(each) != 1:
                    raise SdDisclosureMalformed("a digest of an element stands alone", path=pointer(path))
                digest = each["..."]
                if type(digest) is not str or digest in self.seen:
                    raise _wrong_digest(digest)
                self.seen.add(digest)
                found = self.given.get(digest)
                if found is None:
                    withheld = True
                    continue
                encoded, content = found
                if len(content) != _ELEMENT:
                    raise SdDisclosureMalformed("expected [salt, value] for an array element", path=pointer(path))
                # counted as the reader will see it: withheld elements are gone
                self.places.append(Place(path, len(opened), True, encoded))
                element = content[1]
            if type(element) is dict or type(element) is list:
                self.todo.append((element, spot, len(opened), len(path) + 1))
            opened.append(element)
        if withheld:
            self.places.append(Place(path, None, True, None))
        value[:] = opened


def _path(spot: _Spot) -> tuple[str | int, ...]:
    """Return the path of a spot: few are ever asked for it."""
    steps = []
    while spot[1] is not None:
        steps.append(spot[2])
        spot = spot[1]
    return tuple(reversed(steps))


def _wrong_digest(digest: object) -> SdDisclosureMalformed | SdDigestDuplicate:
    if type(digest) is not str:
        return SdDisclosureMalformed("expected a digest to be a string")
    return SdDigestDuplicate("the same digest stands twice")


def pointer(path: Sequence[str | int]) -> str:
    """Return the JSON Pointer (RFC 6901) of a path."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)


def is_place(document: object, path: Sequence[str | int]) -> bool:
    """Tell whether a path leads to a value of a document."""
    value: Any = document
    for step in path:
        if isinstance(value, dict):
            if step not in value:
                return False
        elif not isinstance(value, list) or not isinstance(step, int) or not 0 <= step < len(value):
            return False
        value = value[step]
    return True


def hide(
    document: dict[str, object],
    paths: Iterable[Path],
    *,
    decoys: Mapping[Path, int] = NO_DECOYS,
    algorithm: str = "sha-256",
) -> tuple[dict[str, object], list[str]]:
    """Return the payload in which each path is only a digest, and the disclosures that open it, object by object.

    Args:
        document: Left unchanged.
        paths: Each ends at an object property or an array element. One that lies inside another makes a recursive
            disclosure: the inner digest is in what the outer one discloses.
        decoys: How many digests of nothing an object or array gets, by its path, so that their number says less.
        algorithm: `_sd_alg`.

    Raises:
        ValueError: A path leads nowhere, or an algorithm that no reader takes.
        SdClaimReserved: A member is called as digests are.

    Spec: RFC 9901 sections 4.1, 4.2, 4.2.5 and 4.2.6; digests of one object are sorted (section 4.2.4.1).
    """
    if algorithm not in _HASHES:
        message = f"expected an algorithm of {', '.join(_HASHES)}"
        raise ValueError(message)
    payload = _copied(document)
    inside: dict[Path, list[Any]] = {path: [] for path in decoys}
    for path in set(paths):
        if not path:
            message = "the whole of a document is not hidden"
            raise ValueError(message)
        inside.setdefault(path[:-1], []).append(path[-1])
    hash_of = _HASHES[algorithm]
    made: dict[Path, list[str]] = {}
    # the deepest first: what holds a digest already may then become one itself
    for path in sorted(inside, key=len, reverse=True):
        holder = _find(payload, path)
        made[path] = _hide_each(holder, path, sorted(inside[path], key=str), hash_of)
        if path in decoys:
            _add_decoys(holder, path, decoys[path], hash_of)
    if inside:
        payload["_sd_alg"] = algorithm
    ordered = sorted(made, key=lambda path: [str(step) for step in path]) if len(made) > 1 else made
    return payload, [disclosure for path in ordered for disclosure in made[path]]


def _find(payload: Any, path: Path) -> Any:  # noqa: ANN401  # any JSON value
    try:
        for step in path:
            payload = payload[step]
    except (KeyError, IndexError, TypeError):
        message = f"nothing stands at {pointer(path)}"
        raise ValueError(message) from None
    return payload


def _hide_each(holder: Any, path: Path, names: list[Any], hash_of: Callable[[bytes], _Hash]) -> list[str]:  # noqa: ANN401
    """Put digests in the places of some properties or elements of one object or array; return their disclosures."""
    salts = encode_base64url(os.urandom(_SALT_BYTES * len(names)))
    made: list[str] = []
    digests: list[str] = []
    at = 0
    for name in names:
        salt = salts[at : at + _SALT_CHARS]
        at += _SALT_CHARS
        if type(holder) is dict and name in holder:
            disclosure = encode_base64url(encode([salt, name, holder.pop(name)]))
            digests.append(encode_base64url(hash_of(disclosure.encode("ascii")).digest()))
        elif type(holder) is list and type(name) is int and 0 <= name < len(holder):
            disclosure = encode_base64url(encode([salt, holder[name]]))
            holder[name] = {"...": encode_base64url(hash_of(disclosure.encode("ascii")).digest())}
        else:
            message = f"nothing stands at {pointer((*path, name))}"
            raise ValueError(message)
        made.append(disclosure)
    if digests:
        holder["_sd"] = sorted(digests)
    return made


def _add_decoys(holder: Any, path: Path, count: int, hash_of: Callable[[bytes], _Hash]) -> None:  # noqa: ANN401  # as above
    for _ in range(count):
        # of random bytes: nobody has what it is the digest of
        digest = encode_base64url(hash_of(os.urandom(_DECOY_BYTES)).digest())
        if type(holder) is dict:
            holder["_sd"] = sorted([*holder.get("_sd", ()), digest])
        elif type(holder) is list:
            holder.insert(int.from_bytes(os.urandom(4)) % (len(holder) + 1), {"...": digest})
        else:
            message = f"no object or array stands at {pointer(path)}"
            raise ValueError(message)


def _copied(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """Return the value with objects and arrays of its own; a member called as digests are is `SdClaimReserved`."""
    if isinstance(value, dict):
        if not _RESERVED.isdisjoint(value):
            raise SdClaimReserved("a claim may not be called _sd, _sd_alg or ...")
        return {name: each if type(each) is str else _copied(each) for name, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list) else value


def digest_of(disclosure: str, algorithm: str = "sha-256") -> str:
    """Return the digest of a disclosure as it stands in `_sd` (RFC 9901 section 4.2.3)."""
    return encode_base64url(_HASHES[algorithm](disclosure.encode("ascii")).digest())
