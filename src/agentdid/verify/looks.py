"""Whether an input is meant as a presentation; it only selects the recipe, which then holds that it is one."""

from __future__ import annotations

from typing import cast

from agentdid.codec.strict_json import parse
from agentdid.errors import AgentdidError
from agentdid.proof.jws import find_typ, is_compact
from agentdid.secure import jose
from agentdid.verify.inputs import COSE

Presented = bytes | str | dict[str, object]


def looks_presented(document: Presented | list[object]) -> bool:
    """Whether an input is meant as a presentation: by its `typ`, its key binding, or its type."""
    if isinstance(document, bytes) and document[:1] in COSE:
        from agentdid.proof import cose  # noqa: PLC0415  # only where COSE comes

        return cose.find_typ(document) == "application/vp+cose"
    if isinstance(document, bytes | str):
        text = (document if isinstance(document, str) else document.decode("utf-8", "replace")).strip()
        if is_compact(text):
            # what stands behind the last tilde of an SD-JWT is its key binding
            return find_typ(text) in (jose.TYP, jose.SD_TYP) or not ("~" not in text or text.endswith("~"))
        try:
            return looks_presented(cast("Presented", parse(text).value))
        except AgentdidError:
            return False  # either recipe refuses it at the same check
    if not isinstance(document, dict):
        return False
    types = document.get("type")
    names = types if isinstance(types, list) else [types]
    return "VerifiablePresentation" in names or "EnvelopedVerifiablePresentation" in names or _is_bound(document)


def _is_bound(document: dict[str, object]) -> bool:
    """Whether it is an SD-JWT in JSON with a key binding (RFC 9901 section 8.1)."""
    signatures = document.get("signatures")
    first = signatures[0] if isinstance(signatures, list) and signatures else document
    header = first.get("header") if isinstance(first, dict) else None
    return isinstance(header, dict) and "kb_jwt" in header
