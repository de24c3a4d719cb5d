"""What a resolver answers (DID Resolution sections 9 to 11): a document or a part of one, metadata, errors by name."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, final

from agentdid.did.key import KeyLengthInvalid
from agentdid.did.key_document import KeyFormatInvalid, KeyFormatUnknown, OptionInvalid
from agentdid.did.syntax import DidUrlInvalid
from agentdid.errors import (
    AgentdidError,
    DidDeactivated,
    DidInvalid,
    DidLogInvalid,
    DidLogRollback,
    DidMethodUnsupported,
    DidNotFound,
    DidWitnessThreshold,
    InputTooLarge,
    KeyInvalid,
    PurposeNotAuthorized,
    TypeMismatch,
    Undecided,
)
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

DID_TYPE: Final = "application/did"
URI_LIST: Final = "text/uri-list"
RESULT_TYPE: Final = "application/did-resolution"
DEREFERENCING_TYPE: Final = "application/did-url-dereferencing"
RESULT_CONTEXT: Final = "https://w3id.org/did-resolution/v1"
_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
_DID: Final = "https://www.w3.org/ns/did#"
_SECURITY: Final = "https://w3id.org/security#"


@final
class RepresentationUnsupported(TypeMismatch):
    """Nothing that was asked for in `accept` can be given."""


@final
class ResourceMissing(DidNotFound):
    """The document is there, and has nothing under this DID URL."""


@final
class FeatureUnsupported(DidMethodUnsupported):
    """An option or parameter that the DID's method gives no meaning: a version, of a method that keeps none."""


# The name that DID Core and the did:key method give an error, and the word that DID Resolution section 11 has for it.
# The first row that an error is of counts.
_NAMES: Final[tuple[tuple[type[AgentdidError], str, str], ...]] = (
    (FeatureUnsupported, "featureNotSupported", _DID + "FEATURE_NOT_SUPPORTED"),
    (DidMethodUnsupported, "methodNotSupported", _DID + "METHOD_NOT_SUPPORTED"),
    (KeyLengthInvalid, "invalidPublicKeyLength", _DID + "INVALID_PUBLIC_KEY_LENGTH"),
    (KeyInvalid, "invalidPublicKey", _DID + "INVALID_PUBLIC_KEY"),
    (KeyFormatUnknown, "unsupportedPublicKeyType", _DID + "UNSUPPORTED_PUBLIC_KEY_TYPE"),
    (KeyFormatInvalid, "invalidPublicKeyType", _DID + "INVALID_PUBLIC_KEY_TYPE"),
    (RepresentationUnsupported, "representationNotSupported", _DID + "REPRESENTATION_NOT_SUPPORTED"),
    (OptionInvalid, "invalidOptions", _DID + "INVALID_OPTIONS"),
    (DidUrlInvalid, "invalidDidUrl", _DID + "INVALID_DID_URL"),
    (DidInvalid, "invalidDid", _DID + "INVALID_DID"),
    # did:webvh 1.0, Read (Resolve): whatever makes the log invalid makes the DID invalid
    (DidLogInvalid, "invalidDid", _DID + "INVALID_DID"),
    (DidLogRollback, "invalidDid", _DID + "INVALID_DID"),
    (DidWitnessThreshold, "invalidDid", _DID + "INVALID_DID"),
    (DidDeactivated, "invalidDid", _DID + "INVALID_DID"),
    (InputTooLarge, "invalidDid", _DID + "INVALID_DID"),
    (
        PurposeNotAuthorized,
        "invalidRelationshipForVerificationMethod",
        _SECURITY + "INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD",
    ),
    (DidNotFound, "notFound", _DID + "NOT_FOUND"),
    (Undecided, "internalError", _DID + "INTERNAL_ERROR"),
)
_OTHERS: Final = ("invalidDidDocument", _DID + "INVALID_DID_DOCUMENT")


def error_name(error: AgentdidError) -> str:
    """Return the name of an error, such as `invalidDid`."""
    return _named(error)[0]


def error_object(error: AgentdidError) -> dict[str, str]:
    """Return the error as DID Resolution writes it, an RFC 9457 problem whose title is the error's name.

    `code` and `detail` are those of the error book; neither holds anything of the input.
    """
    name, kind = _named(error)
    return {"type": kind, "title": name, "detail": error.detail, "code": error.code}


def _named(error: AgentdidError) -> tuple[str, str]:
    for family, name, kind in _NAMES:
        if isinstance(error, family):
            return name, kind
    return _OTHERS


@final
class Resolution(Value, frozen=True):
    """The outcome of resolving a DID.

    Attributes:
        document: The DID document as JSON, `None` where there is none.
        error: Why there is none.
        document_metadata: `deactivated`, `versionId`, … of the document.
        resolution_metadata: `retrieved`, … of this resolution.
    """

    document: dict[str, object] | None
    error: AgentdidError | None = None
    document_metadata: Mapping[str, object] = _NOTHING
    resolution_metadata: Mapping[str, object] = _NOTHING

    def encode(self) -> dict[str, object]:
        """Return the DID resolution result (DID Resolution section 9)."""
        said = {"contentType": DID_TYPE} if self.error is None else {"error": error_object(self.error)}
        return {
            "@context": RESULT_CONTEXT,
            "didDocument": self.document,
            "didDocumentMetadata": dict(self.document_metadata),
            "didResolutionMetadata": {**said, **self.resolution_metadata},
        }


@final
class Dereferencing(Value, frozen=True):
    """The outcome of dereferencing a DID URL.

    Attributes:
        content: A document, a part of one, a list of URLs, or what a file under the DID holds; `None` where there is
            none.
        content_type: The media type of `content`.
        error: Why there is none.
        content_metadata: Of the document, where `content` is one.
        dereferencing_metadata: Of this dereferencing.
    """

    content: object
    content_type: str = DID_TYPE
    error: AgentdidError | None = None
    content_metadata: Mapping[str, object] = _NOTHING
    dereferencing_metadata: Mapping[str, object] = _NOTHING

    def encode(self) -> dict[str, object]:
        """Return the DID URL dereferencing result (DID Resolution section 10)."""
        said = {"contentType": self.content_type} if self.error is None else {"error": error_object(self.error)}
        return {
            "@context": RESULT_CONTEXT,
            "content": self.content,
            "contentMetadata": dict(self.content_metadata),
            "didUrlDereferencingMetadata": {**said, **self.dereferencing_metadata},
        }
