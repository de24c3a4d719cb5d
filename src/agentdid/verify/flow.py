"""The judgement: one order of checks, everywhere. The order is security (specs/verification.md).

Each recipe is a visible tuple; the code of the first check that does not pass is the answer, and no later check has
run. A recipe is a generator: it yields needs and is sent answers (`verify.needs`), and `verify.run` drives it.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, final

from agentdid.errors import AgentdidError
from agentdid.record import Value
from agentdid.trust.content import IGNORED
from agentdid.verify.case import Case, Question, open_case
from agentdid.verify.consume import check_approvals, check_take
from agentdid.verify.content import check_content
from agentdid.verify.decide import Decision, Grant, check_request
from agentdid.verify.holder import check_holder
from agentdid.verify.inputs import check_parse, check_size
from agentdid.verify.report import Report
from agentdid.verify.root import check_algorithms, check_root
from agentdid.verify.signatures import check_signatures
from agentdid.verify.standing import check_status, check_validity
from agentdid.verify.states import seal_verified
from agentdid.verify.structure import check_structure

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from agentdid.clock import Clock
    from agentdid.credential.model import Credential
    from agentdid.delegation.capability import Capability
    from agentdid.query.dcql import Candidate
    from agentdid.verify.memory import Memory
    from agentdid.verify.needs import Need, Reply


@final
class Check(Value, frozen=True, eq=False):
    """One entry of a recipe: its name, its sentences in specs/verification.md, and what runs."""

    name: str
    spec: str
    run: Callable[[Case], Generator[Need, Reply, None] | None]


def check_chain(case: Case) -> None:
    """Hold that each child is narrower than its parent (delegation.chain). Spec: V32."""
    chain, known, pairs = case.parsed.chain, case.known, case.memory.pairs
    for parent, child in pairwise(chain):
        # what two texts say of each other never changes; only pairs whose signatures held come here
        lower, upper = known.get(child.position), known.get(parent.position)
        pair = None if lower is None or upper is None else (lower.text, upper.text)
        if pair is None or pairs.find(pair) is None:
            _delegation()(parent.credential, parent.capability, child.credential, child.capability)  # type: ignore[arg-type]
            if pair is not None:
                pairs.keep(pair, value=True)


@cache
def _delegation() -> Callable[[Credential, Capability, Credential, Capability], None]:
    from agentdid.delegation.chain import check_delegation  # noqa: PLC0415  # only delegated links need it

    return check_delegation


def check_denied(case: Case) -> Generator[Need, Reply, None] | None:
    """Hold that the verifier's deny list has nothing of what was presented (verify.denied). Spec: V44."""
    from agentdid.verify import denied  # noqa: PLC0415  # most verifiers have no deny list

    return denied.check_denied(case)


def check_query(case: Case) -> None:
    """Hold that what was disclosed answers what was asked. Raises `QueryNotSatisfied`. Spec: V33."""
    query = case.question.query
    if query is not None:
        from agentdid.query.dcql import check_satisfied  # noqa: PLC0415  # 4 ms that only questions with a query pay

        shown = [candidate(link.secured.form, link.credential.document) for link in case.parsed.others]
        if case.parsed.chain:
            shown.append(candidate(case.parsed.chain[-1].secured.form, _without_void(case)))
        check_satisfied(query, shown)


def _without_void(case: Case) -> dict[str, object]:
    """Return the leaf's document; a grant that no anchor covers is as if hidden, so it answers nothing."""
    document = case.parsed.chain[-1].credential.document
    if not case.void:
        return document
    from agentdid.delegation.usage import live_grants  # noqa: PLC0415  # only capabilities need it

    live = {grant.id for grant in live_grants([link.capability for link in case.parsed.chain], case.void)}  # type: ignore[misc]
    subject: dict[str, Any] = document["credentialSubject"]  # type: ignore[assignment]  # of a capability, by its form
    capability = subject["capability"]
    grants = [grant for grant in capability["grants"] if grant["id"] in live]
    return {**document, "credentialSubject": {**subject, "capability": {**capability, "grants": grants}}}


# a securing mechanism → the credential format identifier of OpenID4VP 1.0 appendix B, which has none for COSE
_FORMATS: Final = {"vc+sd-jwt": "vc+sd-jwt", "dc+sd-jwt": "dc+sd-jwt", "vc+jwt": "jwt_vc_json", "vc+cose": "vc+cose"}


def _check_policy(case: Case) -> Generator[Need, Reply, None]:
    """Ask the verifier's own policy. Spec: V44."""
    from agentdid.verify.policy import check_policy  # noqa: PLC0415  # most verifiers state none

    return check_policy(case)


def candidate(form: str, document: dict[str, object]) -> Candidate:
    """Return a credential as a query sees it."""
    from agentdid.query.dcql import Candidate  # noqa: PLC0415  # as above

    types = document["vct"] if form == "dc+sd-jwt" else document["type"]
    return Candidate(
        format=_FORMATS.get(form, "ldp_vc"),
        types=tuple(types) if isinstance(types, list) else (str(types),),
        claims=document,
        holder_bound=True,
    )


_ESTABLISH: Final = (
    Check("size", "V1", check_size),
    Check("parse", "V1", check_parse),
    Check("structure", "V2-V3", check_structure),
    Check("algorithms", "V4", check_algorithms),
    Check("root", "V5-V9", check_root),
    Check("signatures", "V10-V15", check_signatures),
)
_STAND: Final = (
    Check("validity", "V23-V24", check_validity),
    Check("status", "V25-V31", check_status),
    Check("delegation", "V32", check_chain),
)
_CONTENT: Final = Check("content", "V42", check_content)
_HOLDER: Final = Check("holder", "V16-V22", check_holder)
_DENIED: Final = Check("denied", "V43", check_denied)
_QUERY: Final = Check("query", "V33", check_query)
_REQUEST: Final = Check("request", "V34-V35", check_request)
_APPROVALS: Final = Check("approvals", "V37", check_approvals)
_POLICY: Final = Check("policy", "V44", _check_policy)
_TAKE: Final = Check("take", "V38-V39", check_take)

# The order is the specification (specs/verification.md).
CREDENTIAL: Final[tuple[Check, ...]] = (*_ESTABLISH, *_STAND)
PRESENTATION: Final[tuple[Check, ...]] = (*_ESTABLISH, _HOLDER, *_STAND, _QUERY, _TAKE)
UNCONSUMED: Final[tuple[Check, ...]] = (*_ESTABLISH, _HOLDER, *_STAND)
"""For test instances: nothing is asked for, and nothing is consumed (`trust.profile`)."""
REQUEST: Final[tuple[Check, ...]] = (*_ESTABLISH, _HOLDER, *_STAND, _QUERY, _REQUEST, _APPROVALS, _TAKE)
CREDENTIAL_REQUEST: Final[tuple[Check, ...]] = (*CREDENTIAL, _REQUEST, _APPROVALS)


def recipe_for(question: Question) -> tuple[Check, ...]:
    """Return the checks that a question asks for, in their order."""
    recipe = _recipe_for(question)
    if question.trust.denies or question.trust.denied:
        place = recipe.index(_STAND[0])
        recipe = (*recipe[:place], _DENIED, *recipe[place:])
    if question.trust.content is not IGNORED:
        place = recipe.index(_STAND[1]) + 1
        recipe = (*recipe[:place], _CONTENT, *recipe[place:])
    if question.trust.policy is not None and _APPROVALS in recipe:
        place = recipe.index(_APPROVALS)
        recipe = (*recipe[:place], _POLICY, *recipe[place:])
    return recipe


def _recipe_for(question: Question) -> tuple[Check, ...]:
    if question.holder:
        if not question.trust.profile.bound_audience:
            return UNCONSUMED
        return PRESENTATION if question.request is None else REQUEST
    return CREDENTIAL if question.request is None else CREDENTIAL_REQUEST


def judgement(
    question: Question, memory: Memory, clock: Clock, exchange: Sequence[tuple[Need, Reply]] = ()
) -> Generator[Need, Reply, Decision | Grant]:
    """Judge one input: yield needs, receive answers, return what was established.

    Args:
        question: What is asked.
        memory: What was learnt from bytes that cannot change.
        clock: For the decision's own later use; the judgement looks at `question.at`.
        exchange: Where the driver notes every need with its answer: the report's evidence.

    Returns:
        A `Grant` when the question carries a request and a holder, else a `Decision`.

    Raises:
        AgentdidError: Of one of the three families, its `report` set.
    """
    case = open_case(question, memory)
    recipe = recipe_for(question)
    try:
        for check in recipe:
            steps = check.run(case)
            if steps is not None:
                yield from steps
    except AgentdidError as error:
        error.report = Report(recipe, recipe.index(check), error, question, exchange, case.parsed, case.ruling)
        raise
    verified = seal_verified(
        case.parsed, question.at, case.void, case.root_anchors, tuple(case.freshness), tuple(case.levels),
        case.downgraded,
    )  # fmt: skip
    decision = Decision(verified, recipe, question, exchange, clock, ruling=case.ruling)
    if question.request is not None and question.holder and not question.historical:
        return Grant(decision, question.request, case.exercised, case.approvals, case.repeated)
    return decision
