"""Documents of one closed form, each read by one typed decoding: the form in which our wallets and issuers write.

Here is read a text that is as short as JSON has its value, with the members of the form and no other, and one
`eddsa-jcs-2022` proof. Of anything else, whatever is wrong with it included, nothing is said (`None`): the readers of
every form (`codec.strict_json`, `secure.data_integrity`, `credential.parse`) judge it. So there are two routes, and
what is read here ends as it would end there (tests/property/test_closed_forms.py).

**Length is strictness.** What is written of a value that was read has no shorter spelling in ASCII. A member that
stands twice, white space, an escape that need not be: whatever a strict parser refuses, or a second reader could take
otherwise, makes the text longer than what is written of its value. So a text that is as long as its canonical form is
that form, but for the order of members; and the canonical form is needed anyhow.

Spec: vc-di-eddsa section 3.3; RFC 8785.
"""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from typing import Any, Final, Literal, final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field
from msgspec.json import decode

from agentdid.codec.base import decode_base58btc
from agentdid.codec.instant import parse_instant
from agentdid.codec.late_json import LateObject
from agentdid.credential.model import AGENTDID_V1, CAPABILITY_TYPE, CREDENTIALS_V2, Credential
from agentdid.credential.parse import check_typed, check_url
from agentdid.did.syntax import check_did, split_did_url
from agentdid.errors import Malformed
from agentdid.proof.suites import SUITES
from agentdid.secure.mechanism import NO_CLAIMS, Binding, Secured, Signature

_SUITE: Final = SUITES["eddsa-jcs-2022"]
_BASE58: Final = "z"
_CONTEXTS: Final = ([CREDENTIALS_V2], [CREDENTIALS_V2, AGENTDID_V1])
_PRESENTATION: Final = ["VerifiablePresentation"]
_CAPABILITY: Final = ("VerifiableCredential", CAPABILITY_TYPE)
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)
_AROUND_PROOF: Final = len(',"proof":,"proofValue":""')

_write: Final = msgspec.json.Encoder(order="deterministic").encode
"""The RFC 8785 bytes of a form, whose members stand in their order."""


@final
class PresentationProof(Struct, forbid_unknown_fields=True, kw_only=True, rename="camel", gc=False):
    """A holder's proof, members in the order of their names."""

    context: list[str] | UnsetType = field(name="@context", default=UNSET)
    challenge: str
    created: str
    cryptosuite: Literal["eddsa-jcs-2022"]
    domain: str
    expires: str
    proof_purpose: Literal["authentication"]
    proof_value: str | UnsetType
    type: Literal["DataIntegrityProof"]
    verification_method: str


@final
class HttpBinding(Struct, forbid_unknown_fields=True, kw_only=True, rename="camel", gc=False):
    """The one HTTP request that a presentation goes with (specs/presentation-over-http.md H6)."""

    content_digest: str | UnsetType = UNSET
    htm: str
    htu: str


@final
class ClosedPresentation(Struct, forbid_unknown_fields=True, kw_only=True, rename="camel", gc=False):
    """A presentation, members in the order of their names, its credentials as text."""

    context: list[str] = field(name="@context")
    holder: str
    proof: PresentationProof | UnsetType
    request: HttpBinding | UnsetType = UNSET
    type: list[str]
    verifiable_credential: list[Raw]


@final
class IssuerProof(Struct, forbid_unknown_fields=True, kw_only=True, rename="camel", gc=False):
    """An issuer's proof, members in the order of their names."""

    context: list[str] | UnsetType = field(name="@context", default=UNSET)
    created: str
    cryptosuite: Literal["eddsa-jcs-2022"]
    proof_purpose: Literal["assertionMethod"]
    proof_value: str | UnsetType
    type: Literal["DataIntegrityProof"]
    verification_method: str


@final
class ClosedSubject(Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """Who is granted what, members in the order of their names, the capability as text."""

    capability: Raw
    id: str


@final
class ClosedCapability(Struct, forbid_unknown_fields=True, kw_only=True, rename="camel", gc=False):
    """A capability credential, members in the order of their names."""

    context: list[str] = field(name="@context")
    credential_status: dict[str, str] | UnsetType = UNSET
    credential_subject: ClosedSubject
    id: str
    issuer: str
    proof: IssuerProof | UnsetType
    type: tuple[str, str]
    valid_from: str
    valid_until: str


_decode_presentation: Final = msgspec.json.Decoder(ClosedPresentation).decode
_decode_capability: Final = msgspec.json.Decoder(ClosedCapability).decode


def find_presentation(octets: bytes) -> ClosedPresentation | None:
    """Return what an ASCII text says if it has the form; how it is spelled, `read_presentation` looks at."""
    try:
        return _decode_presentation(octets)
    except _UNREADABLE:
        return None


def read_presentation(form: ClosedPresentation, octets: bytes, credentials: list[Raw]) -> Secured | None:
    """Return the parts of a presentation; `None` where other readers have to look at it.

    Args:
        form: What `find_presentation` found in `octets`; it is used up.
        octets: All of the text.
        credentials: The RFC 8785 forms of its credentials, each as long as the text it came from.
    """
    proof, context, request = form.proof, form.context, form.request
    if proof is UNSET or context not in _CONTEXTS or form.type != _PRESENTATION or not credentials:
        return None
    form.proof, form.verifiable_credential = UNSET, credentials  # what is left is what was signed
    body = _write(form)
    try:
        made, expires = parse_instant(proof.created, ""), parse_instant(proof.expires, "")
        found = _read_proof(proof, context, sha256(body).digest())
    except Malformed:
        return None
    if found is None or found[0].did != form.holder or len(body) + found[1] != len(octets):
        return None
    document: dict[str, Any] = {
        "@context": context,
        "holder": form.holder,
        "type": form.type,
        "verifiableCredential": credentials,
    }
    if request is UNSET:
        binding = Binding(proof.domain, proof.challenge, made, expires)
    else:
        document["request"] = named = msgspec.to_builtins(request)
        content = named.get("contentDigest")
        binding = Binding(proof.domain, proof.challenge, made, expires, request.htm, request.htu, content)
    # a presentation is nobody's parent
    return Secured(
        _SUITE.name, document, found[:1], b"", made, expires, None, LateObject(decode, octets), NO_CLAIMS, binding
    )


def find_capability_credential(octets: bytes) -> ClosedCapability | None:
    """Return what an ASCII text says if it has the form; how it is spelled, `read_capability_credential` looks at."""
    try:
        return _decode_capability(octets)
    except _UNREADABLE:
        return None


def read_capability_credential(
    form: ClosedCapability, octets: bytes, capability: Raw
) -> tuple[Secured, Credential, Raw] | None:
    """Return the parts of a capability credential, what it says, and its RFC 8785 form; `None` as `read_presentation`.

    Args:
        form: What `find_capability_credential` found in `octets`; it is used up.
        octets: All of the text.
        capability: The RFC 8785 form of its capability, as long as the text it came from.
    """
    proof, subject, issuer = form.proof, form.credential_subject, form.issuer
    if proof is UNSET or form.context != _CONTEXTS[1] or form.type != _CAPABILITY:
        return None
    subject.capability = capability
    whole = _write(form)
    if len(whole) != len(octets):
        return None
    form.proof = UNSET  # what is left is what was signed
    digest = sha256(_write(form)).digest()
    status = form.credential_status
    try:
        check_did(issuer)
        check_did(subject.id)
        check_url(form.id)
        if status is not UNSET:
            check_typed(status)
        begin, end = parse_instant(form.valid_from, ""), parse_instant(form.valid_until, "")
        made = parse_instant(proof.created, "")
        found = _read_proof(proof, form.context, digest)
    except Malformed:
        return None
    if found is None or found[0].did != issuer or begin > end:
        return None
    body = LateObject(_without_proof, octets)
    statuses: Any = () if status is UNSET else (status,)
    credential = Credential(form.id, _CAPABILITY, issuer, (subject.id,), begin, end, statuses, body)
    secured = Secured(_SUITE.name, body, found[:1], digest, made, None, None, partial(decode, octets), NO_CLAIMS)
    return secured, credential, Raw(whole)


def _without_proof(octets: bytes) -> dict[str, Any]:
    document: dict[str, Any] = decode(octets)
    del document["proof"]
    return document


def _read_proof(
    proof: PresentationProof | IssuerProof, context: list[str], digest: bytes
) -> tuple[Signature, int] | None:
    """Return a proof's signature, and how long the proof is as short as it can be written; it is used up.

    Args:
        proof: Of a closed form.
        context: The document's.
        digest: Of the document's RFC 8785 form.

    Raises:
        DidInvalid, EncodingInvalid: By the method and the value.
    """
    value, method_id = proof.proof_value, proof.verification_method
    # Deviation D1: a proof's own list is the document's
    if type(value) is not str or value[:1] != _BASE58 or (proof.context is not UNSET and proof.context != context):
        return None
    did, _ = split_did_url(method_id)
    made = decode_base58btc(value[1:])
    proof.proof_value = UNSET  # what is left is what was signed
    options = _write(proof)
    message = sha256(options).digest() + digest
    signature = Signature(method_id, did, proof.proof_purpose, _SUITE.name, _SUITE.algorithms, message, made)
    return signature, _AROUND_PROOF + len(options) + len(value)
