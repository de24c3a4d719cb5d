"""The end of a judgement: approvals are there, and then everything is consumed at once, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import structs

from agentdid.clock import seconds
from agentdid.codec.base import encode_multibase
from agentdid.errors import (
    ApprovalRequired,
    ApprovalUsed,
    Denied,
    LimitExceeded,
    NonceReplayed,
    PolicyDenied,
    Refused,
    RequestIdConflict,
    StoreUnavailable,
)
from agentdid.verify.needs import NeedTake

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from datetime import datetime

    from agentdid.delegation.approval import Asking
    from agentdid.delegation.charges import Charge, Spend
    from agentdid.delegation.usage import Request
    from agentdid.verify.case import Case
    from agentdid.verify.needs import Need, Reply

_EXCEEDED: Final = "exceeded:"
_DENIED: Final = "denied:"


def check_approvals(case: Case) -> None:
    """Hold that whoever asks for approvals of this request, grants and policy, has them; sets `case.approvals`.

    Raises:
        ApprovalRequired: One has too few; the error says what is to be approved.

    Spec: specs/approval.md A8-A11.
    """
    question = case.question
    request = question.request
    if request is None:
        return
    from agentdid.delegation.approval import choose  # noqa: PLC0415  # only requests need it

    asking, own = _asking(case, request), _own(case)
    if not asking and own is None:
        return
    fitting, subjects = _fitting(case, request), _subjects(case)
    used, lacking = choose([*asking, own] if own is not None else asking, fitting, subjects)
    if lacking is not None and lacking is own and case.ruling is not None and case.ruling.pace:
        own = None  # nobody agreed, and as long as the agent keeps its pace nobody need
        used, lacking = choose(asking, fitting, subjects)
    if lacking is not None:
        who = "the verifier's policy" if lacking is own else f"grant {lacking.id}"
        error = ApprovalRequired(f"{who} lets this happen only with an approval")
        error.approval = _asked(case, request, asking if own is None else [*asking, own], subjects)
        raise error
    if own is not None and case.ruling is not None:
        case.ruling = structs.replace(case.ruling, pace=())
    case.approvals = tuple(link for link in case.parsed.others if link.position in used)


def check_take(case: Case) -> Generator[Need, Reply, None]:
    """Consume the nonce and all that the request spends, once and atomically, after everything else held.

    Raises:
        NonceReplayed: It was used before.
        Denied: The deny list has something of it, by now.
        LimitExceeded: A limit of the exercised grant, or of one above it, leaves no room.
        ApprovalUsed: An approval was used up before.
        ApprovalRequired: Meanwhile the agent has made so many calls that its autonomy is no longer enough.
        RequestIdConflict: The request's id named another call before.
        StoreUnavailable: The store did not answer.

    Spec: specs/verification.md V38-V39.
    """
    presentation = case.parsed.presentation
    binding = None if presentation is None else presentation.binding
    if binding is None or binding.expires is None:
        message = "check_take needs a presentation whose binding held"
        raise TypeError(message)
    limits = case.question.trust.limits
    # for as long as the presentation, or the challenge it answers, could be taken again
    keep = binding.expires + seconds(limits.leeway_s + limits.nonce_life_s)
    spend = _spend(case, keep)
    names: tuple[str, ...] = ()
    if case.names:
        from agentdid.verify.denied import still_denied  # noqa: PLC0415  # most verifiers have no deny list

        names = still_denied(case)
    answer = yield NeedTake(case.question.trust.audience, str(binding.nonce), keep, spend, names)
    if answer == "taken" or (answer == "repeated" and spend is not None):
        case.repeated = answer == "repeated"
        return
    if answer == "replayed":
        raise NonceReplayed("this challenge has been answered before")
    if answer == "conflict":
        raise RequestIdConflict("another call was made under this request id")
    if isinstance(answer, str) and answer.startswith(_EXCEEDED) and spend is not None:
        charge = spend.charges[int(answer.removeprefix(_EXCEEDED))]
        if charge.pace:
            raise _outpaced(case)
        if charge.approval:
            raise ApprovalUsed(f"approval {charge.place} has been used as often as it may be")
        raise LimitExceeded(f"limit {charge.place} leaves no room for this request")
    if isinstance(answer, str) and answer.startswith(_DENIED) and names:
        raise Denied("this verifier denies it")
    raise StoreUnavailable("the store of nonces did not answer")


def _asking(case: Case, request: Request) -> list[Asking]:
    """Return the exercised grants that ask for approvals of this request, root first."""
    from agentdid.delegation.usage import approval_applies  # noqa: PLC0415  # as above

    question = case.question
    environment = {"env.time": question.at, **question.environment}
    return [grant for grant in case.exercised if approval_applies(grant, request, environment)]


def _own(case: Case) -> Asking | None:
    """Return the verifier's own rule on approvals, where it asks, or would if the agent were faster."""
    ruling = case.ruling
    if ruling is None or not ruling.approvers or not (ruling.asks or ruling.pace):
        return None
    from agentdid.verify.policy import find_rule  # noqa: PLC0415  # only where there is a policy

    return find_rule(ruling)


def _fitting(case: Case, request: Request) -> dict[str, int]:
    """Return where an approval stands that names this very call and chain, by its approver."""
    call, chain = _call_digest(case, request), _chain_digest(case)
    named = (request.type, request.action, request.resource, call, chain, case.question.trust.did)
    fitting: dict[str, int] = {}
    for link in case.parsed.others:
        given = link.approval
        if given is not None and named == (
            given.type, given.action, given.resource, given.arguments_digest, given.chain_digest, given.audience,
        ):  # fmt: skip
            fitting.setdefault(link.credential.issuer, link.position)
    return fitting


def _subjects(case: Case) -> frozenset[str]:
    return frozenset(link.subject for link in case.parsed.chain if link.subject is not None)


def _outpaced(case: Case) -> Refused:
    """Return why a call is refused whose agent made so many meanwhile that its autonomy is no longer enough."""
    request, own = case.question.request, _own(case)
    if request is None or own is None:
        return PolicyDenied("autonomy: the agent calls far more often than before, and nobody is configured to approve")
    error = ApprovalRequired("the agent calls far more often than before, which the policy lets happen only approved")
    error.approval = _asked(case, request, [*_asking(case, request), own], _subjects(case))
    return error


def _spend(case: Case, keep: datetime) -> Spend | None:
    """Return what the request spends beside the nonce; `None` for nothing, which is the common case."""
    request = case.question.request
    if request is None:
        return None
    from agentdid.delegation.charges import Spend, charges_of, name_of, use_of  # noqa: PLC0415  # only requests need it
    from agentdid.delegation.usage import has_limits  # noqa: PLC0415

    paces = _paces(case, keep)
    counted = paces or any(has_limits(grant) for grant in case.exercised)
    if not counted and not case.approvals and request.id is None:
        return None
    limits = case.question.trust.limits
    pairs = zip([link.credential for link in case.parsed.chain], case.exercised, strict=True)
    charges = charges_of(pairs, request, keep)
    uses = tuple(
        [use_of(link.credential, link.approval.max_uses, keep) for link in case.approvals if link.approval is not None]
    )
    name = None
    if request.id is not None:
        presenter = case.parsed.presentation
        name = name_of("request", case.question.trust.did, presenter and presenter.signer, request.id)
    fingerprint = name_of("call", _call_digest(case, request), _chain_digest(case))
    return Spend(charges + uses + paces, name, fingerprint, case.question.at + seconds(limits.request_id_life_s))


def _paces(case: Case, keep: datetime) -> tuple[Charge, ...]:
    if case.ruling is None or not case.ruling.pace:
        return ()
    from agentdid.verify.policy import paces_of  # noqa: PLC0415  # as above

    return paces_of(case, case.ruling, keep)


def _call_digest(case: Case, request: Request) -> str:
    from agentdid.delegation.approval import digest_of_call  # noqa: PLC0415  # as above

    http = case.question.http
    return digest_of_call(request, None if http is None else http.content_digest)


def _chain_digest(case: Case) -> str:
    from agentdid.delegation.approval import digest_of_chain  # noqa: PLC0415  # as above

    return digest_of_chain([link.secured.digest for link in case.parsed.chain])


def _asked(case: Case, request: Request, asking: Sequence[Asking], subjects: frozenset[str]) -> dict[str, object]:
    """Return what is to be approved, as an approver's software takes it (specs/approval.md A8)."""
    from agentdid.delegation.approval import eligible  # noqa: PLC0415  # as above

    http = case.question.http
    rules = [each.approval for each in asking]
    return {
        "type": request.type,
        "action": request.action,
        "resource": request.resource,
        "arguments": dict(request.arguments),
        "contentDigest": None if http is None else http.content_digest,
        "argumentsDigest": _call_digest(case, request),
        "links": [
            {
                "id": link.credential.id,
                "issuer": link.credential.issuer,
                "subject": link.subject,
                "digestMultibase": encode_multibase(b"\x12\x20" + link.secured.digest, "u"),
            }
            for link in case.parsed.chain
        ],
        "chainDigest": _chain_digest(case),
        "audience": [case.question.trust.did],
        "rules": [
            {"approvers": eligible(rule.approvers, subjects), "threshold": rule.threshold}
            for rule in rules
            if rule is not None
        ],
    }
