"""A stapled status: the issuer's signed word on one entry of a list, short-lived, which a holder carries along.

So a verifier decides without asking anybody, for as long as it would believe a list of the same age.

Spec: specs/stapled-status.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from agentdid.errors import AgentdidError, StatusMalformed
from agentdid.limits import DEFAULT, Limits
from agentdid.proof.jws import parse_jws, sign_jws
from agentdid.record import Value
from agentdid.secure.claims import check_header, instant_of, signature_of

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from agentdid.keys.secret import Signer
    from agentdid.secure.mechanism import Signature

TYP: Final = "agentdid-status+jwt"
_MEMBERS: Final = frozenset({"iss", "list", "index", "purpose", "value", "iat", "exp"})


@final
class Staple(Value, frozen=True, eq=False):
    """One entry's status by its issuer's word; the signature has not been checked.

    Attributes:
        issuer: The DID whose key it names.
        list_url: The list that it speaks for.
        index: The entry there.
        purpose: Of a Bitstring list's entry; `None` for a token status list.
        value: What the list says at that place.
        issued: When it was signed; its age counts from here.
        expires: When it may no longer be believed.
        signature: What must hold.
    """

    issuer: str
    list_url: str
    index: int
    purpose: str | None
    value: int
    issued: datetime
    expires: datetime
    signature: Signature


def sign_staple(
    list_url: str, index: int, purpose: str | None, value: int, signer: Signer, method_id: str, *, at: datetime,
    life: timedelta,
) -> str:  # fmt: skip
    """Return a stapled status as a compact JWT (specs/stapled-status.md T1-T4)."""
    claims: dict[str, object] = {
        "iss": method_id.partition("#")[0],
        "list": list_url,
        "index": index,
        "value": value,
        "iat": int(at.timestamp()),
        "exp": int((at + life).timestamp()),
    }
    if purpose is not None:
        claims["purpose"] = purpose
    return sign_jws({"typ": TYP, "kid": method_id}, claims, signer)


def read_staple(token: object, limits: Limits = DEFAULT, path: str = "") -> Staple:
    """Return the parts of a stapled status.

    Raises:
        StatusMalformed: Not a token of this type, or a claim is absent, unknown or of another form.
    """
    if not isinstance(token, str):
        raise StatusMalformed("expected a compact token", path=path)
    try:
        jws = parse_jws(token, limits)
        did = check_header(jws.header, TYP)
        claims = jws.claims
        issued, expires = instant_of(claims, "iat"), instant_of(claims, "exp")
    except AgentdidError as error:
        raise StatusMalformed(f"not a stapled status ({error.code})", path=path) from None
    url, index, purpose, value = (claims.get(name) for name in ("list", "index", "purpose", "value"))
    if claims.keys() - _MEMBERS or claims.get("iss") != did or issued is None or expires is None:
        raise StatusMalformed(
            "expected iss, list, index, value, iat and exp, and at most purpose beside them", path=path
        )
    if not isinstance(url, str) or type(index) is not int or index < 0:
        raise StatusMalformed("expected a list's URL and an index", path=path)
    if type(value) is not int or not 0 <= value < 1 << 8 or not (purpose is None or isinstance(purpose, str)):
        raise StatusMalformed("expected a value of at most eight bits, and a purpose that is a string", path=path)
    signature = signature_of(jws, did, "assertionMethod")
    return Staple(did, url, index, purpose, value, issued, expires, signature)
