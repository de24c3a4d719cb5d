"""What credentials were used for, as a verifier's log tells it: the only thing that a review looks at.

A use is one permitted request at one link of the chain that carried it, so that what a sub-agent did counts for its
delegators too. Where uses come from is the caller's choice: here they are read from a log of evidence bundles, or from
an audit log, which keeps no arguments.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

import msgspec

from agentdid.audit.record import DECISION
from agentdid.codec.instant import parse_instant
from agentdid.errors import AgentdidError
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from agentdid.audit.record import Record

_ACCEPTED: Final = "accepted"


@final
class Usage(Value, frozen=True, eq=False):
    """One permitted request, seen from one link of its chain.

    Attributes:
        at: When it was permitted.
        agent: Who acted.
        credential: The link's `id`.
        issuer: Who issued the link.
        subject: To whom.
        grant: Which of its grants was exercised.
        type: The request's.
        action: The request's.
        resource: The request's.
        arguments: The request's, where the log has them; `None` where it has not.
        below: How many links hung below this one.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"arguments"})

    at: datetime
    agent: str
    credential: str
    issuer: str
    subject: str | None
    grant: str
    type: str
    action: str
    resource: str
    arguments: Mapping[str, Any] | None
    below: int


class _Request(msgspec.Struct):
    type: str
    action: str
    resource: str
    arguments: dict[str, Any]


class _Question(msgspec.Struct):
    request: _Request | None = None


class _Link(msgspec.Struct):
    id: str | None
    issuer: str
    subject: str | None


class _Grant(msgspec.Struct):
    agent: str
    exercised: list[str]
    repeated: bool = False


class _Decision(msgspec.Struct):
    outcome: str
    at: str = ""
    links: list[_Link] = []
    grant: _Grant | None = None


class _Bundle(msgspec.Struct):
    question: _Question
    decision: _Decision


_READER: Final = msgspec.json.Decoder(_Bundle)


def read_usages(path: str | Path) -> Iterator[Usage]:
    """Yield the uses in a log, in its order: a file of evidence bundles, or the folder of an audit log.

    Raises:
        ValueError: A line that is no bundle; the message says which.
        OSError: The file cannot be read.
        AuditLogInvalid: The folder holds another thing than an audit log's records.
    """
    if Path(path).is_dir():
        from agentdid.storage.log_folder import records  # noqa: PLC0415  # most logs here are files of bundles

        for record in records(path):
            yield from usages_of_record(record)
        return
    with Path(path).open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                yield from usages_of(_READER.decode(line))
            except (msgspec.MsgspecError, AgentdidError):
                message = f"{path}: line {number} is no evidence bundle"
                raise ValueError(message) from None


def usages_of_record(record: Record) -> Iterator[Usage]:
    """Yield what one record of an audit log says was done (specs/audit-log.md)."""
    request = record.request
    if record.kind != DECISION or record.outcome != _ACCEPTED or request is None:
        return
    length = len(record.exercised)
    for place, (link, used) in enumerate(zip(record.links, record.exercised, strict=False)):  # the chain comes first
        yield Usage(
            record.at,
            record.agent or "",
            link.id or "",
            link.iss or "",
            link.sub,
            used,
            request.type,
            request.action,
            request.resource,
            None,
            length - 1 - place,
        )


def usages_of(bundle: _Bundle) -> Iterator[Usage]:
    """Yield what one bundle says was done; a repeated request was done once."""
    request, decision = bundle.question.request, bundle.decision
    grant = decision.grant
    if request is None or grant is None or decision.outcome != _ACCEPTED or grant.repeated:
        return
    at, length = parse_instant(decision.at, ""), len(grant.exercised)
    for place, (link, used) in enumerate(zip(decision.links, grant.exercised, strict=False)):  # the chain comes first
        yield Usage(
            at,
            grant.agent,
            link.id or "",
            link.issuer,
            link.subject,
            used,
            request.type,
            request.action,
            request.resource,
            request.arguments,
            length - 1 - place,
        )
