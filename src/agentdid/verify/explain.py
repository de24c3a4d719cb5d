"""What an input says of itself, for people: taken apart, explained, and believed in nothing.

No key is looked up, no signature checked, nobody asked. What a verifier would refuse when it takes the input apart is
said beside what can be read of it all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from agentdid.codec.base import decode_base64url
from agentdid.codec.instant import encode_instant
from agentdid.codec.strict_json import JsonText, parse
from agentdid.credential.parse import parse_presentation
from agentdid.errors import AgentdidError, Malformed
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.limits import DEFAULT, Limits
from agentdid.proof.disclosures import open_payload, pointer
from agentdid.proof.jws import is_compact
from agentdid.secure import data_integrity
from agentdid.secure.envelope import CREDENTIAL, PRESENTATION, open_envelope
from agentdid.trust.profile import STRICT
from agentdid.verify.forms import (
    find_bound,
    presentation_readers,
    read_bound,
    read_presented,
    read_presented_json,
    read_token,
)
from agentdid.verify.inputs import COSE
from agentdid.verify.structure import read_credential, read_members

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from agentdid.secure.mechanism import Secured

_MAX_NESTED: Final = 4
"""Envelopes within presentations within envelopes; honest ones have two."""
_SEGMENTS: Final = 3
Explained = dict[str, object]


def explain(raw: bytes | str, limits: Limits = DEFAULT) -> Explained:
    """Return what an input says, as JSON; never raises for what its sender did.

    The member `verified` is false, whatever the input: nothing of it was checked.
    """
    try:
        item = _read(raw, limits)
    except AgentdidError as error:
        return {"verified": False, "kind": "unreadable", "problem": _problem(error)}
    return {"verified": False, **_explain(item, limits, 0)}


def _read(raw: bytes | str, limits: Limits) -> object:
    if isinstance(raw, bytes):
        if raw[:1] in COSE:
            return raw
        raw = raw.decode("utf-8", "surrogateescape")
    text = raw.strip()
    return text if is_compact(text) else parse(text, limits).value


def _explain(item: object, limits: Limits, depth: int) -> Explained:
    if depth > _MAX_NESTED:
        return {"kind": "nested too deep"}
    if isinstance(item, list):
        return {"kind": "chain", "credentials": [_explain(each, limits, depth + 1) for each in item]}
    envelope = _envelope(item)
    try:
        if _is_presentation(item):
            return {**envelope, **_presentation(item, limits, depth)}
        secured = read_credential(item, plain=False, limits=limits, base=True)
        return {**envelope, **_credential(secured, limits)}
    except AgentdidError as error:
        return {**envelope, "kind": "token" if envelope or isinstance(item, str | bytes) else "object",
                "problem": _problem(error), **_as_it_stands(item, limits)}  # fmt: skip


def _envelope(item: object) -> Explained:
    kinds = _types(item)
    if CREDENTIAL not in kinds and PRESENTATION not in kinds:
        return {}
    try:
        return {"envelope": open_envelope(cast("dict[str, object]", item))[0]}
    except AgentdidError as error:
        return {"envelope": None, "problem": _problem(error)}


def _is_presentation(item: object) -> bool:
    from agentdid.verify.looks import looks_presented  # noqa: PLC0415  # as verifiers tell them apart

    return not isinstance(item, list) and looks_presented(cast("Any", item))


def _presentation(item: object, limits: Limits, depth: int) -> Explained:
    bound: Secured | None = None
    if isinstance(item, str | bytes):
        before = find_bound(item)
        if before is None:
            secured = read_presented(item, limits, STRICT)
        else:
            bound = read_token(before, limits)
            secured = read_bound(cast("str", item), bound, limits)
    else:
        document = cast("dict[str, object]", item)
        if PRESENTATION in _types(document):
            media_type, content = open_envelope(document)
            secured = presentation_readers(STRICT)[media_type](content, limits)
        elif "proof" in document:
            secured = data_integrity.read(JsonText(document, plain=False), data_integrity.AUTHENTICATION, limits)
        else:
            secured, bound = read_presented_json(document, limits)
    shown: Explained = {"kind": "presentation", **_secured(secured, limits)}
    binding = secured.binding
    if binding is not None:
        shown["for"] = {
            "audience": binding.audience, "nonce": binding.nonce, "method": binding.method, "url": binding.url,
            "contentDigest": binding.content_digest,
        }  # fmt: skip
    if bound is not None:
        shown["credentials"] = [_credential(bound, limits)]
        return shown
    presentation = parse_presentation(secured.document)
    shown["holder"] = presentation.holder
    shown["credentials"] = [_explain(each, limits, depth + 1) for each in presentation.credentials]
    return shown


def _credential(secured: Secured, limits: Limits) -> Explained:
    shown: Explained = {"kind": "credential", **_secured(secured, limits), "document": secured.document}
    try:
        credential = read_members(secured)
    except AgentdidError as error:
        return {**shown, "problem": _problem(error)}
    return {
        **shown,
        "id": credential.id,
        "types": list(credential.types),
        "issuer": credential.issuer,
        "subjects": list(credential.subjects),
        "validFrom": _instant(credential.valid_from),
        "validUntil": _instant(credential.valid_until),
        "status": list(credential.status) or secured.claims.get("status"),
    }


def _secured(secured: Secured, limits: Limits) -> Explained:
    return {
        "form": secured.form,
        "signatures": [
            {
                "by": each.did,
                "key": each.method_id or None,
                "purpose": each.purpose,
                "algorithm": each.suite,
                "security": sorted({ALGORITHMS[name].security for name in each.algorithms}),
            }
            for each in secured.signatures
        ],
        "signedAt": _instant(secured.created),
        "begins": _instant(secured.begins),
        "expires": _instant(secured.expires),
        "claims": dict(secured.claims),
        **(_token(secured.wire, limits) if isinstance(secured.wire, str) else {}),
    }


def _token(token: str, limits: Limits) -> Explained:
    """Return header and disclosures of a compact token; what cannot be read is left out."""
    issued, *disclosures = token.split("~")
    parts = issued.split(".")
    shown: Explained = {"header": _json(parts[0])} if len(parts) == _SEGMENTS else {}
    if not disclosures:
        return shown
    binding = disclosures.pop()
    if binding:
        segments = binding.split(".")
        shown["keyBinding"] = {
            "header": _json(segments[0]),
            "claims": _json(segments[1]) if len(segments) == _SEGMENTS else None,
        }
    payload = _json(parts[1]) if len(parts) == _SEGMENTS else None
    if isinstance(payload, dict):
        try:
            places = open_payload(payload, disclosures, limits)
        except AgentdidError as error:
            return {**shown, "disclosures": len(disclosures), "problem": _problem(error)}
        shown["disclosed"] = [pointer((*each.path, each.key)) for each in places if each.key is not None]
        # a digest without its disclosure is of something withheld, or of nothing: nobody can tell which
        shown["withheldOrDecoys"] = [pointer(each.path) or "/" for each in places if each.key is None]
    return shown


def _as_it_stands(item: object, limits: Limits) -> Explained:
    """Return what can be read of an input that has not its form."""
    if isinstance(item, dict):
        try:
            media_type, content = open_envelope(item)
        except AgentdidError:
            return {"document": item}
        return _as_it_stands(content, limits) if not media_type.endswith(";base64") else {"document": item}
    if isinstance(item, bytes):
        from agentdid.proof.cose import parse_sign1  # noqa: PLC0415  # only where COSE comes

        try:
            parts = parse_sign1(item, limits)
        except AgentdidError:
            return {}
        header = parts.header
        return {"header": {"alg": header.alg, "typ": header.typ, "kid": header.kid}, "document": parts.document}
    text = str(item)
    parts_of = text.split("~", maxsplit=1)[0].split(".")
    return {**_token(text, limits), "document": _json(parts_of[1]) if len(parts_of) >= _SEGMENTS else None}


def _json(segment: str) -> object:
    try:
        return parse(decode_base64url(segment)).value
    except Malformed:
        return None


def _types(item: object) -> list[object]:
    types = item.get("type") if isinstance(item, dict) else None
    return types if isinstance(types, list) else [types]


def _problem(error: AgentdidError) -> Mapping[str, str]:
    return {"family": error.family, **error.as_problem()}


def _instant(at: datetime | None) -> str | None:
    return None if at is None else encode_instant(at)
