"""The verifier as applications hold it: the judgement with its sources, its store of nonces and its log."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol, cast, final

from msgspec.structs import replace

from agentdid.clock import Clock, FixedClock, SystemClock
from agentdid.errors import AgentdidError, StoreUnavailable
from agentdid.verify.case import HttpRequest, IssuedHere, Question
from agentdid.verify.memory import Memory
from agentdid.verify.needs import NeedConduct, NeedDenied, NeedFacts, NeedKeys, NeedMark, NeedTake
from agentdid.verify.run import answer_from, arun, report_of, run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentdid.audit.head import Audit
    from agentdid.audit.receipt import ReceiptKey
    from agentdid.delegation.usage import Request
    from agentdid.query.dcql import Query
    from agentdid.sources.events import Refreshing, StatusEvents
    from agentdid.storage.denied import DeniedStore
    from agentdid.trust.anchors import Trust
    from agentdid.trust.denied import DenyEntry
    from agentdid.verifier.keeping import Keeper
    from agentdid.verify.decide import Decision, Grant
    from agentdid.verify.needs import Answer, Baselines, DenyList, Marks, Need, Reply, Source, Takes
    from agentdid.verify.report import Report

Presented = bytes | str | dict[str, object]
_PRESENT: Final = timedelta(seconds=1)
_CHALLENGES: Final = (str, IssuedHere)


class Log(Protocol):
    """Where evidence bundles go, one for each decision."""

    def append(self, bundle: dict[str, object]) -> None:
        """Keep one bundle; raising refuses the decision."""
        ...


@final
class Verifier:
    """Judges presentations and credentials under one trust policy. Safe among threads and tasks.

    Args:
        trust: The policy; see `Trust.load`.
        source: Where DID documents and status lists come from; by default the network, through its guard.
        takes: The store of consumed nonces and of counters, shared by all verifiers of one audience; by default the
            one that the policy's `[store]` names, else this process's memory, which a second process does not see and
            a restart forgets.
        marks: The highest version seen of each did:webvh; by default this process's memory, so that only
            `agentdid.storage.marks.SqlMarks` remembers beyond it.
        baselines: What was seen of agents before, where the policy looks at behaviour; by default this process's
            memory, which a second process does not see and a restart forgets (`agentdid.storage.baselines`).
        clock: Tells the time of judgement.
        log: Keeps the evidence of every decision.
        audit: The tamper-evident log in which every decision stands, and every change of the policy; see
            `agentdid.storage.audit_log.AuditLog`.
        receipts: The key that signs receipts (`agentdid.audit.receipt.ReceiptKey`), a method of the policy's DID.
        memory: What was learnt from bytes that cannot change; by default its own.
        denied: The deny list; by default the one beside `takes`, asked if the policy has one (`Trust.denies`) or from
            the first `deny` on.
    """

    def __init__(
        self,
        trust: Trust,
        *,
        source: Source | None = None,
        takes: Takes | None = None,
        marks: Marks | None = None,
        baselines: Baselines | None = None,
        clock: Clock | None = None,
        log: Log | None = None,
        audit: Audit | None = None,
        receipts: ReceiptKey | None = None,
        memory: Memory | None = None,
        denied: DeniedStore | None = None,
    ) -> None:
        self.trust = trust if denied is None or trust.denies else replace(trust, denies=True)
        self._clock = clock or SystemClock()
        self._source = source
        self._takes = takes
        self._marks = marks
        self._baselines = baselines
        self._log = log
        self._memory = memory or Memory()
        self._denied = denied
        self._keeper: Keeper | None = None
        if audit is not None or receipts is not None:
            from agentdid.verifier.keeping import Keeper  # noqa: PLC0415  # a first verdict keeps nothing

            if receipts is not None and receipts.did != trust.did:
                message = "receipts are signed by a key of the policy's own DID"
                raise ValueError(message)
            if receipts is not None and not receipts.signer.public.algorithm.jose:
                message = "receipts are JWTs, and no JOSE algorithm signs with a key of this kind"
                raise ValueError(message)
            self._keeper = Keeper(audit, receipts)
            self._keeper.keep_policy(self.trust, self._clock.now())

    @property
    def takes(self) -> Takes:
        """The store of consumed nonces and of counters.

        Raises:
            StoreUnavailable: The policy names one that cannot be opened.
        """
        if self._takes is None:
            from agentdid.storage.takes import MEMORY, open_takes  # noqa: PLC0415  # a bare credential needs none

            self._takes = open_takes(self.trust.store or MEMORY, self.trust.limits)
        return self._takes

    @property
    def denied(self) -> DeniedStore:
        """The deny list.

        Raises:
            StoreUnavailable: The policy names a store that cannot be opened, or the store of nonces has no such list.
        """
        if self._denied is None:
            found = getattr(self.takes, "denied", None)
            if found is None:
                raise StoreUnavailable("this store of nonces has no deny list beside it")
            self._denied = found
        return self._denied

    def deny(self, kind: str, value: str, *, reason: str = "", until: datetime | None = None) -> DenyEntry:
        """Deny a party, a credential or a key from now on, whatever else holds, in all processes that share the list.

        Args:
            kind: `did`, `credential` or `key`.
            value: The DID; the credential's `id`; the key's RFC 7638 thumbprint, Multikey or did:key.
            reason: For people who read the list.
            until: When it ends; by default never.

        Raises:
            ValueError: No such kind, or a value that is none of it.
            StoreUnavailable: It was not written.

        Spec: specs/deny-list.md N1-N5.
        """
        from agentdid.trust.denied import make_entry  # noqa: PLC0415  # most verifiers deny nobody

        entry = make_entry(kind, value, reason=reason, since=self._clock.now(), until=until)
        self.denied.add(entry)
        if not self.trust.denies:
            self.trust = replace(self.trust, denies=True)
        if self._keeper is not None:
            self._keeper.keep_denial(self.trust.did, entry.kind, entry.value, self._clock.now(), lifted=False)
        return entry

    def lift(self, kind: str, value: str) -> bool:
        """Take an entry of `deny` off the list; return whether it was there. Raises as `deny`."""
        from agentdid.trust.denied import make_entry  # noqa: PLC0415  # as above

        now = self._clock.now()
        entry = make_entry(kind, value, since=now)
        removed = self.denied.remove(entry.kind, entry.value)
        if self._keeper is not None and removed:
            self._keeper.keep_denial(self.trust.did, entry.kind, entry.value, now, lifted=True)
        return removed

    def check_not_denied(self, decision: Decision) -> None:
        """Hold that nothing a decision rests on was denied since: what relies on it later asks this each time.

        Raises:
            Denied: A credential, a party or a key of it is on the deny list now.
            StoreUnavailable: The deny list did not answer.
        """
        from agentdid.verify.denied import check_still  # noqa: PLC0415  # as above

        if self.trust.denies:
            check_still(decision, self.denied, self._clock.now())

    @property
    def marks(self) -> Marks:
        """The highest version seen of each did:webvh."""
        if self._marks is None:
            from agentdid.storage.memory_marks import MemoryMarks  # noqa: PLC0415  # most verdicts meet no did:webvh

            self._marks = MemoryMarks()
        return self._marks

    @property
    def baselines(self) -> Baselines | None:
        """What was seen of agents before; `None` where the policy does not look at it."""
        policy = self.trust.policy
        if policy is None or policy.behaviour is None:
            return None
        if self._baselines is None:
            from agentdid.storage.baselines import MemoryBaselines  # noqa: PLC0415  # most verifiers have none

            self._baselines = MemoryBaselines(policy.behaviour.window_s)
        return self._baselines

    @property
    def source(self) -> Source:
        """Where the outside is asked."""
        if self._source is None:
            from agentdid.sources.source import NetworkSource  # noqa: PLC0415  # nothing is imported before it is needed

            self._source = NetworkSource(
                allow=self.trust.fetch_allow, ca=self.trust.fetch_ca, limits=self.trust.limits, clock=self._clock
            )
        return self._source

    def follow(self, url: str) -> StatusEvents:
        """Follow an issuer's stream of list versions, so that a revocation is known at once; `close` it in the end.

        Args:
            url: `…/status/events` of an issuer's service.

        Raises:
            TypeError: The source is none that listens: documents that are not had from the network do not change.
        """
        from agentdid.sources.events import StatusEvents  # noqa: PLC0415  # a verifier that follows nothing needs none

        source = self.source
        if not hasattr(source, "listen") or not hasattr(source, "refresh"):
            message = "the verifier's source does not listen to streams"
            raise TypeError(message)
        return StatusEvents(cast("Refreshing", source), url)

    def issue_nonce(self) -> str:
        """Return a fresh challenge, to be answered once within `limits.nonce_life_s`.

        Raises:
            StoreUnavailable: The store of nonces takes part only in consuming them.
        """
        issue = getattr(self.takes, "issue", None)
        if issue is None:
            raise StoreUnavailable("this store of nonces hands none out")
        return str(issue(self._clock.now()))

    def authorize(
        self,
        presentation: Presented,
        *,
        challenge: str | IssuedHere,
        request: Request,
        query: Mapping[str, object] | Query | None = None,
        http: HttpRequest | None = None,
        environment: Mapping[str, object] | None = None,
    ) -> Grant:
        """Permit one request by one presentation: every check, consumption included.

        Args:
            presentation: A `vp+jwt`, or a Data Integrity presentation as text or object.
            challenge: The nonce that was handed out.
            request: What is to be done.
            query: The DCQL query that was asked, if any.
            http: The HTTP request it came with, if it did.
            environment: `env.…` values for constraints.

        Raises:
            Refused, Malformed, Undecided: With `.code` and the full `.report`.

        Spec: specs/verification.md.
        """
        question = self._question(presentation, challenge, request, query, http, environment)
        return cast("Grant", self._settle(question))

    async def aauthorize(
        self,
        presentation: Presented,
        *,
        challenge: str | IssuedHere,
        request: Request,
        query: Mapping[str, object] | Query | None = None,
        http: HttpRequest | None = None,
        environment: Mapping[str, object] | None = None,
    ) -> Grant:
        """As `authorize`, without blocking the event loop."""
        question = self._question(presentation, challenge, request, query, http, environment)
        return cast("Grant", await self._asettle(question))

    def verify(
        self,
        presentation: Presented,
        *,
        challenge: str | IssuedHere,
        query: Mapping[str, object] | Query | None = None,
        http: HttpRequest | None = None,
    ) -> Decision:
        """Judge a presentation up to the query, and consume its nonce; ask the decision what it permits.

        Raises:
            Refused, Malformed, Undecided: With `.code` and the full `.report`.
        """
        question = self._question(presentation, challenge, None, query, http, None)
        return self._settle(question)  # type: ignore[return-value]  # no request, no grant

    async def averify(
        self,
        presentation: Presented,
        *,
        challenge: str | IssuedHere,
        query: Mapping[str, object] | Query | None = None,
        http: HttpRequest | None = None,
    ) -> Decision:
        """As `verify`, without blocking the event loop."""
        return cast("Decision", await self._asettle(self._question(presentation, challenge, None, query, http, None)))

    def verify_credential(
        self, credential: Presented | list[object], *, at: datetime | None = None, request: Request | None = None
    ) -> Decision:
        """Judge one credential, or a chain of them root first, without a holder. Consumes nothing.

        Args:
            credential: An SD-JWT, a Data Integrity credential, or a list of them.
            at: A past instant to judge as of; only evidence held from then counts.
            request: If given, whether the chain permits it.

        Raises:
            Refused, Malformed, Undecided: With `.code` and the full `.report`.
        """
        now = self._clock.now()
        if at is None:
            question = Question(credential, False, self.trust, now, None, None, request)
        else:
            question = Question(credential, False, self.trust, at, request=request, historical=at < now - _PRESENT)
        return self._settle(question)  # type: ignore[return-value]  # no holder, no grant

    def inspect(
        self,
        document: Presented | list[object],
        *,
        holder: bool | None = None,
        challenge: str | None = None,
        at: datetime | None = None,
        request: Request | None = None,
        query: Mapping[str, object] | Query | None = None,
    ) -> Report:
        """Return the report on any input, whatever its sender did. Consumes nothing, and so permits nothing.

        Args:
            document: A presentation, a credential, or a list of credentials.
            holder: Whether it must be a presentation; by default where a challenge is to be answered, else by what it
                looks like.
            challenge: The nonce a presentation should answer; without one its holder check refuses.
            at: A past instant to judge as of.
            request: If given, whether it would be permitted.
            query: If given, whether it is answered.
        """
        if holder is None:
            from agentdid.verify.looks import looks_presented  # noqa: PLC0415  # only such an inspection asks

            holder = challenge is not None or looks_presented(document)
        now = self._clock.now()
        question = Question(
            raw=document,
            holder=holder,
            trust=self.trust,
            at=at or now,
            challenge=challenge,
            query=_query(query),
            request=request,
            historical=at is not None and at < now - _PRESENT,
        )
        return report_of(self.judge(question, consume=False))

    def judge(self, question: Question, *, consume: bool) -> Decision | Grant | AgentdidError:
        """Return what a question leads to, a refusal as a value; with `consume` false no nonce is taken.

        The command line and `inspect` stand on it; applications want `authorize`, which raises.
        """
        clock = self._clock if not question.historical else FixedClock(question.at)
        try:
            return run(question, self._memory, clock, self._answer if consume else self._answer_unconsumed)
        except AgentdidError as error:
            return error

    def _question(
        self,
        presentation: Presented,
        challenge: str | IssuedHere,
        request: Request | None,
        query: Mapping[str, object] | Query | None,
        http: HttpRequest | None,
        environment: Mapping[str, object] | None,
    ) -> Question:
        if not isinstance(challenge, _CHALLENGES) or challenge == "":
            message = "challenge is the nonce that was handed out; there is no verification without one"
            raise TypeError(message)
        asked = None if query is None else _query(query)
        return Question(
            presentation, True, self.trust, self._clock.now(), challenge, asked, request, http, environment or {}
        )

    @property
    def _keeps(self) -> bool:
        # whether an outcome is told to anything beside whoever asked
        return self._log is not None or self._keeper is not None or self.trust.policy is not None

    def _settle(self, question: Question) -> Decision | Grant:
        try:
            result = run(question, self._memory, self._clock, self._answer)
        except AgentdidError as error:
            self._record(error)
            raise
        if self._keeps:
            self._record(result)
        return result

    async def _asettle(self, question: Question) -> Decision | Grant:
        import asyncio  # noqa: PLC0415  # 47 ms that the synchronous path does not pay

        try:
            result = await arun(question, self._memory, self._clock, self._answer, self._afetch, asyncio.to_thread)
        except AgentdidError as error:
            await self._arecord(error)
            raise
        await self._arecord(result)
        return result

    async def _arecord(self, result: Decision | Grant | AgentdidError) -> None:
        if self._keeps:
            import asyncio  # noqa: PLC0415  # as above

            await asyncio.to_thread(self._record, result)  # which waits for the disk

    def _record(self, result: Decision | Grant | AgentdidError) -> None:
        if self._log is not None:
            self._log.append(report_of(result).evidence.encode(result))
        if self._keeper is not None:
            self._keeper.keep(result, self.trust, self._clock.now())
        if self.baselines is not None:
            from agentdid.verify.policy import observations_of  # noqa: PLC0415  # as above

            report = report_of(result)
            self.baselines.observe(observations_of(report.question, report.agents, report.outcome, report.code))

    def _answer(self, need: Need) -> Reply:
        kind = type(need)
        if kind is NeedFacts:
            source = self.source
            return self._facts([source.get(url, (), need.max_age_s) for url in need.urls])  # type: ignore[union-attr]
        if kind is NeedTake and not need.names:  # type: ignore[union-attr]  # a NeedTake
            return answer_from(need, self.source, self.takes, self._clock)
        if kind is NeedTake or kind is NeedDenied:
            return answer_from(need, self.source, self._find_takes(need), self._clock, None, self._find_denied())
        if kind is NeedMark:
            return answer_from(need, self.source, None, self._clock, self.marks)
        if kind is NeedConduct:
            return answer_from(need, self.source, None, self._clock, baselines=self.baselines)
        takes = None if kind is NeedKeys else self.takes
        return answer_from(need, self.source, takes, self._clock)

    def _facts(self, answers: list[Answer]) -> Reply:
        memory = self._memory
        for place, each in enumerate(answers):
            if not memory.is_newest(each):
                from agentdid.verify.status_list import prefer_newest  # noqa: PLC0415  # where it is needed it is loaded

                answers[place] = prefer_newest(memory, each, self.trust.limits)
        if self.trust.lists:
            from agentdid.verify import trust_list  # noqa: PLC0415  # most policies name none

            return tuple([trust_list.prefer_newest(memory, each, self.trust.limits) for each in answers])
        return tuple(answers)

    def _answer_unconsumed(self, need: Need) -> Reply:
        if type(need) is NeedDenied:
            return self._answer(need)
        if type(need) is NeedTake and need.names:
            return answer_from(need, self.source, None, self._clock, None, self._find_denied())
        # what was seen of a log is knowledge, not consumption: an inspection learns, and may be told of a rollback
        if type(need) in (NeedFacts, NeedConduct):
            return self._answer(need)
        marks = self.marks if type(need) is NeedMark else None
        return answer_from(need, self.source, None, self._clock, marks)

    def _find_takes(self, need: Need) -> Takes | None:
        return self.takes if type(need) is NeedTake else None

    def _find_denied(self) -> DenyList | None:
        try:
            return self.denied
        except StoreUnavailable:
            return None  # which is answered as a list that is down

    async def _afetch(self, need: Need) -> Callable[[], Reply]:
        if isinstance(need, NeedKeys):
            answer = await self.source.aget(need.url, need.accept, need.max_age_s)
            return lambda: answer
        if not isinstance(need, NeedFacts):
            message = "only documents are fetched"
            raise TypeError(message)
        import asyncio  # noqa: PLC0415  # as above

        answers = await asyncio.gather(*(self.source.aget(url, (), need.max_age_s) for url in need.urls))
        return lambda: self._facts(answers)


def _query(query: Mapping[str, object] | Query | None) -> Query | None:
    if query is None:
        return None
    from agentdid.query.dcql import Query, parse_query  # noqa: PLC0415  # only questions with a query need it

    return query if isinstance(query, Query) else parse_query(query)
