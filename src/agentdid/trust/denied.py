"""What a verifier denies whatever else holds: credentials, parties and keys, by name.

An entry stands in the policy itself (`[[deny]]`), or in a store that all processes of a verifier share
(`storage.denied`), where it counts as soon as it is written. A party is denied in whatever part it has: issuer or
subject of any link, holder, approver, issuer of a status list.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, final

from agentdid.codec.instant import encode_instant, parse_instant
from agentdid.did import key as did_key
from agentdid.did.syntax import check_did
from agentdid.errors import AgentdidError
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agentdid.trust.table import Table

DID: Final = "did"
CREDENTIAL: Final = "credential"
KEY: Final = "key"
KINDS: Final = (DID, CREDENTIAL, KEY)
SLACK: Final = timedelta(seconds=60)
"""An entry that has ended counts this much longer: clocks of processes that share a list differ."""
_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
"""The base64url of 32 bytes, in its one spelling (RFC 7638 section 3)."""
_MAX_VALUE: Final = 2_048
_MAX_REASON: Final = 512


@final
class DenyEntry(Value, frozen=True):
    """One thing that is denied.

    Attributes:
        kind: `did`, `credential` or `key`.
        value: A DID; a credential's `id`, or its digest as a child's `parent` names it (`digestMultibase`); the
            RFC 7638 thumbprint of a key or of a component of a composite one.
        reason: For people who read the list; nobody who is refused is told.
        since: When it was written.
        until: When it ends; `None`: never.
    """

    kind: str
    value: str
    reason: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def name(self) -> str:
        """What it denies, as one text."""
        return name_of(self.kind, self.value)

    def counts_at(self, at: datetime) -> bool:
        """Whether it counts at an instant."""
        return self.until is None or at < self.until + SLACK

    def encode(self) -> dict[str, object]:
        """Return it as JSON."""
        return {
            "kind": self.kind,
            "value": self.value,
            "reason": self.reason,
            "since": None if self.since is None else encode_instant(self.since),
            "until": None if self.until is None else encode_instant(self.until),
        }

    @classmethod
    def decode(cls, row: Mapping[str, Any]) -> DenyEntry:
        """Return what `encode` wrote. Raises `KeyError`, `TypeError`, `Malformed`."""
        since, until = (None if row[each] is None else parse_instant(row[each], "") for each in ("since", "until"))
        return cls(row["kind"], row["value"], row["reason"], since, until)


def name_of(kind: str, value: str) -> str:
    """Return what is denied as one text: no kind has a space in it."""
    return f"{kind} {value}"


def make_entry(
    kind: str, value: str, *, reason: str = "", since: datetime | None = None, until: datetime | None = None
) -> DenyEntry:
    """Return an entry whose value has the one spelling by which it is looked up.

    Raises:
        ValueError: An unknown kind, or a value that is none of its kind.
    """
    if kind not in KINDS:
        message = f"what is denied is one of {', '.join(KINDS)}, got {kind!r}"
        raise ValueError(message)
    if not 0 < len(value) <= _MAX_VALUE or len(reason) > _MAX_REASON:
        message = f"a denied value has 1 to {_MAX_VALUE} characters, a reason at most {_MAX_REASON}"
        raise ValueError(message)
    if any(each is not None and each.tzinfo is None for each in (since, until)):
        raise ValueError("an entry's times have a zone")
    try:
        if kind == DID:
            check_did(value)
            value = spell_did(value)
        elif kind == KEY:
            value = _thumbprint(value)
    except AgentdidError as error:
        message = f"not a {kind} that can be denied: {error.detail}"
        raise ValueError(message) from None
    # whole seconds: what is written down is what counts
    begun, ended = (None if each is None else each.astimezone(UTC).replace(microsecond=0) for each in (since, until))
    return DenyEntry(kind, value, reason, begun, ended)


def spell_did(did: str) -> str:
    """Return a DID in the spelling by which it is looked up: a did:key of any multibase in that of its key."""
    if not did.startswith(did_key.PREFIX):
        return did
    try:
        return did_key.create(did_key.public_key(did))
    except AgentdidError:
        return did  # no key, so nobody signs by it


def read_denied(rows: Iterable[Table]) -> Mapping[str, DenyEntry]:
    """Return the entries of a trust file's `[[deny]]`, by name. Raises `ValueError`."""
    found = {}
    for row in rows:
        kind, value, reason = row.text("kind"), row.text("value"), row.find_text("reason") or ""
        since, until = row.find_text("since"), row.find_text("until")
        row.close()
        try:
            entry = make_entry(kind, value, reason=reason, since=_instant(since), until=_instant(until))
        except ValueError as error:
            message = f"{row.name}: {error}"
            raise ValueError(message) from None
        found[entry.name] = entry
    return MappingProxyType(found)


def decode_denied(rows: Iterable[Mapping[str, Any]]) -> Mapping[str, DenyEntry]:
    """Return entries as `DenyEntry.encode` wrote them, by name. Raises as `DenyEntry.decode`."""
    entries = [DenyEntry.decode(row) for row in rows]
    return MappingProxyType({entry.name: entry for entry in entries})


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_instant(text, "")
    except AgentdidError as error:
        raise ValueError(error.detail) from None


def _thumbprint(value: str) -> str:
    if _THUMBPRINT.fullmatch(value) is not None:
        return value
    from agentdid.keys.jwk import thumbprint  # noqa: PLC0415  # only whoever writes an entry needs it

    did = value if value.startswith(did_key.PREFIX) else did_key.PREFIX + value
    return thumbprint(did_key.public_key(did))
