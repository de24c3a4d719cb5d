"""Domain linkage: an origin and a DID that say they are one party's (DIF Well Known DID Configuration 1.0).

The origin says it by serving the resource, the DID by having signed a credential in it. What is checked here is both
sayings; to fetch the resource and the DID document is for others.

* A resource has `@context` and `linked_dids`, and nothing else; entries stand alone: a bad one harms no other.
* An entry counts for one origin to the letter, for one DID which is issuer, subject and signer, in its time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from agentdid.codec.base import decode_base64url
from agentdid.codec.instant import encode_instant, parse_instant, parse_numeric_date
from agentdid.codec.strict_json import encode, parse, parse_object
from agentdid.errors import AgentdidError, IssuerUntrusted, TypeMismatch
from agentdid.limits import DEFAULT, Limits
from agentdid.proof.jws import KEYS_OF_ALG, parse_jws, sign_jws
from agentdid.proof.suites import find_suite
from agentdid.record import Value
from agentdid.secure import data_integrity
from agentdid.secure.mechanism import Signature
from agentdid.trust.anchor import ORIGIN

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from agentdid.did.document import DidDocument
    from agentdid.keys.secret import Signer

PATH: Final = "/.well-known/did-configuration.json"
CONTEXT: Final = "https://identity.foundation/.well-known/did-configuration/v1"
TYPE: Final = "DomainLinkageCredential"
FORMS: Final = ("jwt", "data-integrity")
_CREDENTIALS_V1: Final = "https://www.w3.org/2018/credentials/v1"
_CONTEXTS: Final = [_CREDENTIALS_V1, CONTEXT]
_TYPES: Final = ["VerifiableCredential", TYPE]
_MEMBERS: Final = frozenset(
    {"@context", "type", "issuer", "issuanceDate", "expirationDate", "credentialSubject", "proof"}
)
_CLAIMS: Final = frozenset({"exp", "iss", "nbf", "sub", "vc"})
_MAX_ENTRIES: Final = 256


@final
class Linkage(Value, frozen=True, eq=False):
    """One entry that has the shape it must have; nothing about its signature is established."""

    did: str
    origin: str
    issued: datetime
    expires: datetime
    signature: Signature


def check_origin(text: str) -> None:
    """Hold that the text is an https origin in its one spelling: lower case, no path, no default port.

    Raises:
        TypeMismatch: Something else.
    """
    if not isinstance(text, str) or ORIGIN.fullmatch(text) is None:
        raise TypeMismatch("expected an https origin such as https://example.com")


def configuration_url(origin: str) -> str:
    """Return where an origin serves its DID configuration. Raises `TypeMismatch`."""
    check_origin(origin)
    return origin + PATH


def issue(
    did: str, origin: str, signer: Signer, method_id: str, *, at: datetime, ttl: timedelta, form: str = FORMS[0]
) -> str | dict[str, object]:
    """Return a signed domain linkage credential.

    Args:
        did: Whose it is: issuer and subject.
        origin: What it is linked with.
        signer: A key of the DID's `assertionMethod`.
        method_id: Its absolute DID URL.
        at: The instant of issue.
        ttl: How long it is valid.
        form: `jwt` or `data-integrity`.

    Raises:
        TypeMismatch: `origin` is none.
        ValueError: An unknown form, or a key that no Data Integrity suite of ours signs with.

    Spec: Well Known DID Configuration, Domain Linkage Credential.
    """
    check_origin(origin)
    issued, expires = at.replace(microsecond=0), (at + ttl).replace(microsecond=0)
    credential: dict[str, object] = {
        "@context": list(_CONTEXTS),
        "type": list(_TYPES),
        "issuer": did,
        "issuanceDate": encode_instant(issued),
        "expirationDate": encode_instant(expires),
        "credentialSubject": {"id": did, "origin": origin},
    }
    if form == "jwt":
        claims = {"exp": int(expires.timestamp()), "iss": did, "nbf": int(issued.timestamp()), "sub": did}
        return sign_jws({"kid": method_id}, {**claims, "vc": credential}, signer)
    if form != "data-integrity":
        message = f"a linkage is signed as {' or '.join(FORMS)}"
        raise ValueError(message)
    name = signer.public.algorithm.name
    # JCS: what is signed is the JSON, whatever the two contexts of the older data model come to mean
    suite = find_suite(name)
    if suite is None:
        message = f"no JSON-canonicalizing suite signs with {name}; use the form jwt"
        raise ValueError(message)
    return data_integrity.add_proof(credential, signer, method_id, suite, created=issued)


def build_configuration(entries: list[str | dict[str, object]]) -> dict[str, object]:
    """Return the resource that an origin serves."""
    return {"@context": CONTEXT, "linked_dids": entries}


def read_configuration(body: bytes, origin: str, did: str, limits: Limits = DEFAULT) -> tuple[Linkage, ...]:
    """Return the well-formed entries of a resource that are about this origin and this DID, in their order.

    Raises:
        Malformed: The resource itself is not what the specification says.
    """
    resource: dict[str, object] = parse_object(body, limits).value  # type: ignore[assignment]  # an object, by its parser
    entries = resource.get("linked_dids")
    if resource.keys() != {"@context", "linked_dids"} or not isinstance(entries, list):
        raise TypeMismatch("a DID configuration has @context and linked_dids, and nothing else")
    contexts = resource["@context"] if isinstance(resource["@context"], list) else [resource["@context"]]
    if CONTEXT not in contexts or len(entries) > _MAX_ENTRIES:
        raise TypeMismatch(f"expected the context {CONTEXT} and at most {_MAX_ENTRIES} entries")
    found = []
    for entry in entries:
        try:
            linkage = _read(entry, limits)
        except AgentdidError:
            continue  # entries are independent of one another
        if linkage.did == did and linkage.origin == origin:
            found.append(linkage)
    return tuple(found)


def check_linkage(linkages: tuple[Linkage, ...], document: DidDocument, at: datetime) -> Linkage:
    """Return the first entry that holds.

    Args:
        linkages: Of `read_configuration`.
        document: The DID's own, which lists the keys that may have signed.
        at: The instant of judgement.

    Raises:
        IssuerUntrusted: None of them holds: the origin does not say that it is this DID's.

    Spec: Well Known DID Configuration, DID Configuration Resource Verification.
    """
    for linkage in linkages:
        if linkage.did != document.id or not linkage.issued <= at < linkage.expires:
            continue
        try:
            key = document.find_key(linkage.signature.method_id, data_integrity.ASSERTION, at)
            linkage.signature.written().check(key)
        except AgentdidError:
            continue
        return linkage
    raise IssuerUntrusted("the domain does not say that it is this DID's")


def _read(entry: object, limits: Limits) -> Linkage:
    if isinstance(entry, str):
        return _read_jwt(entry, limits)
    text = parse(encode(entry), limits)
    if not isinstance(text.value, dict):
        raise TypeMismatch("expected a credential")
    secured = data_integrity.read(text, data_integrity.ASSERTION, limits)
    if len(secured.signatures) != 1:
        raise TypeMismatch("expected one proof")
    return _linkage(secured.document, secured.signatures[0])


def _read_jwt(token: str, limits: Limits) -> Linkage:
    jws = parse_jws(token, limits)
    header = parse_object(decode_base64url(token.partition(".")[0])).value
    kid, claims = jws.header.kid, jws.claims
    if header.keys() != {"alg", "kid"} or kid is None or claims.keys() != _CLAIMS:  # type: ignore[attr-defined]
        raise TypeMismatch("the header has alg and kid, the payload exp, iss, nbf, sub and vc, and nothing else")
    credential = claims["vc"]
    if not isinstance(credential, dict) or "proof" in credential:
        raise TypeMismatch("expected a credential without proof")
    signature = Signature(
        method_id=kid,
        did=kid.partition("#")[0],
        purpose=data_integrity.ASSERTION,
        suite=jws.header.alg,
        algorithms=KEYS_OF_ALG[jws.header.alg],
        message=jws.signing_input,
        value=jws.signature,
    )
    linkage = _linkage(credential, signature)
    if claims["iss"] != linkage.did or claims["sub"] != linkage.did:
        raise TypeMismatch("iss and sub are the subject's DID")
    begins, ends = parse_numeric_date(claims["nbf"], "/nbf"), parse_numeric_date(claims["exp"], "/exp")
    if int(linkage.issued.timestamp()) != int(begins.timestamp()) or ends > linkage.expires:
        raise TypeMismatch("nbf and exp are the credential's own dates")
    return Linkage(linkage.did, linkage.origin, begins, ends, signature)


def _linkage(credential: dict[str, object], signature: Signature) -> Linkage:
    types, contexts, subject = credential.get("type"), credential.get("@context"), credential.get("credentialSubject")
    if not credential.keys() <= _MEMBERS or types != _TYPES or not isinstance(contexts, list):
        raise TypeMismatch("expected a DomainLinkageCredential without id")
    if contexts[:2] != _CONTEXTS or not isinstance(subject, dict) or subject.keys() != {"id", "origin"}:
        raise TypeMismatch("expected its two contexts, and a subject with id and origin")
    did, origin = subject["id"], subject["origin"]
    if not isinstance(did, str) or credential.get("issuer") != did or signature.did != did:
        raise TypeMismatch("issuer, subject and signer are one DID")
    check_origin(origin)
    issued = parse_instant(credential.get("issuanceDate"), "/issuanceDate")
    expires = parse_instant(credential.get("expirationDate"), "/expirationDate")
    return Linkage(did, origin, issued, expires, signature)
