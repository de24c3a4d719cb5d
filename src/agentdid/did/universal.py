"""A Universal Resolver: another party that resolves the DID methods which are not built here.

Whom it names a document's controller is believed on its word alone, so it is asked only where the operator named it
(trust file, `[resolver]`), for no method of ours, and through the same guard as every other server. There is no default
instance, and nothing falls back to one.
"""

from __future__ import annotations

import re
from typing import Final, final

from agentdid.codec.strict_json import parse_object
from agentdid.did.document import parse_document
from agentdid.did.resolve import METHODS, Ask
from agentdid.did.result import RESULT_TYPE, Resolution
from agentdid.did.syntax import check_did
from agentdid.errors import DidMethodUnsupported, DidNotFound, TypeMismatch
from agentdid.record import Value

_ENDPOINT: Final = re.compile(r"https://[^/?#\s]+(?:/[^?#\s]*)?")
# What it answers with; older instances name the result by its JSON-LD profile.
ACCEPT: Final = (RESULT_TYPE, "application/ld+json", "application/did+ld+json", "application/json")


@final
class UniversalResolver(Value, frozen=True):
    """One resolver in the HTTP binding of DID Resolution (section 12.1), and what it is believed for.

    Attributes:
        url: Its https URL, to which `/1.0/identifiers/{did}` is added.
        methods: The DID methods it is believed for; none that is built here can be among them.

    Raises:
        ValueError: No https URL, no method, or one that is built here.
    """

    url: str
    methods: tuple[str, ...]

    def __post_init__(self) -> None:
        if _ENDPOINT.fullmatch(self.url) is None:
            raise ValueError("a resolver has an https URL without query and fragment")
        if not self.methods or set(self.methods) & set(METHODS):
            message = f"a resolver is named for DID methods, none of them {', '.join(METHODS)}"
            raise ValueError(message)

    def ask(self, did: str) -> Ask:
        """Return what to ask for to know a DID's document. Raises `DidMethodUnsupported`: not a method of its."""
        if check_did(did) not in self.methods:
            raise DidMethodUnsupported(f"expected a DID of the method {', '.join((*METHODS, *self.methods))}")
        from urllib.parse import quote  # noqa: PLC0415  # few verifiers ask anybody

        return Ask(did, self._identifiers + quote(did, safe=":"), ACCEPT)

    @property
    def _identifiers(self) -> str:
        return self.url.rstrip("/") + "/1.0/identifiers/"

    def is_ask(self, ask: Ask) -> bool:
        """Whether this resolver is who is asked."""
        return ask.accept is ACCEPT and ask.url.startswith(self._identifiers)

    def read(self, did: str, body: bytes) -> Resolution:
        """Return the outcome in an answer: a resolution result, or a bare document.

        Raises:
            DidNotFound: It found nothing, or says that the DID is deactivated.
            Malformed, DidDocumentMismatch: Not a document of this DID.
        """
        found: dict[str, object] = parse_object(body).value  # type: ignore[assignment]  # an object, by its parser
        document, metadata = found, dict[str, object]()
        if "didDocument" in found:
            said, document = found.get("didResolutionMetadata"), found["didDocument"]  # type: ignore[assignment]
            metadata = found.get("didDocumentMetadata") or {}  # type: ignore[assignment]
            if not isinstance(metadata, dict):
                raise TypeMismatch("expected didDocumentMetadata to be an object")
            if (isinstance(said, dict) and said.get("error")) or document is None:
                raise DidNotFound("the resolver that was asked found no document")
            if metadata.get("deactivated") not in (None, False):
                raise DidNotFound("the resolver that was asked says that the DID is deactivated")
        parse_document(document, did)
        return Resolution(document, None, metadata)
