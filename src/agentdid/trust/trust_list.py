"""Trust lists: what a credential of type `TrustListCredential` says about who may issue what (specs/trust-list.md).

* Closed: a member that is not known, or an entry that is not whole, and the list says nothing.
* An entry is looked up by issuer, however long the list is; entries are never merged.
* A list may name other lists. What it lets them say is a scope like any other, so that nothing reached over it can be
  wider than what named it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast, final, overload

from msgspec import structs

from agentdid.codec.instant import encode_instant, parse_instant
from agentdid.codec.strict_json import MAX_INT, encode
from agentdid.credential.model import AGENTDID_V1, CREDENTIALS_V2
from agentdid.did.syntax import check_did
from agentdid.errors import DidInvalid, TypeMismatch
from agentdid.record import Value
from agentdid.trust.anchor import DEFAULT_SECURITY, SECURITY, is_pattern
from agentdid.trust.scope import Scope, check_scope

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from agentdid.credential.model import Credential
    from agentdid.credential.validity import Now

TYPE: Final = "TrustListCredential"
DEFAULT_MAX_AGE_S: Final = 3_600.0
HARD_MAX_DEPTH: Final = 4
"""Lists below a list that no policy can exceed: each costs a document, a DID and a signature."""
_PATH: Final = "/credentialSubject/trustList"
_LIST: Final = frozenset({"sequence", "entries", "lists"})
_SCOPE: Final = frozenset({"types", "roots", "actions", "principals", "statusIssuers", "security"})
_TIMES: Final = frozenset({"validFrom", "validUntil"})
_ENTRY: Final = _SCOPE | _TIMES | {"issuers", "keys"}
_BELOW: Final = _SCOPE | _TIMES | {"issuer", "url", "keys", "maxDepth"}
# an https URL without user information, query or fragment: a list has one spelling of its name
_URL: Final = re.compile(r"https://[A-Za-z0-9.\-\[\]:]+/[!$&-.0-;=@-Z_a-z~%/]*")
_TEXT: Final = re.compile(r"[!-~]{1,2048}")
_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@final
class Entry(Value, frozen=True):
    """What some issuers are believed about, from when until when; `keys` as of an anchor."""

    scope: Scope
    keys: tuple[str, ...] = ()
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@final
class ListRef(Value, frozen=True):
    """A list that is believed, by a verifier's own file or by a list above it.

    Attributes:
        url: Where it is, and its `id`.
        issuer: Who must sign it.
        scope: What it may speak of at most. Its `security` also says what the list is signed with.
        keys: If not empty, the thumbprints of the only keys that may sign it.
        max_depth: How many lists deep it may name others; 0: none.
        max_age_s: How old a copy of it may be.
        valid_from: From when it is believed.
        valid_until: Until when.
    """

    url: str
    issuer: str
    scope: Scope
    keys: tuple[str, ...] = ()
    max_depth: int = 0
    max_age_s: float = DEFAULT_MAX_AGE_S
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def below(self, named: ListRef) -> ListRef:
        """Return a list that this one names, held to what this one may speak of."""
        return structs.replace(
            named,
            scope=self.scope.meet(named.scope),
            max_depth=min(named.max_depth, self.max_depth - 1),
            max_age_s=self.max_age_s,
        )


@final
class TrustList(Value, frozen=True):
    """What a list says.

    Attributes:
        url: Where it is had.
        sequence: Grows with every list that is published there.
        entries: By issuer, in the order of the list.
        lists: The lists it names.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"entries"})

    url: str
    sequence: int
    entries: Mapping[str, tuple[Entry, ...]]
    lists: tuple[ListRef, ...]


@final
class Numbers(Sequence[str]):
    """All sequence numbers of a list up to one, as the versions that a mark is held against (`verify.needs.Marks`)."""

    __slots__ = ("_last",)

    def __init__(self, last: int) -> None:
        self._last = last

    def __len__(self) -> int:
        return self._last + 1

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...
    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        """Return the number at a place, which is its place."""
        found = range(self._last + 1)[place]
        return str(found) if isinstance(found, int) else [str(each) for each in found]


def is_valid(row: Entry | ListRef, now: Now) -> bool:
    """Whether now lies in the time of an entry, give or take the leeway."""
    return (row.valid_from is None or row.valid_from <= now.latest) and (
        row.valid_until is None or row.valid_until >= now.earliest
    )


def check_list_url(text: object, path: str = "") -> str:
    """Hold that it is an absolute https URL without query and fragment. Raises `TypeMismatch`."""
    if not isinstance(text, str) or len(text) > 2_048 or _URL.fullmatch(text) is None:  # noqa: PLR2004  # as _TEXT
        raise TypeMismatch("expected an https URL with a path, without query and fragment", path=path)
    return text


def find_sequence(document: Mapping[str, object]) -> int:
    """Return the `sequence` of a list whose other members nobody has looked at.

    Raises:
        TypeMismatch: It has none.
    """
    return _sequence(_content(document))


def parse_trust_list(credential: Credential) -> TrustList:
    """Return what a list says.

    Raises:
        TypeMismatch, DidInvalid: It has not the form of specs/trust-list.md.

    Spec: specs/trust-list.md L1-L9.
    """
    if TYPE not in credential.types or credential.valid_from is None or credential.valid_until is None:
        raise TypeMismatch(f"expected a {TYPE} with validFrom and validUntil", path="/type")
    url = check_list_url(credential.id, "/id")
    content = _content(credential.document)
    _closed(content, _LIST, _LIST, _PATH)
    reader = _Reader()
    by_issuer: dict[str, list[Entry]] = {}
    for position, row in enumerate(_array(content["entries"], f"{_PATH}/entries")):
        path = f"{_PATH}/entries/{position}"
        entry, issuers = reader.entry(row, path)
        for issuer in issuers:
            by_issuer.setdefault(issuer, []).append(entry)
    lists = tuple(
        _below(row, f"{_PATH}/lists/{position}")
        for position, row in enumerate(_array(content["lists"], f"{_PATH}/lists"))
    )
    entries = {issuer: tuple(found) for issuer, found in by_issuer.items()}
    return TrustList(url, _sequence(content), MappingProxyType(entries), lists)


def build_trust_list(
    url: str,
    issuer: str,
    sequence: int,
    entries: list[dict[str, object]],
    lists: list[dict[str, object]],
    *,
    valid_from: datetime,
    valid_until: datetime,
    status: dict[str, object] | None = None,
) -> dict[str, object]:
    """Return an unsigned list; whoever signs it reads it with `parse_trust_list` first.

    Args:
        url: Where it will be had: its `id`.
        issuer: Who signs it.
        sequence: Greater than of any list that was had there.
        entries: As specs/trust-list.md has them.
        lists: Likewise.
        valid_from: From when it is valid; when it was issued.
        valid_until: When it must have been replaced.
        status: Its `credentialStatus`, if it has one.

    Spec: specs/trust-list.md L1-L9.
    """
    return {
        "@context": [CREDENTIALS_V2, AGENTDID_V1],
        "id": url,
        "type": ["VerifiableCredential", TYPE],
        "issuer": issuer,
        "validFrom": encode_instant(valid_from),
        "validUntil": encode_instant(valid_until),
        "credentialSubject": {"trustList": {"sequence": sequence, "entries": entries, "lists": lists}},
        **({} if status is None else {"credentialStatus": status}),
    }


def encode_ref(ref: ListRef) -> dict[str, object]:
    """Return a list that is believed, as JSON for evidence bundles."""
    return {
        "url": ref.url,
        "issuer": ref.issuer,
        **encode_scope(ref.scope),
        "keys": list(ref.keys),
        "maxDepth": ref.max_depth,
        "maxAge": ref.max_age_s,
    }


def decode_ref(value: object) -> ListRef:
    """Return what `encode_ref` wrote. Raises `KeyError` or `TypeError` for anything else."""
    row = cast("dict[str, Any]", value)
    return ListRef(
        url=row["url"],
        issuer=row["issuer"],
        scope=decode_scope(row),
        keys=tuple(row["keys"]),
        max_depth=row["maxDepth"],
        max_age_s=row["maxAge"],
    )


def encode_scope(scope: Scope) -> dict[str, object]:
    """Return a scope as the members of an entry."""
    return {
        "types": list(scope.types),
        "roots": list(scope.roots),
        "actions": list(scope.actions),
        "principals": list(scope.principals),
        "statusIssuers": list(scope.status_issuers),
        "security": scope.security,
    }


def decode_scope(row: Mapping[str, Any]) -> Scope:
    """Return what `encode_scope` wrote, among other members. Raises `KeyError` or `TypeError`."""
    return Scope(
        types=tuple(row["types"]),
        roots=tuple(row["roots"]),
        actions=tuple(row["actions"]),
        principals=tuple(row["principals"]),
        status_issuers=tuple(row["statusIssuers"]),
        security=row["security"],
    )


class _Reader:
    """Reads entries. Those that differ in their issuers alone are one, so that a long list is read and held as such."""

    def __init__(self) -> None:
        self._entries: dict[bytes, Entry] = {}

    def entry(self, row: object, path: str) -> tuple[Entry, list[str]]:
        members = _object(row, path)
        issuers = _array(members.get("issuers"), f"{path}/issuers")
        if not issuers:
            raise TypeMismatch("an entry has at least one issuer", path=f"{path}/issuers")
        for position, issuer in enumerate(issuers):
            _did(issuer, path, "issuers", position)
        said = encode({name: value for name, value in members.items() if name != "issuers"})
        entry = self._entries.get(said)
        if entry is None:
            _closed(members, {"issuers", "types"}, _ENTRY, path)
            begin, end = _times(members, path)
            entry = self._entries[said] = Entry(_scope(members, path), _keys(members, path), begin, end)
        return entry, cast("list[str]", issuers)


def _below(row: object, path: str) -> ListRef:
    members = _object(row, path)
    _closed(members, {"issuer", "url", "types", "maxDepth"}, _BELOW, path)
    depth = members["maxDepth"]
    if type(depth) is not int or not 0 <= depth <= HARD_MAX_DEPTH:
        raise TypeMismatch(f"expected 0 to {HARD_MAX_DEPTH}", path=f"{path}/maxDepth")
    begin, end = _times(members, path)
    return ListRef(
        url=check_list_url(members["url"], f"{path}/url"),
        issuer=_did(members["issuer"], path, "issuer"),
        scope=_scope(members, path),
        keys=_keys(members, path),
        max_depth=depth,
        valid_from=begin,
        valid_until=end,
    )


def _scope(members: Mapping[str, object], path: str) -> Scope:
    security = members.get("security", DEFAULT_SECURITY)
    if security not in SECURITY:
        raise TypeMismatch(f"expected one of {', '.join(SECURITY)}", path=f"{path}/security")
    actions = _texts(members, "actions", path)
    for position, action in enumerate(actions):
        if not is_pattern(action):
            raise TypeMismatch("only a trailing .* is a wildcard", path=f"{path}/actions/{position}")
    scope = Scope(
        types=_texts(members, "types", path),
        roots=_dids(members, "roots", path),
        actions=actions,
        principals=_dids(members, "principals", path),
        status_issuers=_dids(members, "statusIssuers", path),
        security=security,
    )
    if not scope.types:
        raise TypeMismatch("an entry has at least one type", path=f"{path}/types")
    try:
        check_scope(scope)
    except ValueError as error:
        raise TypeMismatch(str(error), path=path) from None
    return scope


def _content(document: Mapping[str, object]) -> dict[str, object]:
    subject = document.get("credentialSubject")
    if not isinstance(subject, dict) or subject.keys() != {"trustList"}:
        raise TypeMismatch("the one subject of a list has the member trustList alone", path="/credentialSubject")
    return _object(subject["trustList"], _PATH)


def _sequence(content: Mapping[str, object]) -> int:
    sequence = content.get("sequence")
    if type(sequence) is not int or not 0 <= sequence <= MAX_INT:
        raise TypeMismatch("expected a whole number from 0 on", path=f"{_PATH}/sequence")
    return sequence


def _closed(members: Mapping[str, object], needed: set[str] | frozenset[str], known: frozenset[str], path: str) -> None:
    for name in members:
        if name not in known:
            raise TypeMismatch("a member that is not known", path=f"{path}/{name}")
    for name in needed:
        if name not in members:
            raise TypeMismatch(f"member {name} is missing", path=f"{path}/{name}")


def _object(value: object, path: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeMismatch("expected an object", path=path)
    return value


def _array(value: object, path: str) -> list[object]:
    if not isinstance(value, list):
        raise TypeMismatch("expected an array", path=path)
    return value


def _texts(members: Mapping[str, object], name: str, path: str) -> tuple[str, ...]:
    values = _array(members.get(name, []), f"{path}/{name}")
    for position, value in enumerate(values):
        if not isinstance(value, str) or _TEXT.fullmatch(value) is None:
            raise TypeMismatch("expected visible ASCII", path=f"{path}/{name}/{position}")
    return tuple(cast("list[str]", values))


def _dids(members: Mapping[str, object], name: str, path: str) -> tuple[str, ...]:
    values = _texts(members, name, path)
    for position, value in enumerate(values):
        _did(value, path, name, position)
    return values


def _did(value: object, path: str, *steps: object) -> str:
    try:
        if type(value) is str:
            check_did(value)
            return value
    except DidInvalid:
        pass  # said below, with its place
    raise DidInvalid("expected a DID", path="/".join([path, *map(str, steps)]))


def _keys(members: Mapping[str, object], path: str) -> tuple[str, ...]:
    values = _texts(members, "keys", path)
    for position, value in enumerate(values):
        if _THUMBPRINT.fullmatch(value) is None:
            raise TypeMismatch("expected an RFC 7638 thumbprint", path=f"{path}/keys/{position}")
    return values


def _times(members: Mapping[str, object], path: str) -> tuple[datetime | None, datetime | None]:
    begin, end = (
        parse_instant(members[name], path, name) if name in members else None for name in ("validFrom", "validUntil")
    )
    if begin is not None and end is not None and begin > end:
        raise TypeMismatch("validFrom is later than validUntil", path=f"{path}/validUntil")
    return begin, end
