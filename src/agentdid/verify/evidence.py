"""Evidence bundles: a question, every answer from outside, and the decision they led to; and the replay of one.

A bundle is JSON (specs/evidence-bundle.md). It holds what was presented, so it is as confidential as the claims in it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, cast, final

from msgspec import DecodeError
from msgspec.json import decode

from agentdid.audit.packed import Packed, name_digest
from agentdid.canon.jcs import canonicalize
from agentdid.clock import FixedClock
from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.codec.strict_json import encode, write_given
from agentdid.delegation.usage import Request
from agentdid.errors import AgentdidError, EncodingInvalid, EvidenceMismatch, Malformed, TypeMismatch
from agentdid.policy.behaviour import Conduct, Conducts
from agentdid.record import Value
from agentdid.trust.anchors import Trust
from agentdid.verify.case import ISSUED_HERE, HttpRequest, IssuedHere, Question
from agentdid.verify.decide import as_outcome
from agentdid.verify.flow import judgement
from agentdid.verify.memory import Memory
from agentdid.verify.needs import (
    Absent,
    NeedConduct,
    NeedDenied,
    NeedFacts,
    NeedKeys,
    NeedMark,
    NeedNonce,
    NeedTake,
    Resource,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdid.delegation.charges import Spend
    from agentdid.verify.decide import Decision, Grant
    from agentdid.verify.needs import Answer, Need, Reply

TYPE: Final = "AgentdidEvidence"
VERSION: Final = 1


@final
class Evidence(Value, frozen=True, eq=False):
    """What a decision rests on, as live values; `encode` makes the bundle of it."""

    question: Question
    exchange: tuple[tuple[Need, Reply], ...]

    def encode(self, result: Decision | Grant | AgentdidError) -> dict[str, object]:
        """Return the bundle, a JSON object that `replay` takes."""
        return {
            "type": TYPE,
            "version": VERSION,
            "question": _encode_question(self.question),
            "answers": [{"need": _encode_need(need), "reply": _encode_reply(reply)} for need, reply in self.exchange],
            "decision": as_outcome(result),
        }

    def pack(self, result: Decision | Grant | AgentdidError, policy: str) -> Packed:
        """Return the bundle as a log keeps it: documents, and the policy, by their digests.

        Args:
            result: The decision.
            policy: The policy's digest; its body the caller adds.

        Spec: specs/audit-log.md G21.
        """
        bodies: dict[str, bytes] = {}
        bundle = {
            "type": TYPE,
            "version": VERSION,
            "question": _encode_question(self.question, {"digest": policy}),
            "answers": [
                {"need": _encode_need(need), "reply": _encode_reply(reply, bodies)} for need, reply in self.exchange
            ],
            "decision": as_outcome(result),
        }
        return Packed(encode(bundle), bodies)


def encode_policy(trust: Trust) -> bytes:
    """Return the bytes of a policy that its digest is of."""
    return canonicalize(trust.encode())


def unpack(packed: dict[str, Any], find: Callable[[str], bytes]) -> dict[str, Any]:
    """Return the bundle that was packed, its documents and its policy put back.

    Args:
        packed: The JSON object of its line.
        find: Returns the body of a digest.

    Raises:
        TypeMismatch: Not a packed bundle; and what `find` raises.
    """
    try:
        question = {**packed["question"]}
        question["trust"] = decode(find(question["trust"]["digest"]))
        answers = [{"need": row["need"], "reply": _refill(row["reply"], find)} for row in packed["answers"]]
    except (KeyError, TypeError, AttributeError, DecodeError):
        raise TypeMismatch("expected a packed evidence bundle as this version writes it") from None
    return {**packed, "question": question, "answers": answers}


def replay(bundle: object, memory: Memory | None = None) -> Decision | Grant | AgentdidError:
    """Judge a bundle's question again, by its own answers, and hold that the decision is the same to the byte.

    Args:
        bundle: What `encode` or `unpack` returned.
        memory: Shared by many replays, so that what they have in common is read once.

    Returns:
        What was decided: a refusal is returned, not raised, when it is the recorded one.

    Raises:
        TypeMismatch: Not a bundle.
        EvidenceMismatch: The recorded answers do not lead to the recorded decision.

    Spec: specs/evidence-bundle.md E5-E8.
    """
    if not isinstance(bundle, dict) or bundle.get("type") != TYPE or bundle.get("version") != VERSION:
        raise TypeMismatch(f"expected an {TYPE} of version {VERSION}", path="/type")
    try:
        question = _decode_question(bundle["question"])
        recorded = [(row["need"], row["reply"]) for row in bundle["answers"]]
        decision = bundle["decision"]
        result = _judge_again(question, recorded, memory or Memory())
    # a policy, an environment, an answer of other types than were written is first met by who uses it
    except (KeyError, TypeError, ValueError, AttributeError, EncodingInvalid):
        raise TypeMismatch("expected an evidence bundle as this version writes it") from None
    if canonicalize(as_outcome(result)) != canonicalize(decision):
        raise EvidenceMismatch("the recorded answers lead to another decision", path="/decision")
    return result


def _refill(reply: object, find: Callable[[str], bytes]) -> object:
    if isinstance(reply, list):
        return [_refill(each, find) for each in reply]
    if not isinstance(reply, dict) or "digest" not in reply:
        return reply
    held = {name: each for name, each in reply.items() if name != "digest"}
    return {**held, **_encode_bytes(find(reply["digest"]))}


def _judge_again(
    question: Question, recorded: list[tuple[object, object]], memory: Memory
) -> Decision | Grant | AgentdidError:
    steps = judgement(question, memory, FixedClock(question.at))
    left = iter(recorded)
    result: Decision | Grant | AgentdidError
    try:
        need = next(steps)
        for asked, reply in left:
            if canonicalize(_encode_need(need)) != canonicalize(asked):
                raise EvidenceMismatch("the judgement asks for something else than was recorded", path="/answers")
            need = steps.send(_decode_reply(reply))
    except StopIteration as end:
        result = cast("Decision | Grant", end.value)
    except AgentdidError as error:
        if error.report is None:
            raise  # about the bundle, not about what was judged
        result = error
    else:
        raise EvidenceMismatch("the judgement asks for more than was recorded", path="/answers")
    if next(left, None) is not None:
        raise EvidenceMismatch("more was recorded than the judgement asks for", path="/answers")
    return result


def _encode_input(raw: bytes | str | dict[str, object] | list[object]) -> dict[str, object]:
    try:
        if isinstance(raw, bytes):
            return {"text": raw.decode("utf-8")}
        if isinstance(raw, str):
            raw.encode("utf-8")
            return {"text": raw}
    except UnicodeDecodeError:
        return {"base64url": encode_base64url(raw)}  # type: ignore[arg-type]  # bytes, as they were decoded
    except UnicodeEncodeError:  # a lone surrogate: text that no UTF-8 holds
        return {"utf16": encode_base64url(raw.encode("utf-16-be", "surrogatepass"))}  # type: ignore[union-attr]
    written = write_given(raw)
    return {"json": raw} if isinstance(written, bytes) else {"text": written}


def _decode_input(shown: dict[str, Any]) -> bytes | str | dict[str, object] | list[object]:
    if "text" in shown:
        return cast("str", shown["text"])
    if "base64url" in shown:
        return decode_base64url(shown["base64url"])
    if "utf16" in shown:
        return decode_base64url(shown["utf16"]).decode("utf-16-be", "surrogatepass")
    return cast("dict[str, object]", shown["json"])


def _encode_question(question: Question, trust: dict[str, object] | None = None) -> dict[str, object]:
    challenge = question.challenge
    return {
        "input": _encode_input(question.raw),
        "holder": question.holder,
        "trust": question.trust.encode() if trust is None else trust,
        "at": question.at.isoformat(),
        "challenge": {"issuedHere": challenge.nonce or True} if isinstance(challenge, IssuedHere) else challenge,
        "query": None if question.query is None else question.query.source,
        "request": None if question.request is None else _encode_request(question.request),
        "http": None
        if question.http is None
        else {
            "method": question.http.method,
            "url": question.http.url,
            "contentDigest": question.http.content_digest,
        },
        "environment": dict(question.environment),
        "historical": question.historical,
    }


def _decode_question(value: Any) -> Question:  # noqa: ANN401  # JSON of a bundle; a wrong shape is caught by the caller
    from agentdid.query.dcql import parse_query  # noqa: PLC0415  # a first verdict replays nothing

    challenge, http = value["challenge"], value["http"]
    return Question(
        raw=_decode_input(value["input"]),
        holder=value["holder"],
        trust=Trust.decode(value["trust"]),
        at=datetime.fromisoformat(value["at"]),
        challenge=_decode_challenge(challenge),
        query=None if value["query"] is None else parse_query(value["query"]),
        request=None if value["request"] is None else Request(**value["request"]),
        http=None if http is None else HttpRequest(http["method"], http["url"], http["contentDigest"]),
        environment=value["environment"],
        historical=value["historical"],
    )


def _decode_challenge(value: str | dict[str, object] | None) -> str | IssuedHere | None:
    if not isinstance(value, dict):
        return value
    nonce = value["issuedHere"]
    return IssuedHere(nonce) if isinstance(nonce, str) else ISSUED_HERE


def _encode_request(request: Request) -> dict[str, object]:
    return {
        "type": request.type,
        "action": request.action,
        "resource": request.resource,
        "arguments": dict(request.arguments),
        "id": request.id,
    }


def _encode_need(need: Need) -> dict[str, object]:
    match need:
        case NeedKeys():
            return {"kind": "keys", "did": need.did, "url": need.url}
        case NeedFacts():
            return {"kind": "facts", "urls": list(need.urls), "maxAge": need.max_age_s}
        case NeedNonce():
            return {"kind": "nonce", "nonce": need.nonce}
        case NeedMark():
            return {"kind": "mark", "scid": need.scid, "version": need.versions[-1] if need.versions else None}
        case NeedConduct():
            return {
                "kind": "conduct",
                "agents": list(need.agents),
                "action": need.action,
                "resource": need.resource,
                "at": need.at.isoformat(),
                "window": need.window_s,
            }
        case NeedTake():
            taken: dict[str, object] = {"kind": "take", "audience": need.audience, "nonce": need.nonce}
            if need.names:
                taken["names"] = list(need.names)
            return taken if need.spend is None else {**taken, "spend": _encode_spend(need.spend)}
        case NeedDenied():
            return {"kind": "denied", "names": list(need.names)}


def _encode_spend(spend: Spend) -> dict[str, object]:
    return {
        "request": spend.request,
        "fingerprint": spend.fingerprint,
        "charges": [
            {
                "key": charge.key,
                "amount": charge.amount,
                "max": charge.maximum,
                "window": charge.window_s,
                "for": charge.place,
            }
            for charge in spend.charges
        ],
    }


def _encode_reply(reply: Reply, bodies: dict[str, bytes] | None = None) -> object:
    if isinstance(reply, tuple):
        return [_encode_answer(each, bodies) for each in reply]
    if isinstance(reply, Conducts):
        return {"conducts": [_encode_conduct(each) for each in reply.each]}
    return reply if isinstance(reply, str) else _encode_answer(reply, bodies)


def _encode_conduct(conduct: Conduct) -> dict[str, object]:
    return {
        "agent": conduct.agent,
        "accepted": conduct.accepted,
        "actionSeen": conduct.action_seen,
        "placeSeen": conduct.place_seen,
        "hour": conduct.hour,
        "calls": conduct.calls,
        "peak": conduct.peak,
        "refused": conduct.refused,
    }


def _decode_conducts(rows: object) -> Conducts:
    try:
        return Conducts(tuple(_decode_conduct(row) for row in cast("list[dict[str, Any]]", rows)))
    except (KeyError, TypeError, AttributeError):
        raise TypeMismatch("expected a recorded conduct", path="/answers") from None


def _decode_conduct(row: dict[str, Any]) -> Conduct:
    found = Conduct(
        agent=row["agent"],
        accepted=row["accepted"],
        action_seen=row["actionSeen"],
        place_seen=row["placeSeen"],
        hour=row["hour"],
        calls=row["calls"],
        peak=row["peak"],
        refused=row["refused"],
    )
    counts = (found.accepted, found.hour, found.calls, found.peak, found.refused)
    if not all(type(each) is int and each >= 0 for each in counts):
        raise TypeError
    return found


def _encode_answer(answer: Answer, bodies: dict[str, bytes] | None) -> dict[str, object]:
    if isinstance(answer, Absent):
        return {"url": answer.url, "code": answer.code, "detail": answer.detail}
    held: dict[str, object] = {"url": answer.url, "heldAt": answer.held_at.isoformat()}
    if bodies is None:
        return held | _encode_bytes(answer.body)
    name = name_digest(answer.digest)
    bodies[name] = answer.body
    held["digest"] = name
    return held


def _encode_bytes(body: bytes) -> dict[str, object]:
    try:
        return {"text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64url": encode_base64url(body)}


def _decode_reply(value: object) -> Reply:
    if isinstance(value, list):
        return tuple(_decode_answer(each) for each in value)
    if isinstance(value, dict) and "conducts" in value:
        return _decode_conducts(value["conducts"])
    return value if isinstance(value, str) else _decode_answer(value)


def _decode_answer(value: object) -> Answer:
    row = cast("dict[str, str]", value)
    try:
        if "code" in row:
            return Absent(row["url"], row["code"], row["detail"])
        body = row["text"].encode("utf-8") if "text" in row else decode_base64url(row["base64url"])
        return Resource(row["url"], body, datetime.fromisoformat(row["heldAt"]))
    except (KeyError, TypeError, ValueError, AttributeError, Malformed):
        raise TypeMismatch("expected a recorded answer", path="/answers") from None
