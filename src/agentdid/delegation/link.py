"""One link made: a capability credential for a subject, narrower than the parent it hangs on, and secured.

Issuers and delegating holders make links alike; whoever signs, nothing is signed that a verifier would refuse as
malformed or as wider than its parent.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final, final

from agentdid.codec.base import encode_multibase
from agentdid.codec.instant import encode_instant
from agentdid.credential.model import AGENTDID_V1, CAPABILITY_TYPE, CREDENTIALS_V2
from agentdid.credential.parse import parse_credential
from agentdid.delegation.capability import parse_capability
from agentdid.delegation.chain import check_delegation, check_form
from agentdid.errors import ChainLinkMismatch, TypeMismatch
from agentdid.keys.pair import KeyPair
from agentdid.limits import DEFAULT, Limits
from agentdid.proof.suites import JCS, SELECTIVE, SUITES, find_suite
from agentdid.record import Value
from agentdid.secure import data_integrity, hybrid, sd_jwt, vc_jwt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from agentdid.credential.model import Credential
    from agentdid.delegation.capability import Capability
    from agentdid.keys.secret import Signer

FORMATS: Final = (sd_jwt.TYP, vc_jwt.TYP, *SUITES, *SELECTIVE, data_integrity.HYBRID_SET)
"""The forms a link can be secured in; the first is the default, because it can hide grants."""
_SHA2_256: Final = b"\x12\x20"  # multihash: SHA-256, 32 bytes
GRANTS: Final = ("credentialSubject", "capability", "grants")


@final
class ParentLink(Value, frozen=True):
    """The link that a new one hangs on: what it says, and the digest that names it."""

    credential: Credential
    capability: Capability
    digest: bytes


def build_link(
    *,
    issuer: str,
    subject: str,
    capability: Mapping[str, object],
    at: datetime,
    ttl: timedelta,
    parent: ParentLink | None = None,
    status: Mapping[str, object] | None = None,
    claims: Mapping[str, object] | None = None,
    credential_id: str | None = None,
    limits: Limits = DEFAULT,
) -> dict[str, object]:
    """Return an unsecured capability credential whose form, and whose narrowing, have been checked.

    Args:
        issuer: The DID that will sign; with a parent, the parent's subject.
        subject: The DID that may use it.
        capability: PROTOCOL section 1's `capability`; `parent` and `delegation.depth` are filled in here.
        at: `validFrom`, whole seconds.
        ttl: `validUntil` less `validFrom`.
        parent: What it hangs on; `None` for a root.
        status: A `credentialStatus` entry.
        claims: More claims about the subject.
        credential_id: Its `id`; a fresh `urn:uuid:` by default.
        limits: Bounds on the capability.

    Raises:
        TypeMismatch, CapabilityUnknownCaveat: `capability` or `claims` has not the form of the specification.
        ChainLinkMismatch: The issuer is not the parent's subject.
        CapabilityNotAttenuated, CapabilityExpandedTime, DelegationForbidden: It is not narrower than its parent.
    """
    if claims is not None and {"id", "capability"} & claims.keys():
        raise TypeMismatch("claims may not set id or capability", path="/claims")
    begin = at.replace(microsecond=0)
    filled = dict(capability)
    given = filled.get("delegation")
    filled["delegation"] = {
        **(given if isinstance(given, dict) else {}),
        "depth": 0 if parent is None else parent.capability.depth + 1,
    }
    filled["parent"] = None if parent is None else _reference(parent)
    document: dict[str, object] = {
        "@context": [CREDENTIALS_V2, AGENTDID_V1],
        "id": credential_id or f"urn:uuid:{uuid.uuid4()}",
        "type": ["VerifiableCredential", CAPABILITY_TYPE],
        "issuer": issuer,
        "validFrom": encode_instant(begin),
        "validUntil": encode_instant(begin + ttl),
        "credentialSubject": {"id": subject, **(claims or {}), "capability": filled},
    }
    if status is not None:
        document["credentialStatus"] = dict(status)
    credential = parse_credential(document)
    made = parse_capability(filled, limits, path="/capability")
    check_form(credential, made, "")
    if parent is not None:
        if parent.credential.subjects != (issuer,):
            raise ChainLinkMismatch("only the parent's subject can hang a link on it", path="/issuer")
        check_delegation(parent.credential, parent.capability, credential, made)
    return document


def secure_link(
    document: dict[str, object],
    signer: Signer,
    method_id: str,
    *,
    form: str = sd_jwt.TYP,
    at: datetime,
    disclosable: Sequence[tuple[str | int, ...]] = (),
    status: Mapping[str, object] | None = None,
) -> str | dict[str, object]:
    """Return the credential signed: compact text as SD-JWT or JWT, an object with a Data Integrity suite.

    Every grant of an SD-JWT can be withheld, whatever else is listed in `disclosable`. Under a selective suite the
    credential gets a base proof, for its holder to derive from.

    Args:
        document: What `build_link` returned.
        signer: The issuer's key.
        method_id: Its absolute DID URL.
        form: One of `FORMATS`.
        at: When it is signed.
        disclosable: Paths the holder may withhold.
        status: A token's `status` claim; only in a form that is a token.

    Raises:
        ValueError: An unknown form, disclosable paths in a form that cannot disclose selectively, or a status claim in
            one that has no claims.
        SdClaimNotAllowed, MandatoryMissing: A path to what may not be hidden; the latter under a selective suite.
        TermUndefined, JsonRdfDivergence: Statements are signed, and the JSON says something else than they would.
    """
    claims: dict[str, object] = {"iat": int(at.timestamp())}
    if status is not None:
        claims["status"] = dict(status)
    if form == sd_jwt.TYP:
        subject: dict[str, dict[str, list[object]]] = document["credentialSubject"]  # type: ignore[assignment]
        grants = [(*GRANTS, position) for position in range(len(subject["capability"]["grants"]))]
        return sd_jwt.issue(document, signer, method_id, disclosable=[*disclosable, *grants], claims=claims)
    if status is not None and form != vc_jwt.TYP:
        message = f"{form} has no place for a token's status; use {sd_jwt.TYP}"
        raise ValueError(message)
    if form in SELECTIVE:
        from agentdid.secure.derivation import add_base_proof  # noqa: PLC0415  # most links are of one signature
        from agentdid.secure.mandatory import mandatory_pointers  # noqa: PLC0415

        pointers = mandatory_pointers(document, disclosable)
        return add_base_proof(document, signer, method_id, form, pointers=pointers, created=at)
    if form not in FORMATS:
        message = f"unknown form {form!r}, expected one of {', '.join(FORMATS)}"
        raise ValueError(message)
    if disclosable:
        message = f"{form} cannot disclose selectively; use {sd_jwt.TYP}"
        raise ValueError(message)
    if form == data_integrity.HYBRID_SET:
        return hybrid.add_set(document, signer, method_id, created=at)
    if form == vc_jwt.TYP:
        return vc_jwt.issue(document, signer, method_id, claims=claims)
    return data_integrity.add_proof(document, signer, method_id, SUITES[form], created=at)


def default_form(signer: Signer) -> str:
    """Return the form in which a key signs where nothing else is asked: a pair with both of its keys."""
    return data_integrity.HYBRID_SET if isinstance(signer, KeyPair) else FORMATS[0]


def fitting_form(form: str, signer: Signer) -> str:
    """Return the form in which a key signs beside documents of a form.

    A pair signs with both of its keys. A key that does not sign with the suite does so in one that canonicalizes alike.
    """
    if isinstance(signer, KeyPair):
        return data_integrity.HYBRID_SET
    algorithm = signer.public.algorithm.name
    suite = SUITES.get(form)
    if suite is not None and algorithm in suite.algorithms:
        return form
    if suite is None and form != data_integrity.HYBRID_SET:
        return form
    found = find_suite(algorithm, JCS if suite is None else suite.canonical)
    return form if found is None else found.name


def _reference(parent: ParentLink) -> dict[str, object]:
    return {"id": parent.credential.id, "digestMultibase": encode_multibase(_SHA2_256 + parent.digest, "u")}
