"""Every way agentdid says no: one exception class a code, three families that say who acts next.

A code is a flat snake_case word that never changes its meaning; services, dashboards and tests match on it.
``except`` clauses match on the family:

* `Malformed`: the sender must change bytes. Nothing was decided about what they meant.
* `Refused`: looked at, and the answer is no.
* `Undecided`: could not be found out. It fails closed and may be retried.

Caller mistakes (a wrong argument type, a wrong order of calls) stay `TypeError`, `ValueError` or `RuntimeError`.
``docs/errors.md`` is made from this module by ``python -m tools.errors_page``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECURITY: Final = "https://w3id.org/security#"
_STATUS: Final = "https://www.w3.org/ns/credentials/status-list#"
_VCDM: Final = "https://www.w3.org/TR/vc-data-model#"

CODES: Final[dict[str, type[AgentdidError]]] = {}
RETIRED: Final[frozenset[str]] = frozenset()
"""Codes that once had a meaning and may never get another."""


class AgentdidError(Exception):
    """The root of all three families.

    Attributes:
        code: The stable code, unique in the whole project.
        problem: The W3C problem type of the same fact, where one is published.
        detail: What was expected and what was found. Never the sender's input, never a secret.
        path: Where in the document, as a JSON Pointer (RFC 6901); empty where there is no place to name.
        report: The verifier's full report, once one has been made.
        receipt: What the verifier signed about the refusal, where it gives receipts.
    """

    code: ClassVar[str] = ""
    problem: ClassVar[str | None] = None
    family: ClassVar[str] = ""

    def __init__(self, detail: str = "", *, path: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.path = path
        self.report: object | None = None
        self.receipt: str | None = None

    def __init_subclass__(cls, *, code: str | None = None, problem: str | None = None) -> None:
        super().__init_subclass__()
        if code is None:
            return  # a family, not a fact
        if code in CODES or code in RETIRED:
            message = f"error code {code!r} is taken"
            raise TypeError(message)
        CODES[code] = cls
        cls.code = code
        cls.problem = problem

    def __str__(self) -> str:
        place = f" at {self.path}" if self.path else ""
        return f"{self.code}{place}: {self.detail}" if self.detail else f"{self.code}{place}"

    def as_problem(self) -> Mapping[str, str]:
        """Return the members that every face (command line, HTTP, report) shows of this error."""
        return {"code": self.code, "detail": self.detail, "path": self.path}


class Malformed(AgentdidError):
    """The sender must change bytes."""

    family = "malformed"


class Refused(AgentdidError):
    """Looked at, and the answer is no."""

    family = "refused"


class Undecided(AgentdidError):
    """Could not be found out; fails closed, may be retried."""

    family = "undecided"


# --- Malformed ---------------------------------------------------------------------------------------------------


class InputTooLarge(Malformed, code="input_too_large"):
    """A document, a token, a list or a count is over its limit."""


class ChainTooDeep(Malformed, code="chain_too_deep"):
    """A delegation chain has more links than the policy (or the hard cap) allows."""


class JsonInvalid(Malformed, code="json_invalid", problem=_VCDM + "PARSING_ERROR"):
    """Not one JSON text (RFC 8259): broken syntax, NaN or Infinity, trailing data."""


class JsonDuplicateKey(Malformed, code="json_duplicate_key", problem=_VCDM + "PARSING_ERROR"):
    """An object names a member twice, so two readers could see two documents."""


class JsonTooDeep(Malformed, code="json_too_deep", problem=_VCDM + "PARSING_ERROR"):
    """Arrays and objects are nested deeper than the limit."""


class JsonNumberRange(Malformed, code="json_number_range", problem=_VCDM + "PARSING_ERROR"):
    """A number that does not survive a round trip: beyond 2^53-1, infinite, or minus zero."""


class EncodingInvalid(Malformed, code="encoding_invalid"):
    """Bytes or text that are not the one spelling of a value: UTF-8, base64url, base58btc, multibase, varint."""


class TypeMismatch(Malformed, code="type_mismatch", problem=_VCDM + "MALFORMED_VALUE_ERROR"):
    """A member is absent, of the wrong JSON type, or outside the form its specification gives it."""


class HeaderInvalid(Malformed, code="header_invalid"):
    """A JOSE token that is not three segments with an object header and an object payload."""


class KeyInvalid(Malformed, code="key_invalid"):
    """A public or secret key of the wrong length, off its curve, of small order, or not canonical."""


class DidInvalid(Malformed, code="did_invalid"):
    """Not a DID, or not one its method could have made."""


class SdDisclosureMalformed(Malformed, code="sd_disclosure_malformed"):
    """A disclosure, or the place for its digest, does not have the form of RFC 9901 section 4.2."""


class DerivedProofMalformed(Malformed, code="derived_proof_malformed", problem=_SECURITY + "PROOF_VERIFICATION_ERROR"):
    """The proof value of a selective suite does not have the one form that its specification gives it."""


class StatusMalformed(Malformed, code="status_malformed", problem=_STATUS + "MALFORMED_VALUE_ERROR"):
    """A status entry or a status list does not have the form its specification gives it."""


# --- Undecided ---------------------------------------------------------------------------------------------------


class StatusUnavailable(Undecided, code="status_unavailable", problem=_STATUS + "STATUS_RETRIEVAL_ERROR"):
    """The status could not be found out: no list, no entry where there must be one, or nobody to ask."""


class StatusStale(Undecided, code="status_stale"):
    """The newest list to be had is older than the policy's bound, or younger than the asked instant."""


class StatusListExpired(Undecided, code="status_list_expired"):
    """The list's own validity has ended."""


class TrustListStale(Undecided, code="trust_list_stale"):
    """A trust list, or a registry's answer, that could have allowed the issuer has ended, went back or is too old."""


class SchemaUnsupported(Undecided, code="schema_unsupported"):
    """A schema of a type, a version or a size that is not processed here: it says neither yes nor no."""


class DidNotFound(Undecided, code="did_not_found"):
    """The DID's document could not be had."""


class FetchFailed(Undecided, code="fetch_failed"):
    """The server could not be reached or answered neither yes nor no."""


class FetchForbiddenAddress(Undecided, code="fetch_forbidden_address"):
    """The host is, or resolves to, an address that is not public and was not allowed by name."""


class FetchRedirect(Undecided, code="fetch_redirect"):
    """The server answered with a redirect; they are never followed."""


class FetchTooLarge(Undecided, code="fetch_too_large"):
    """The body, as sent or as decoded, is over its budget."""


class FetchTimeout(Undecided, code="fetch_timeout"):
    """The whole answer did not come within its time budget."""


class FetchTls(Undecided, code="fetch_tls"):
    """The TLS connection, or its certificate, does not hold."""


class FetchScheme(Undecided, code="fetch_scheme"):
    """Only https URLs are fetched."""


class FetchContentType(Undecided, code="fetch_content_type"):
    """The answer is of another media type than was asked for."""


class StoreUnavailable(Undecided, code="store_unavailable"):
    """A store that must take part (nonces, limits, approvals, or a token or service that holds a key) cannot."""


# --- Refused: proofs and keys ------------------------------------------------------------------------------------


class SignatureInvalid(Refused, code="signature_invalid", problem=_VCDM + "CRYPTOGRAPHIC_SECURITY_ERROR"):
    """The signature does not match the signed bytes."""


class AlgNotAllowed(Refused, code="alg_not_allowed"):
    """An algorithm that is unknown, or that no policy may allow (none, HMAC, RSA, SHA-1)."""


class ExtraMissing(Refused, code="extra_missing"):
    """What this needs is not installed here; the detail names the extra to install."""


class AlgKeyMismatch(Refused, code="alg_key_mismatch"):
    """The named algorithm or suite is not the one of the key."""


class KeySourceForbidden(Refused, code="key_source_forbidden"):
    """The token brings or points to its own key (jwk, jku, x5u), or names one by anything but an absolute DID URL."""


class CritUnsupported(Refused, code="crit_unsupported"):
    """The header lists a critical extension that is not understood (RFC 7515 section 4.1.11)."""


class TypMismatch(Refused, code="typ_mismatch"):
    """The header's `typ` is not that of what was asked for (RFC 8725 section 3.11)."""


class IssuerKeyMismatch(Refused, code="issuer_key_mismatch"):
    """The key belongs to another DID than the issuer or holder named in the document."""


class PurposeNotAuthorized(Refused, code="purpose_not_authorized", problem=_SECURITY + "INVALID_VERIFICATION_METHOD"):
    """The DID document does not list the key under the needed relationship, or lists it as expired or revoked."""


class ProofMissing(Refused, code="proof_missing", problem=_SECURITY + "PROOF_VERIFICATION_ERROR"):
    """The document carries no proof."""


class ProofSuiteUnsupported(Refused, code="proof_suite_unsupported", problem=_SECURITY + "PROOF_VERIFICATION_ERROR"):
    """A proof type or cryptosuite that is unknown or not allowed."""


class ProofPurposeMismatch(Refused, code="proof_purpose_mismatch", problem=_SECURITY + "PROOF_VERIFICATION_ERROR"):
    """`proofPurpose` is not the one this kind of document needs."""


class ProofChainInvalid(Refused, code="proof_chain_invalid", problem=_SECURITY + "PROOF_VERIFICATION_ERROR"):
    """`previousProof` names a proof that is not there, or proofs form a circle."""


class ProofVerificationError(Refused, code="proof_verification_error", problem=_SECURITY + "PROOF_VERIFICATION_ERROR"):
    """The proof's options and the document disagree (a JCS proof's `@context`)."""


class ContextNotAllowed(Refused, code="context_not_allowed"):
    """The document's `@context` is not the exact list its type needs."""


class ContextLoadForbidden(Refused, code="context_load_forbidden", problem=_SECURITY + "PROOF_TRANSFORMATION_ERROR"):
    """A context URL that is neither carried by the package nor registered; contexts are never fetched."""


class TermUndefined(Refused, code="term_undefined", problem=_SECURITY + "PROOF_TRANSFORMATION_ERROR"):
    """A member, a type or an identifier that no context defines: RDF drops it, so no proof covers it."""


class JsonRdfDivergence(Refused, code="json_rdf_divergence", problem=_SECURITY + "PROOF_TRANSFORMATION_ERROR"):
    """JSON that other JSON could replace without changing what an RDF proof signs."""


class CanonicalizationLimit(Refused, code="canonicalization_limit", problem=_SECURITY + "PROOF_TRANSFORMATION_ERROR"):
    """Canonical labels would cost more work than the limit allows (RDFC-1.0 section 7.1, dataset poisoning)."""


class BaseProofPresented(Refused, code="base_proof_presented", problem=_SECURITY + "PROOF_VERIFICATION_ERROR"):
    """A base proof, which only its holder may have, stands where a derived one must."""


class MandatoryMissing(Refused, code="mandatory_missing"):
    """The issuer let the holder hide a member by which the credential is judged."""


class HybridComponentMissing(Refused, code="hybrid_component_missing"):
    """A post-quantum or classical half that the policy or the chain asks for is not there."""


# --- Refused: selective disclosure -------------------------------------------------------------------------------


class SdDisclosureUnreferenced(Refused, code="sd_disclosure_unreferenced"):
    """A disclosure to which no digest leads (RFC 9901 section 7.1)."""


class SdDigestDuplicate(Refused, code="sd_digest_duplicate"):
    """The same digest, or the same disclosure, stands twice (RFC 9901 section 7.1)."""


class SdClaimReserved(Refused, code="sd_claim_reserved"):
    """A disclosed claim is called `_sd` or `...`."""


class SdClaimCollision(Refused, code="sd_claim_collision"):
    """A disclosed claim stands beside a plain one of the same name."""


class SdClaimNotAllowed(Refused, code="sd_claim_not_allowed"):
    """A claim was hidden that every verifier must see."""


class TypeMetadataMismatch(Refused, code="type_metadata_mismatch"):
    """The credential pins other type metadata than the policy holds (SD-JWT VC section 5.5)."""


class SdAlgUnsupported(Refused, code="sd_alg_unsupported"):
    """`_sd_alg` is not SHA-256, SHA-384 or SHA-512."""


class KbMissing(Refused, code="kb_missing"):
    """No key binding where the verifier asks for it."""


class KbInvalid(Refused, code="kb_invalid"):
    """The key binding JWT is not by the credential's key, or stands where none may."""


class KbSdHashMismatch(Refused, code="kb_sd_hash_mismatch"):
    """The key binding JWT was made for another presentation than the one before it (RFC 9901 section 4.3.1)."""


# --- Refused: holder, audience, moment ---------------------------------------------------------------------------


class HolderBindingFailed(Refused, code="holder_binding_failed"):
    """The presenter is not the subject, or the presentation was made for another request."""


class AudienceMismatch(Refused, code="audience_mismatch"):
    """The presentation names another audience, several, or none."""


class InvalidDomainError(Refused, code="invalid_domain_error", problem=_SECURITY + "INVALID_DOMAIN_ERROR"):
    """The Data Integrity presentation's `domain` is not exactly the verifier's."""


class NonceMismatch(Refused, code="nonce_mismatch"):
    """The nonce is absent, or not the one that was handed out."""


class InvalidChallengeError(Refused, code="invalid_challenge_error", problem=_SECURITY + "INVALID_CHALLENGE_ERROR"):
    """The Data Integrity presentation's `challenge` is absent, or not the one that was handed out."""


class NonceExpired(Refused, code="nonce_expired"):
    """The nonce is too old, or from before the store was lost."""


class NonceReplayed(Refused, code="nonce_replayed"):
    """The nonce has been used."""


class Expired(Refused, code="expired"):
    """The validity has ended."""


class NotYetValid(Refused, code="not_yet_valid"):
    """The validity has not begun."""


class IssuedInFuture(Refused, code="issued_in_future"):
    """Signed, by its own word, later than now."""


# --- Refused: identifiers ----------------------------------------------------------------------------------------


class DidMethodUnsupported(Refused, code="did_method_unsupported"):
    """A DID method that is unknown here (method names are lower case)."""


class DidDocumentMismatch(Refused, code="did_document_mismatch"):
    """The document that was served is about another DID."""


class DidLogInvalid(Refused, code="did_log_invalid"):
    """A did:webvh log that no controller of the DID could have published: a hash, proof, key or form does not hold."""


class DidLogRollback(Refused, code="did_log_rollback"):
    """A did:webvh log that ends before, or branches off before, a version that was seen."""


class DidWitnessThreshold(Refused, code="did_witness_threshold"):
    """Too few of a did:webvh log's witnesses approved an entry."""


class DidDeactivated(Refused, code="did_deactivated"):
    """The DID is deactivated, or its log goes on after it was."""


# --- Refused: status ---------------------------------------------------------------------------------------------


class StatusRevoked(Refused, code="status_revoked"):
    """The issuer has revoked the credential."""


class StatusSuspended(Refused, code="status_suspended"):
    """The issuer has suspended the credential."""


class StatusUnknownValue(Refused, code="status_unknown_value"):
    """A status type, purpose or value whose meaning is unknown; unknown is never good."""


class StatusIssuerMismatch(Refused, code="status_issuer_mismatch"):
    """The list's issuer may not speak about this credential."""


class StatusListTooLarge(Refused, code="status_list_too_large"):
    """The list decodes to more than the limit."""


class RangeError(Refused, code="range_error", problem=_STATUS + "RANGE_ERROR"):
    """The entry's index lies outside the list."""


class StatusListLengthError(Refused, code="status_list_length_error", problem=_STATUS + "STATUS_LIST_LENGTH_ERROR"):
    """The list is shorter than the 131,072 entries that give herd privacy."""


class StatusVerificationError(Refused, code="status_verification_error", problem=_STATUS + "STATUS_VERIFICATION_ERROR"):
    """The list is not signed, its signature does not hold, or its purpose is not that of the entry."""


# --- Refused: trust, chains, capabilities ------------------------------------------------------------------------


class IssuerUntrusted(Refused, code="issuer_untrusted"):
    """No trust anchor lets this issuer say this."""


class ChainRootUntrusted(Refused, code="chain_root_untrusted"):
    """The capability's root is not the owner that the policy configures for the resource."""


class Denied(Refused, code="denied"):
    """The verifier's own deny list names a credential, a party or a key of what was presented."""


class ChainLinkMismatch(Refused, code="chain_link_mismatch"):
    """A link does not hang on the one before it: absent, out of order, another issuer, or another digest."""


class ChainParentRevoked(Refused, code="chain_parent_revoked"):
    """A credential further up the chain has been revoked."""


class ChainParentExpired(Refused, code="chain_parent_expired"):
    """A credential further up the chain is no longer valid."""


class DelegationForbidden(Refused, code="delegation_forbidden"):
    """The parent may not be delegated further, or the depth was not counted up by one."""


class CapabilityNotAttenuated(Refused, code="capability_not_attenuated"):
    """The child is not narrower than its parent in every dimension."""


class CapabilityExpandedTime(Refused, code="capability_expanded_time"):
    """The child's validity is not inside its parent's."""


class CapabilityUnknownCaveat(Refused, code="capability_unknown_caveat"):
    """A constraint type that is unknown here; unknown is never ignored."""


class CapabilityTargetMismatch(Refused, code="capability_target_mismatch"):
    """No grant permits this request at every link of the chain."""


class CapabilityAmbiguous(Refused, code="capability_ambiguous"):
    """Several credentials fit and act for different principals; the caller must say which."""


class QueryNotSatisfied(Refused, code="query_not_satisfied"):
    """What was presented (or what is held) does not answer the query."""


class ApprovalRequired(Refused, code="approval_required"):
    """The grant lets this happen only with an approval, and too few were presented.

    Attributes:
        approval: What is to be approved, and by whom (specs/approval.md A8); `None` where nobody could.
    """

    approval: Mapping[str, object] | None = None


class ApprovalUsed(Refused, code="approval_used"):
    """The approval that was presented has been used as often as it may be."""


class PolicyDenied(Refused, code="policy_denied"):
    """The chain permits the request, and the verifier's own policy does not (specs/policy.md)."""


class LimitExceeded(Refused, code="limit_exceeded"):
    """A limit of the grant, or of one above it, leaves no room for this request now."""


class RequestIdConflict(Refused, code="request_id_conflict"):
    """Another call was made under this request id before."""


class AuthorizationRequired(Refused, code="authorization_required"):
    """The grant has limits or an approval rule, which only `Verifier.authorize` can judge."""


# --- Refused: stores, evidence -----------------------------------------------------------------------------------


class CredentialNotFound(Refused, code="credential_not_found"):
    """No credential of that id, or none that fits, is held here."""


class WalletClosed(Refused, code="wallet_closed"):
    """The wallet was closed when its agent was retired: its keys are gone, and it takes and signs nothing more."""


class CredentialExists(Refused, code="credential_exists"):
    """Another credential or key of the same identity is held; it was not overwritten."""


class RevocationFinal(Refused, code="revocation_final"):
    """A revoked credential can be neither suspended nor reinstated."""


class CredentialNotSuspendable(Refused, code="credential_not_suspendable"):
    """The credential was issued without an entry that could say that it is suspended."""


class StoreLocked(Refused, code="store_locked"):
    """The passphrase does not open the store, or the PIN the token."""


class StoreTampered(Refused, code="store_tampered"):
    """A sealed row was changed, moved or exchanged."""


class StoreVersionUnsupported(Refused, code="store_version_unsupported"):
    """The store was written by a newer version; nothing was changed."""


class SchemaInvalid(Refused, code="schema_invalid"):
    """What a credential names as its schema is no schema, or another one."""


class RelatedResourceMismatch(Refused, code="related_resource_mismatch"):
    """A related resource is not the one whose digest the credential names."""


class EvidenceMismatch(Refused, code="evidence_mismatch"):
    """The evidence bundle does not lead to the decision it records."""


class ReceiptInvalid(Refused, code="receipt_invalid"):
    """Not a receipt, or one that its verifier did not sign for what was presented."""


class AuditLogInvalid(Refused, code="audit_log_invalid"):
    """An entry of an audit log was changed, removed or put in, or what is shown of it proves nothing."""
