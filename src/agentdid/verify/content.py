"""Documents beside a credential, where the policy asks: related resources by their digests, schemas by conformance.

A schema counts only if something pins what it was: the credential that names it, or the policy. Then it does not matter
who serves it, and a schema credential needs no verification of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentdid.codec.strict_json import parse
from agentdid.credential.digests import parse_sri
from agentdid.errors import CODES, AgentdidError, FetchFailed, TypeMismatch, Undecided
from agentdid.verify.needs import Absent, NeedFacts

if TYPE_CHECKING:
    from collections.abc import Generator

    from agentdid.verify.case import Case
    from agentdid.verify.needs import Need, Reply
    from agentdid.verify.states import Link


def check_content(case: Case) -> Generator[Need, Reply, None]:
    """Hold what each credential says about other documents.

    Raises:
        RelatedResourceMismatch: A document is not the one whose digest is stated.
        TypeMismatch: A credential does not conform, or its schema is not the one that is pinned, or nothing pins it, or
            the policy asks for one and it names none.
        SchemaInvalid: What it names is no schema.
        SchemaUnsupported and `fetch_…`: It could not be found out.

    Spec: specs/verification.md V42; VCDM 2.0 sections 4.11 and 5.3.
    """
    content = case.question.trust.content
    for link in case.parsed.links:
        try:
            if content.related == "fetched":
                yield from _check_related(case, link)
            if content.schemas != "ignored":
                yield from _check_schemas(case, link)
        except AgentdidError as error:
            error.path = f"{link.path}{error.path}"
            raise


def _check_related(case: Case, link: Link) -> Generator[Need, Reply, None]:
    # here and not above: most policies ask for none
    from agentdid.credential.related import check_known  # noqa: PLC0415

    for related in check_known(link.credential.document, bare=case.question.trust.profile.bare_digests):
        related.check((yield from _fetch(case, related.url, related.path)))


def _check_schemas(case: Case, link: Link) -> Generator[Need, Reply, None]:
    # as above
    from agentdid.credential.json_schema import check_conforms, open_schema, parse_references  # noqa: PLC0415

    document, pins = link.credential.document, case.question.trust.content.pins
    references = parse_references(document)
    if not references and case.question.trust.content.schemas == "required":
        raise TypeMismatch("expected a schema that the credential conforms to", path="/credentialSchema")
    for reference in references:
        pinned = reference
        if reference.url in pins:
            pinned = reference.pinned(parse_sri(pins[reference.url]))
        if not pinned.digests:
            raise TypeMismatch("nothing pins the schema: neither a digest nor the policy", path=reference.path)
        body = yield from _fetch(case, reference.url, reference.path)
        pinned.check_digest(body)
        schema = open_schema(reference, parse(body, case.question.trust.limits).value)
        check_conforms(document, schema, reference.path)


def _fetch(case: Case, url: str, path: str) -> Generator[Need, Reply, bytes]:
    case.budget.spend_fetch()
    # what is pinned by digest may be as old as it likes
    answers = yield NeedFacts((url,), case.question.trust.limits.max_status_ttl_s)
    if not isinstance(answers, tuple) or len(answers) != 1:
        message = "NeedFacts is answered by one Answer for each URL"
        raise TypeError(message)
    [answer] = answers
    if isinstance(answer, Absent):
        found = CODES.get(answer.code, FetchFailed)
        error = found if issubclass(found, Undecided) else FetchFailed
        raise error(f"the document could not be had ({answer.detail})", path=path)
    return answer.body
