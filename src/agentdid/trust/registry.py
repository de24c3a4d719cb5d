"""Trust registries that a verifier asks: what they are believed about, and their questions and answers (TRQP v2.0).

A registry answers with a bare yes or no over TLS, signed by nobody. So it is believed about no more than one issuer and
the very actions that were asked, within what the verifier's own file lets it speak of.

* A credential of a type: action `issue`, resource the type.
* A grant of a capability chain: action `grant:` and the grant's action, resource the owner's DID.
* The question is named by a URL of the scheme `trqp+https`, whose query holds its members: what `sources.trqp` turns
  into the request, and under which an answer is held, recorded and replayed.

Spec: Trust Registry Query Protocol v2.0, Authorization and Recognition Query and Response Schemas; HTTPS Binding.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast, final
from urllib.parse import parse_qsl, urlencode

from agentdid.codec.instant import parse_instant
from agentdid.codec.strict_json import parse_object
from agentdid.errors import TypeMismatch
from agentdid.record import Value
from agentdid.trust.trust_list import decode_scope, encode_scope

if TYPE_CHECKING:
    from datetime import datetime

    from agentdid.limits import Limits
    from agentdid.trust.scope import Claim, Scope

SCHEME: Final = "trqp+"
AUTHORIZATION: Final = "authorization"
RECOGNITION: Final = "recognition"
VERDICTS: Final = {AUTHORIZATION: "authorized", RECOGNITION: "recognized"}
"""What a query is called → the member that says yes or no."""
ISSUE: Final = "issue"
GRANT: Final = "grant:"
DEFAULT_MAX_AGE_S: Final = 300.0
_BASE: Final = re.compile(r"https://[A-Za-z0-9.\-\[\]:]+(?:/[!$&-.0-;=@-Z_a-z~%/]*)?")
_QUESTION: Final = ("entity_id", "authority_id", "action", "resource")


@final
class Query(Value, frozen=True):
    """One question to a registry.

    Attributes:
        kind: `authorization`, or `recognition` where `entity` is an authority itself.
        entity: About whom.
        authority: Whose word is asked for.
        action: To do what.
        resource: On what.
        time: As of when, RFC 3339 in UTC; by default now.
    """

    kind: str
    entity: str
    authority: str
    action: str
    resource: str
    time: str | None = None

    def name(self, base: str) -> str:
        """Return the URL that names this question to the registry at a URL."""
        return f"{SCHEME}{base}/{self.kind}?{urlencode(self.members())}"

    def members(self) -> dict[str, str]:
        """Return what is asked, flat."""
        asked = {
            "entity_id": self.entity,
            "authority_id": self.authority,
            "action": self.action,
            "resource": self.resource,
        }
        return asked if self.time is None else {**asked, "time": self.time}

    def body(self) -> dict[str, object]:
        """Return the request's JSON object."""
        asked: dict[str, object] = dict(self.members())
        time = asked.pop("time", None)
        return asked if time is None else {**asked, "context": {"time": time}}


@final
class Answer(Value, frozen=True):
    """What a registry said.

    Attributes:
        positive: Whether it said yes.
        evaluated: When it looked, by its own clock.
        message: Its words for people.
    """

    positive: bool
    evaluated: datetime
    message: str


@final
class Registry(Value, frozen=True):
    """A registry that is believed.

    Attributes:
        url: Before `/authorization`; without a slash at its end.
        authority: The `authority_id` whose word it gives.
        scope: What it may speak of at most; it lets nobody act for other principals, nor sign others' status lists.
        max_age_s: How old an answer may be.
    """

    url: str
    authority: str
    scope: Scope
    max_age_s: float = DEFAULT_MAX_AGE_S

    def questions(self, claim: Claim) -> tuple[tuple[str, Query], ...]:
        """Return what to ask about a claim, each with the action or type it is about; empty where nothing may count.

        Every type of a credential must be allowed; of a chain, each action stands for itself.
        """
        allowed = self.scope.find_allowed(claim)
        if allowed is None or claim.principal is not None:
            return ()
        if claim.root is None:
            return tuple([(each, self._ask(claim.issuer, ISSUE, each)) for each in sorted(claim.types)])
        return tuple([(each, self._ask(claim.issuer, GRANT + each, claim.root)) for each in allowed])

    def encode(self) -> dict[str, object]:
        """Return it as JSON for evidence bundles."""
        scope = encode_scope(self.scope)
        return {"url": self.url, "authority": self.authority, **scope, "maxAge": self.max_age_s}

    @classmethod
    def decode(cls, value: object) -> Registry:
        """Return what `encode` wrote. Raises `KeyError` or `TypeError` for anything else."""
        row = cast("dict[str, Any]", value)
        return cls(row["url"], row["authority"], decode_scope(row), row["maxAge"])

    def _ask(self, issuer: str, action: str, resource: str) -> Query:
        return Query(AUTHORIZATION, issuer, self.authority, action, resource)


def check_base(text: str) -> str:
    """Return a registry's URL without a slash at its end. Raises `ValueError` for anything else."""
    base = text.rstrip("/")
    if _BASE.fullmatch(base) is None:
        message = f"expected an https URL without query and fragment, got {text!r}"
        raise ValueError(message)
    return base


def parse_name(name: str) -> tuple[str, Query]:
    """Return where a question goes, an https URL, and the question that a URL names.

    Raises:
        TypeMismatch: It names none.
    """
    url, _, query = name.removeprefix(SCHEME).partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    asked, kind = dict(pairs), url.rpartition("/")[2]
    known = asked.keys() <= {*_QUESTION, "time"} and asked.keys() >= set(_QUESTION) and len(asked) == len(pairs)
    if not name.startswith(f"{SCHEME}https://") or kind not in VERDICTS or not known:
        raise TypeMismatch("expected the name of a registry's question")
    entity, authority, action, resource = (asked[each] for each in _QUESTION)
    return url, Query(kind, entity, authority, action, resource, asked.get("time"))


def parse_answer(body: bytes, query: Query, limits: Limits) -> Answer:
    """Return what a registry answers, if it answers this question.

    Raises:
        Malformed: Not JSON, or not of the protocol's form.
        TypeMismatch: An answer to another question.

    Spec: Trust Registry Query Protocol v2.0, Authorization Response Schema, Recognition Response Schema.
    """
    answer = cast("dict[str, object]", parse_object(body, limits).value)
    for name, asked in zip(_QUESTION, (query.entity, query.authority, query.action, query.resource), strict=True):
        if answer.get(name) != asked:
            raise TypeMismatch("the answer is to another question", path=f"/{name}")
    verdict = answer.get(VERDICTS[query.kind])
    if type(verdict) is not bool:
        raise TypeMismatch("expected true or false", path=f"/{VERDICTS[query.kind]}")
    message, context = answer.get("message", ""), answer.get("context", {})
    if not isinstance(message, str) or not isinstance(context, dict):
        raise TypeMismatch("expected a message and a context of their types")
    time = context.get("time")
    if time != query.time and (time is not None or answer.get("time_requested") != query.time):
        raise TypeMismatch("the answer is about another time", path="/context/time")
    return Answer(verdict, parse_instant(answer.get("time_evaluated"), "/time_evaluated"), message)
