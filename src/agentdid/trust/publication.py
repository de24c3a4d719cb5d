"""Trust lists as whoever publishes them writes and signs them.

A description is a table, as TOML or JSON has it: `id`, `entries` and `lists` as in specs/trust-list.md, in TOML with
times written as times; and at most `ttl_s`, how long a list is valid, and `sequence`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, final

from msgspec import structs

from agentdid.codec.instant import encode_instant
from agentdid.codec.strict_json import encode
from agentdid.credential.parse import parse_credential
from agentdid.keys.pair import KeyPair
from agentdid.proof.suites import SUITES
from agentdid.record import Value
from agentdid.secure import data_integrity, hybrid, sd_jwt, vc_jwt
from agentdid.trust.trust_list import build_trust_list, check_list_url, parse_trust_list

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentdid.keys.secret import Signer

DEFAULT_TTL_S: Final = 86_400
FORMS: Final = (*SUITES, data_integrity.HYBRID_SET, vc_jwt.TYP, sd_jwt.TYP)
"""In which a list is signed. Nothing of one may be hidden, so that no selective suite signs any."""
_MEMBERS: Final = frozenset({"id", "entries", "lists", "ttl_s", "sequence"})


@final
class Description(Value, frozen=True):
    """What a list shall say.

    Attributes:
        url: Where it will be had.
        entries: As specs/trust-list.md has them.
        lists: Likewise.
        ttl_s: How long each list that is signed of it is valid.
        sequence: Of the next list; `None` for the second in which it is signed.
    """

    url: str
    entries: list[dict[str, object]]
    lists: list[dict[str, object]]
    ttl_s: int = DEFAULT_TTL_S
    sequence: int | None = None


def parse_description(table: Mapping[str, object]) -> Description:
    """Return what a parsed table describes; what its entries say is looked at when the list is made.

    Raises:
        ValueError: An unknown or missing key, or a wrong type.
        TypeMismatch: The `id` is no URL that a list may have.
    """
    unknown = table.keys() - _MEMBERS
    if unknown:
        message = f"unknown key {min(unknown)!r}"
        raise ValueError(message)
    plain: dict[str, Any] = {name: _plain(value) for name, value in table.items()}
    entries, lists = plain.get("entries", []), plain.get("lists", [])
    if not all(isinstance(each, list) and all(isinstance(row, dict) for row in each) for each in (entries, lists)):
        raise ValueError("entries and lists are arrays of tables")
    ttl_s, sequence = plain.get("ttl_s", DEFAULT_TTL_S), plain.get("sequence")
    if type(ttl_s) is not int or ttl_s < 1 or (sequence is not None and type(sequence) is not int):
        raise ValueError("ttl_s and sequence are whole numbers, ttl_s from 1 on")
    return Description(check_list_url(plain.get("id"), "/id"), entries, lists, ttl_s, sequence)


def make_trust_list(
    described: Description, issuer: str, *, at: datetime, status: dict[str, object] | None = None
) -> dict[str, object]:
    """Return the unsigned list that is described.

    Args:
        described: What it says.
        issuer: Who will sign it.
        at: From when it is valid.
        status: Its `credentialStatus`, if it shall have one.

    Raises:
        TypeMismatch, DidInvalid: A reader would not take it, and where.
    """
    whole = at.replace(microsecond=0)
    sequence = int(whole.timestamp()) if described.sequence is None else described.sequence
    document = build_trust_list(
        described.url, issuer, sequence, described.entries, described.lists,
        valid_from=whole, valid_until=whole + timedelta(seconds=described.ttl_s), status=status,
    )  # fmt: skip
    parse_trust_list(parse_credential(document))
    return document


def sign_trust_list(
    document: dict[str, object], signer: Signer, method_id: str, *, at: datetime, form: str | None = None
) -> bytes:
    """Return a list as it is served.

    Args:
        document: Of `make_trust_list`.
        signer: A key of the issuer's `assertionMethod`.
        method_id: Its absolute DID URL.
        at: When it is signed.
        form: One of `FORMS`; by default one that the key signs: of a pair with both of its keys.

    Raises:
        ValueError: An unknown form, or one that the key does not sign.
    """
    if form is None:
        form = default_form(signer)
    if form not in FORMS or (form == data_integrity.HYBRID_SET) != isinstance(signer, KeyPair):
        message = f"a list is signed as one of {', '.join(FORMS)}, by a pair of keys as {data_integrity.HYBRID_SET}"
        raise ValueError(message)
    claims: dict[str, object] = {"iat": int(at.timestamp())}
    if isinstance(signer, KeyPair):
        return encode(hybrid.add_set(document, signer, method_id, created=at))
    if form == vc_jwt.TYP:
        return vc_jwt.issue(document, signer, method_id, claims=claims).encode("ascii")
    if form == sd_jwt.TYP:
        return sd_jwt.issue(document, signer, method_id, claims=claims).encode("ascii")
    return encode(data_integrity.add_proof(document, signer, method_id, SUITES[form], created=at))


def default_form(signer: Signer) -> str:
    """Return the form in which a key signs a list where none is asked for."""
    if isinstance(signer, KeyPair):
        return data_integrity.HYBRID_SET
    name = signer.public.algorithm.name
    return next((each for each in FORMS if each in SUITES and name in SUITES[each].algorithms), vc_jwt.TYP)


def next_after(described: Description, sequence: int) -> Description:
    """Return a description whose list comes after one that was published with a sequence."""
    return structs.replace(described, sequence=max(sequence + 1, described.sequence or 0))


def _plain(value: object) -> object:
    """Return a value with the times that TOML has as texts."""
    if isinstance(value, datetime):
        return encode_instant(value if value.tzinfo is not None else value.replace(tzinfo=UTC))
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return {name: _plain(each) for name, each in value.items()} if isinstance(value, dict) else value
