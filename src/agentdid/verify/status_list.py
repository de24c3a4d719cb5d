"""A status list's bytes into what can be judged: of whichever kind it is, none of its signatures checked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec import structs

from agentdid.codec.strict_json import parse
from agentdid.credential.parse import parse_credential
from agentdid.errors import (
    AgentdidError,
    StatusRevoked,
    StatusSuspended,
    StatusUnknownValue,
    StatusVerificationError,
)
from agentdid.proof.jws import is_compact, parse_header
from agentdid.status.bitstring import LIST_TYPE, StatusEntry, StatusList, parse_entry, read_list
from agentdid.verify.memory import KnownList, NewestList
from agentdid.verify.needs import Absent
from agentdid.verify.structure import read_credential, write_signed

if TYPE_CHECKING:
    from datetime import datetime

    from agentdid.errors import Refused
    from agentdid.keys.public import PublicKey
    from agentdid.limits import Limits
    from agentdid.status.token_list import TokenEntry, TokenStatusList
    from agentdid.verify.case import Case
    from agentdid.verify.memory import Memory
    from agentdid.verify.needs import Answer, Resource
    from agentdid.verify.states import Link

    Entry = StatusEntry | TokenEntry
    Content = StatusList | TokenStatusList

_REFUSALS: Final = {"revocation": StatusRevoked, "suspension": StatusSuspended}
_JWT_TYP: Final = "statuslist+jwt"
_CWT_TAGS: Final = (b"\xd2", b"\xd8")


def read_entries(link: Link) -> list[tuple[str, Entry]]:
    """Return every status of a credential with the member it came from: `credentialStatus`, and a token's `status`.

    Raises:
        StatusMalformed, StatusUnknownValue, RangeError: As the readers of the two kinds.
    """
    try:
        entries: list[tuple[str, Entry]] = [("/credentialStatus", parse_entry(each)) for each in link.credential.status]
    except AgentdidError as error:
        error.path = f"{link.path}/credentialStatus{error.path}"
        raise
    if "status" in link.secured.claims:
        from agentdid.status.token_list import parse_reference  # noqa: PLC0415  # few credentials have one

        try:
            entries.append(("/status", parse_reference(link.secured.claims["status"])))
        except AgentdidError as error:
            error.path = f"{link.path}/status{error.path}"
            raise
    return entries


def find_refusal(entry: Entry, value: int) -> type[Refused] | None:
    """Return what a value of an entry refuses the credential for; `None` where it stands.

    Raises:
        StatusUnknownValue: A purpose, or a value, that has no meaning here: unknown is never good (ATTACKS K19).

    Spec: Bitstring Status List section 2.1; draft-ietf-oauth-status-list section 7.1.
    """
    if type(entry) is StatusEntry:
        refusal = _REFUSALS.get(entry.purpose)
        if refusal is not None:
            return refusal if value else None
        if entry.purpose == "refresh":
            return None  # "does not invalidate the verifiable credential"
        if entry.purpose == "message" and entry.messages:
            if value:
                raise StatusUnknownValue(f"the message of value {value} has no meaning here", path="/statusMessage")
            return None
        raise StatusUnknownValue("expected the purpose revocation, suspension or refresh", path="/statusPurpose")
    if value == 0:
        return None
    if value == 1:
        return StatusRevoked
    if value == 2:  # noqa: PLR2004  # status.token_list.SUSPENDED, which is not imported for Bitstring lists
        return StatusSuspended
    raise StatusUnknownValue(f"the value {value} has no meaning here", path="/status_list/idx")


def read_body(case: Case, held: Resource) -> KnownList:
    """Return a list taken apart, none of its signatures checked, and nothing of it unpacked.

    Raises:
        StatusVerificationError: Not a list, or not one that its issuer signed.
    """
    try:
        known, begins = _take_apart(held.body, case.question.trust.limits, case)
        if begins is not None:
            case.now.check_begun(begins, "/validFrom")
    except (AgentdidError, UnicodeDecodeError) as error:
        raise as_list_error(error) from None
    return known


def keep_list(case: Case, held: Resource, known: KnownList, keys: tuple[PublicKey, ...]) -> KnownList:
    """Return a list whose signatures held under `keys` with its content, and remember it.

    Raises:
        StatusMalformed, StatusListTooLarge, StatusListLengthError: As the readers of the two kinds.
    """
    memory = case.memory
    content: Content = known.content or known.read()  # type: ignore[misc]  # either is there
    read = structs.replace(known, keys=keys, read=None, content=content)
    memory.lists.keep(held.digest, read)
    if not case.question.historical:
        newest = memory.newest.find(content.url)
        if newest is None or newest.signed_at <= content.signed_at:
            memory.newest.keep(content.url, NewestList(content.signed_at, held))
    return read


def prefer_newest(memory: Memory, answer: Answer, limits: Limits) -> Answer:
    """Return the answer; or, where it is a list signed earlier than one that verified before, that one.

    An older list never takes the place of a newer, whoever serves it (ATTACKS K25, P06). It is decided before the
    judgement hears the answer, so that what is recorded is what was judged. When an answer was signed is its own word;
    whoever lies about it has the list refused.
    """
    if isinstance(answer, Absent):
        return answer
    newest = memory.newest.find(answer.url)
    if newest is None or newest.resource.digest == answer.digest:
        return answer
    known = memory.lists.find(answer.digest)
    if known is None:
        try:
            known, _ = _take_apart(answer.body, limits)
        except (AgentdidError, UnicodeDecodeError):
            return answer  # the judgement says what is wrong with it
    return newest.resource if known.signed_at is not None and known.signed_at < newest.signed_at else answer


def _take_apart(body: bytes, limits: Limits, case: Case | None = None) -> tuple[KnownList, datetime | None]:
    """The list, and when it begins to be valid; without a case, what was signed is not written down."""
    # a list is longer than what a stranger may present: the fetch bounds it
    limits = structs.replace(limits, max_input_bytes=limits.max_fetch_bytes)
    if body.startswith(_CWT_TAGS):
        return _read_token(body, limits)
    text = body.decode("utf-8").strip()
    if not is_compact(text):
        parsed = parse(text, limits)
        return _read_credential(parsed.value, parsed.plain, limits, case)
    header, _, _ = text.partition(".")
    if parse_header(header).typ == _JWT_TYP:
        return _read_token(text, limits)
    return _read_credential(text, False, limits, case)


def as_list_error(error: Exception) -> AgentdidError:
    """What is wrong with a list is said as such: the sender of the presentation did not make it."""
    if not isinstance(error, AgentdidError):
        return StatusVerificationError("the list does not verify (not UTF-8)")
    if error.code.startswith("status_"):
        return error
    return StatusVerificationError(f"the list does not verify ({error.code}: {error.detail})")


def _read_credential(
    value: object, plain: bool, limits: Limits, case: Case | None
) -> tuple[KnownList, datetime | None]:
    secured = read_credential(value, plain, limits)
    if case is not None:
        secured = write_signed(case, secured)
    credential = parse_credential(secured.document)
    if LIST_TYPE not in credential.types or credential.id is None:
        raise StatusVerificationError("expected a status list credential with an id")
    if secured.signer != credential.issuer:
        raise StatusVerificationError("signed by another DID than the list's issuer")
    signed_at = secured.created or credential.valid_from
    ends = [end for end in (credential.valid_until, secured.expires) if end is not None]
    read = partial(
        read_list,
        secured.document,
        url=credential.id,
        issuer=credential.issuer,
        signed_at=secured.created,
        limits=limits,
    )
    known = KnownList(
        credential.id, credential.issuer, signed_at, min(ends, default=None), secured.signatures, (), read
    )
    return known, credential.valid_from


def _read_token(body: bytes | str, limits: Limits) -> tuple[KnownList, datetime | None]:
    from agentdid.secure.status_token import read_cwt, read_jwt  # noqa: PLC0415  # most lists are credentials
    from agentdid.status.token_list import read_token_list  # noqa: PLC0415

    token = read_jwt(body, limits) if isinstance(body, str) else read_cwt(body)
    read = partial(
        read_token_list,
        token.claims,
        issuer=token.issuer,
        signed_at=token.issued,
        valid_until=token.expires,
        limits=limits,
    )
    url = token.claims.get("sub")
    named = url if isinstance(url, str) else ""
    known = KnownList(named, token.issuer, token.issued, token.expires, (token.signature,), (), read)
    return known, token.begins
