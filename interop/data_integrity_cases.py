"""What is signed with eddsa-jcs-2022, and what becomes of it."""

from __future__ import annotations

import copy
import unicodedata
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from agentdid.codec.base import decode_multibase, encode_multibase
from agentdid.codec.instant import encode_instant
from agentdid.secure import data_integrity
from interop import documents
from interop.case import Case
from interop.judge import HTTP
from interop.parties import (
    ACME,
    AT,
    AUDIENCE,
    CHALLENGE,
    HELPER,
    HOLDER,
    HOUR,
    ISSUER,
    LIMITED,
    REVOKED,
    STRANGER,
    Party,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Document = dict[str, Any]
MINUTE: Final = timedelta(minutes=1)
_BOUND: Final = {"challenge": CHALLENGE, "domain": AUDIENCE, "expires": encode_instant(AT + MINUTE)}


@dataclass(frozen=True)
class Wanted:
    """A document to be signed: by whom, for what, with which members in its proof."""

    document: Document
    by: Party
    purpose: str = data_integrity.ASSERTION
    options: Mapping[str, object] = field(default_factory=dict)


def credentials() -> dict[str, Wanted]:
    """Return the credentials, by the name under which cases speak of them."""
    stranger = documents.plain(issuer=STRANGER.did)
    return {
        "plain": Wanted(documents.plain(), ISSUER),
        "capability": Wanted(documents.capability(), ACME),
        "revoked": Wanted(documents.capability(REVOKED), ACME),
        "impostor": Wanted(documents.plain(), STRANGER),
        "stranger": Wanted(stranger, STRANGER),
        "authentication": Wanted(documents.plain(), ISSUER, data_integrity.AUTHENTICATION),
        "limited": Wanted(documents.plain(issuer=LIMITED.did), LIMITED),
        "future": Wanted(documents.plain(validFrom=encode_instant(AT + HOUR / 2)), ISSUER),
        "proof expires": Wanted(documents.plain(), ISSUER, options={"expires": encode_instant(AT + MINUTE)}),
    }


def presentations(signed: Mapping[str, Document]) -> dict[str, Wanted]:
    """Return what is made of signed credentials: a delegated capability, and presentations."""
    spoiled = change("credentialSubject", "name", "Zoe")(signed["plain"])
    authentication = data_integrity.AUTHENTICATION

    def vp(document: Document, by: Party = HOLDER, purpose: str = authentication, **options: object) -> Wanted:
        return Wanted(document, by, purpose, _BOUND | options)

    held = documents.presentation([signed["plain"]])
    no_domain = Wanted(held, HOLDER, authentication, {name: _BOUND[name] for name in ("challenge", "expires")})
    return {
        "delegated": Wanted(documents.delegated([signed["capability"]]), HOLDER),
        "vp": vp(held),
        "vp capability": vp(documents.presentation([signed["capability"]])),
        "vp http": vp(documents.http_presentation([signed["capability"]], HTTP.method, HTTP.url)),
        "vp other challenge": vp(held, challenge="b3RoZXI"),
        "vp other domain": vp(held, domain="https://api.other.example"),
        "vp domain list": vp(held, domain=[AUDIENCE]),
        "vp no domain": no_domain,
        "vp assertion": vp(held, purpose=data_integrity.ASSERTION),
        "vp stranger": vp(documents.presentation([signed["plain"]], STRANGER.did), STRANGER),
        "vp other holder": vp(documents.presentation([signed["plain"]], HOLDER.did), STRANGER),
        "vp spoiled": vp(documents.presentation([spoiled])),
    }


def last(signed: Mapping[str, Document]) -> dict[str, Wanted]:
    """Return what is made of delegated capabilities."""
    chain = [signed["capability"], signed["delegated"]]
    return {
        "vp chain": Wanted(
            documents.presentation(chain, HELPER.did), HELPER, data_integrity.AUTHENTICATION, dict(_BOUND)
        )
    }


def change(*path: Any) -> Callable[[Document], Document]:  # noqa: ANN401  # names, indexes, and the value last
    """Return a change: the value at a path becomes another; `None` takes the member away."""
    *steps, name, value = path

    def apply(document: Document) -> Document:
        changed = copy.deepcopy(document)
        place = changed
        for step in steps:
            place = place[step]
        if value is None:
            del place[name]
        else:
            place[name] = value(place[name]) if callable(value) else value
        return changed

    return apply


def _flip(value: str) -> str:
    raw = bytearray(decode_multibase(value))
    raw[7] ^= 1
    return encode_multibase(bytes(raw), "z")


@dataclass(frozen=True)
class DocumentCase(Case[Document]):
    """A case of a credential or a presentation.

    Attributes:
        above: The links over it, root first; they go with it where a chain can be asked about.
    """

    above: tuple[str, ...] = ()

    @property
    def presented(self) -> bool:
        """Whether it is a presentation."""
        return self.of.startswith("vp")

    @property
    def http(self) -> bool:
        """Whether it comes with an HTTP request."""
        return self.of == "vp http"


_SIGNATURE: Final = "Invalid signature"
_PROOF: Final = "Did not verify any proofs"
CASES: Final = (
    DocumentCase("nested, unicode, numbers", "plain"),
    DocumentCase("capability, status good", "capability"),
    DocumentCase("delegated capability", "delegated", above=("capability",)),
    DocumentCase(
        "one text changed", "plain", "signature_invalid", _SIGNATURE,
        change("credentialSubject", "name", "Zoe"),
    ),
    DocumentCase(
        "text composed (NFC)", "plain", "signature_invalid", _SIGNATURE,
        change("credentialSubject", "name", lambda text: unicodedata.normalize("NFC", text)),
    ),
    DocumentCase(
        "number changed in its last place", "plain", "signature_invalid", _SIGNATURE,
        change("credentialSubject", "numbers", 8, 333333333.3333334),
    ),
    DocumentCase(
        "list reordered", "plain", "signature_invalid", _SIGNATURE,
        change("credentialSubject", "degrees", lambda rows: rows[::-1]),
    ),
    DocumentCase(
        "grant widened", "capability", "signature_invalid", _SIGNATURE,
        change("credentialSubject", "capability", "grants", 0, "actions", ["invoice.read", "invoice.pay"]),
    ),
    DocumentCase(
        "claim added", "plain", "signature_invalid", _SIGNATURE,
        change("credentialSubject", lambda it: {**it, "x": 1}),
    ),
    DocumentCase("signature changed", "plain", "signature_invalid", _SIGNATURE, change("proof", "proofValue", _flip)),
    DocumentCase(
        "created changed", "plain", "signature_invalid", _SIGNATURE,
        change("proof", "created", encode_instant(AT - HOUR)),
    ),
    DocumentCase(
        "proof's context taken away", "plain", "signature_invalid", _SIGNATURE,
        change("proof", "@context", None),
    ),
    DocumentCase(
        "proof's context is not the document's", "plain", "proof_verification_error", "does not start with",
        change("proof", "@context", ["https://www.w3.org/2018/credentials/v1"]),
    ),
    DocumentCase(
        "context added behind the signed ones", "plain",
        change=change("@context", lambda it: [*it, "https://w3id.org/security/data-integrity/v2"]),
    ),
    DocumentCase(
        "another key named", "plain", "issuer_key_mismatch", _SIGNATURE,
        change("proof", "verificationMethod", STRANGER.method_id),
    ),
    DocumentCase(
        "signed by somebody else", "impostor", "issuer_key_mismatch",
        "must match the verification method controller",
    ),
    DocumentCase("signed for authentication", "authentication", "proof_purpose_mismatch", _PROOF),
    DocumentCase("key not for assertions", "limited", "purpose_not_authorized", "not authorized"),
    DocumentCase(
        "unknown suite", "plain", "proof_suite_unsupported", _PROOF,
        change("proof", "cryptosuite", "eddsa-jcs-2021"),
    ),
    DocumentCase("no proof", "plain", "proof_missing", "No matching proofs", change("proof", None)),
    DocumentCase("expired", "plain", "expired", "is after", at=AT + 2 * HOUR),
    DocumentCase("not yet valid", "future", "not_yet_valid", "is before"),
    DocumentCase("proof expired", "proof expires", "expired", "expire", at=AT + HOUR / 2),
    DocumentCase("revoked", "revoked", "status_revoked", "revoked"),
    DocumentCase("presentation", "vp"),
    DocumentCase("presentation of a capability", "vp capability"),
    DocumentCase("presentation of a chain", "vp chain"),
    DocumentCase("presentation for one HTTP request", "vp http"),
    DocumentCase("other challenge", "vp other challenge", "invalid_challenge_error", "challenge is not as expected"),
    DocumentCase("other domain", "vp other domain", "invalid_domain_error", "domain is not as expected"),
    DocumentCase("no domain", "vp no domain", "invalid_domain_error", "domain is not as expected"),
    DocumentCase("domain is a list of one", "vp domain list"),
    DocumentCase("presentation signed for assertion", "vp assertion", "proof_purpose_mismatch", _PROOF),
    DocumentCase("presented by somebody else", "vp stranger"),
    DocumentCase("presented in the holder's name", "vp other holder", "issuer_key_mismatch", "holder|controller"),
    DocumentCase("presentation expired", "vp", "expired", "expire", at=AT + HOUR / 6),
    DocumentCase(
        "presentation's signature changed", "vp", "signature_invalid", _SIGNATURE,
        change("proof", "proofValue", _flip),
    ),
    DocumentCase(
        "presentation's challenge changed", "vp other challenge", "signature_invalid", _SIGNATURE,
        change("proof", "challenge", CHALLENGE),
    ),
    DocumentCase(
        "presentation's domain changed", "vp other domain", "signature_invalid", _SIGNATURE,
        change("proof", "domain", AUDIENCE),
    ),
    DocumentCase(
        "presentation's lifetime prolonged", "vp", "signature_invalid", _SIGNATURE,
        change("proof", "expires", encode_instant(AT + MINUTE / 2)),
    ),
    DocumentCase("presented credential spoiled", "vp spoiled", "signature_invalid", _SIGNATURE),
    DocumentCase(
        "presented credential exchanged", "vp", "signature_invalid", _SIGNATURE,
        change("verifiableCredential", 0, "id", "urn:uuid:0"),
    ),
)  # fmt: skip
