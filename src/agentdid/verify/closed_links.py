"""Links of a chain that have the closed form of a capability credential (`secure.closed_forms`), taken apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentdid.delegation.capability import find_capability
from agentdid.secure.closed_forms import find_capability_credential, read_capability_credential
from agentdid.verify.states import Link

if TYPE_CHECKING:
    from msgspec import Raw

    from agentdid.limits import Limits


def read_link(octets: bytes, limits: Limits, position: int) -> tuple[Link, Raw] | None:
    """Return the link that an ASCII text is, at its place, and its RFC 8785 form; `None` where it has not the form.

    What it says is held as `verify.structure` holds it; whatever is wrong is said there.
    """
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
