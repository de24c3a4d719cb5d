"""Links of a chain, and the presentations that hold them, in the closed forms that we write, taken apart.

What they say is held as `verify.structure` holds it; whatever is wrong is said there (`secure.closed_forms`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from msgspec import structs

from agentdid.codec.strict_json import JsonText, parse
from agentdid.credential.model import CAPABILITY_TYPE
from agentdid.delegation.capability import find_capability, parse_capability
from agentdid.errors import AgentdidError
from agentdid.limits import DEFAULT
from agentdid.proof.disclosures import open_payload
from agentdid.secure import closed_tokens, sd_jwt
from agentdid.secure.closed_forms import find_capability_credential, read_capability_credential
from agentdid.verify.inputs import Item
from agentdid.verify.known_links import find_known_link
from agentdid.verify.states import Link

if TYPE_CHECKING:
    from msgspec import Raw

    from agentdid.delegation.capability import Capability
    from agentdid.limits import Limits
    from agentdid.secure.mechanism import Secured
    from agentdid.verify.case import Case

_MAX_REMEMBERED = 4_096
"""Bytes of a capability and its disclosures; no stranger makes the cache hold longer ones."""


def read_link(octets: bytes, limits: Limits, position: int) -> tuple[Link, Raw] | None:
    """Return the link that an ASCII text is, at its place, and its RFC 8785 form; `None` where it has not the form."""
    form = find_capability_credential(octets)
    found = None if form is None else find_capability(bytes(form.credential_subject.capability), limits)
    if form is None or found is None:
        return None
    capability, canonical = found
    read = read_capability_credential(form, octets, canonical)
    if read is None:
        return None
    secured, credential, whole = read
    return Link(secured, credential, capability, position), whole


def read_presentation(case: Case, token: str) -> tuple[Secured, list[Item]] | None:
    """Return the parts of a `vp+jwt` and its credentials; `None` where it has not the form."""
    presented = closed_tokens.read_presentation(token)
    if presented is None:
        return None
    secured, envelopes = presented
    return secured, [_read_item(case, each, position) for position, each in enumerate(envelopes)]


def _read_item(case: Case, envelope: dict[str, Any], position: int) -> Item:
    url: str = envelope["id"]
    text = url.encode()  # bytes, as of what stands in an envelope; a bare token is known as text
    known = find_known_link(case, text)
    if known is not None:
        return Item(text, None, known, None)
    link = _read_enveloped(url, case.question.trust.limits, position)
    return Item(text, JsonText(envelope, False) if link is None else None, None, None, link)


def _read_enveloped(url: str, limits: Limits, position: int) -> Link | None:
    """Return the link that an envelope's `id` holds as SD-JWT; `None` where it has not the form."""
    if not url.startswith(closed_tokens.ENVELOPE):
        return None
    read = closed_tokens.read_link(url[len(closed_tokens.ENVELOPE) :], limits, _find_opened)
    if read is None:
        return None
    secured, credential, capability = read
    return Link(secured, credential, capability, position)


def _find_opened(text: bytes, disclosures: tuple[str, ...], limits: Limits) -> tuple[Capability, bool] | None:
    if len(text) + sum(map(len, disclosures)) > _MAX_REMEMBERED or len(disclosures) > limits.max_disclosures:
        return None
    try:
        return _open_capability(text, disclosures, limits.max_grants)
    except AgentdidError:
        return None


@lru_cache(maxsize=1024)
def _open_capability(text: bytes, disclosures: tuple[str, ...], max_grants: int) -> tuple[Capability, bool] | None:
    """Return the capability of its text with disclosures applied, and whether grants are withheld."""
    parsed = parse(text)
    document: dict[str, object] = {"type": CAPABILITY_TYPE, "credentialSubject": {"capability": parsed.value}}
    hidden = sd_jwt.check_places(open_payload(document, disclosures), document)
    return parse_capability(parsed.value, structs.replace(DEFAULT, max_grants=max_grants), hidden_grants=hidden), hidden
