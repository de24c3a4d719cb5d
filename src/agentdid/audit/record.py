"""What is kept of one thing that was decided or done: who, what, when, by what policy, with what outcome.

Nobody's claims stand in it, no argument's value and nothing that was presented: names (DIDs, ids, actions), digests,
and what the caller says of its own accord. What a stranger wrote is printable ASCII by the time it is a record, so
that no line of a log moves a terminal's cursor or looks like two (ATTACKS R01, R04).

Spec: specs/audit-log.md G5-G12.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  # msgspec reads the annotation as it runs
from typing import Annotated, Final, final
from urllib.parse import quote

import msgspec
from msgspec import Meta, field

from agentdid.record import Value

DECISION: Final = "decision"
ISSUANCE: Final = "issuance"
REVOCATION: Final = "revocation"
SUSPENSION: Final = "suspension"
REINSTATEMENT: Final = "reinstatement"
ROTATION: Final = "rotation"
APPROVAL: Final = "approval"
DENIAL: Final = "denial"
POLICY: Final = "policy"
LOG: Final = "log"
RECOVERY: Final = "recovery"
KINDS: Final = frozenset(
    {DECISION, ISSUANCE, REVOCATION, SUSPENSION, REINSTATEMENT, ROTATION, APPROVAL, DENIAL, POLICY, LOG, RECOVERY}
)  # fmt: skip
"""What an entry can be about. A kind of your own is `x-` and a name."""
DONE: Final = "done"
"""The outcome of what was not judged but done."""

MAX_NAME: Final = 8_192
"""Characters of any text: the did:key of an ML-DSA-87 key has 4,700."""
MAX_TEXT: Final = 2_048
"""Characters of a text that a stranger wrote; what is longer is cut."""
MAX_CONTEXT: Final = 16
"""Members of `context`, each value at most `MAX_VALUE` characters."""
MAX_VALUE: Final = 512
_PRINTABLE: Final = "".join(chr(code) for code in range(0x20, 0x7F))
Text = Annotated[str, Meta(max_length=MAX_NAME)]


@final
class Call(Value, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What was asked to be done; make one with `name_call`.

    Attributes:
        type: `http`, `mcp_tool` or `a2a_skill`.
        action: The action's name.
        resource: What it was to be done to, without its query.
        arguments_digest: Of the whole call (specs/approval.md A5); values never stand in a record.
    """

    type: Text
    action: Text
    resource: Text
    arguments_digest: Text


@final
class Named(Value, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A credential by its names.

    Attributes:
        id: Its `id`.
        iss: Its issuer.
        sub: Its subject.
        digest: The multihash that names it as a parent (specs/delegation.md D7).
    """

    id: Text | None = None
    iss: Text | None = None
    sub: Text | None = None
    digest: Text | None = None


@final
class Place(Value, frozen=True, forbid_unknown_fields=True):
    """Where the evidence of an entry lies, in the file of the entry's day (UTC).

    Attributes:
        at: The offset of its line.
        length: Of the line, without its end.
        digest: The multibase multihash of the line.
    """

    at: int
    length: int
    digest: Text


@final
class Record(Value, frozen=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """One thing that was decided or done.

    Attributes:
        at: When.
        kind: One of `KINDS`.
        actor: The DID of whoever decided or did it.
        outcome: Of a decision `accepted`, `refused`, `malformed` or `undecided`; else `done`.
        code: Of a decision that is no yes: why.
        agent: The DID it concerns: who presented, or to whom something was issued. Never a mere claim: it stands here
            only where its signature held.
        principal: The DID for which it acts.
        request: What was asked to be done.
        links: The credentials, a chain root first; of a decision only where their signatures held.
        exercised: The id of the grant used at each link.
        approvals: The ids of the approvals that were used.
        policy: The digest of the trust policy.
        policies: The names of the policies that decided, beside it.
        reasoning: An opaque reference to why, by whoever acted.
        context: What else the caller says; no claims.
        evidence: Where the bundle lies from which it can be decided again.
        index: Its number in the log, from 0; set as it is appended.
    """

    at: datetime
    kind: str
    actor: Text
    outcome: str = DONE
    code: str | None = None
    agent: Text | None = None
    principal: Text | None = None
    request: Call | None = None
    links: tuple[Named, ...] = ()
    exercised: tuple[Text, ...] = ()
    approvals: tuple[Text, ...] = ()
    policy: Text | None = None
    policies: tuple[Text, ...] = ()
    reasoning: Text | None = None
    context: dict[str, str] = field(default_factory=dict)
    evidence: Place | None = None
    index: int = -1

    def __post_init__(self) -> None:
        """Hold the kind and the context, whoever makes it or reads it."""
        if self.kind not in KINDS and not self.kind.startswith("x-"):
            message = f"a record's kind is one of {', '.join(sorted(KINDS))}, or x- and a name"
            raise ValueError(message)
        if self.context:
            check_context(self.context)


_decode: Final = msgspec.json.Decoder(Record).decode
encode_record: Final = msgspec.json.Encoder(order="sorted").encode
"""Record → its RFC 8785 bytes: ASCII member names, integers, strings."""


def decode_record(body: bytes) -> Record:
    """Return the record of the bytes that `encode_record` wrote, and no others.

    Raises:
        ValueError: Other bytes.
    """
    try:
        record = _decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        record = None
    if record is None or encode_record(record) != body:
        raise ValueError("not a record as it is written")
    return record


def name_call(kind: str, action: str, resource: str, arguments_digest: str) -> Call:
    """Return a call as it stands in a record: its resource without query, its texts fit to be printed."""
    return Call(clean(kind), clean(action), clean(resource.partition("?")[0]), arguments_digest)


def clean(text: str) -> str:
    """Return a text that others wrote, as printable ASCII of bounded length: what is not is percent-encoded UTF-8."""
    if not (text.isascii() and text.isprintable()):
        text = quote(text.encode("utf-8", "surrogatepass"), safe=_PRINTABLE)
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT]


def check_context(context: dict[str, str]) -> None:
    """Hold the form of a context: few members with ASCII names and short printable values.

    Raises:
        ValueError: It has another.
    """
    for name, value in context.items():
        if not (type(name) is str and type(value) is str and name.isascii() and value.isascii()):
            raise ValueError("a context maps ASCII names to ASCII values")
        if not (name.isprintable() and value.isprintable()) or len(name) > MAX_VALUE or len(value) > MAX_VALUE:
            message = f"names and values of a context are printable, of at most {MAX_VALUE} characters"
            raise ValueError(message)
    if len(context) > MAX_CONTEXT:
        message = f"a context has at most {MAX_CONTEXT} members"
        raise ValueError(message)
