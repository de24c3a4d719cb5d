"""SD-JWT in JSON (RFC 9901 section 8): flattened or general, read into the compact form that is then judged.

Only what becomes compact text is looked at, so that nothing is parsed in one serialization and verified in another
(ATTACKS C11): an object with any other member, and an unprotected header with more than section 8.1 puts there, is
refused. A `kid` in an unprotected header is nobody's word and counts for nothing.
"""

from __future__ import annotations

from typing import Final, final

from agentdid.errors import HeaderInvalid, InputTooLarge
from agentdid.limits import DEFAULT, Limits
from agentdid.record import Value

MEMBERS: Final = frozenset({"payload", "signatures", "signature", "protected"})
"""What a JSON serialization of JOSE has at its top, besides `header`, and no credential has."""
_FLATTENED: Final = frozenset({"payload", "protected", "signature", "header"})
_GENERAL: Final = frozenset({"payload", "signatures"})
_SIGNATURE: Final = frozenset({"protected", "signature", "header"})
_UNPROTECTED: Final = frozenset({"disclosures", "kb_jwt", "kid"})


@final
class Serialized(Value, frozen=True):
    """An SD-JWT that came as JSON.

    Attributes:
        tokens: Its compact form, ending in a tilde: one for each signature, with all disclosures.
        key_binding: The KB-JWT, which is made over the first of them; empty without one.
    """

    tokens: tuple[str, ...]
    key_binding: str


def read(item: dict[str, object], limits: Limits = DEFAULT) -> Serialized:
    """Return the compact form of an SD-JWT in JSON; nothing of it has been verified.

    Raises:
        HeaderInvalid: No JSON serialization of an SD-JWT, or more than one.
        InputTooLarge: More signatures or disclosures than the limits.

    Spec: RFC 9901 section 8.1; RFC 7515 section 7.2.
    """
    payload = _text(item.get("payload"), "/payload")
    if item.keys() == _FLATTENED:
        signatures: list[object] = [{name: item[name] for name in _SIGNATURE}]
    elif item.keys() == _GENERAL and isinstance(item["signatures"], list) and item["signatures"]:
        signatures = item["signatures"]
    else:
        raise HeaderInvalid("expected compact serialization, or an SD-JWT in JSON and nothing beside it")
    if len(signatures) > limits.max_proofs:
        raise InputTooLarge(f"at most {limits.max_proofs} signatures", path="/signatures")
    disclosures: list[str] = []
    binding = ""
    issued = []
    for position, each in enumerate(signatures):
        path = f"/signatures/{position}"
        if not isinstance(each, dict) or not each.keys() <= _SIGNATURE:
            raise HeaderInvalid("expected protected, signature and header", path=path)
        header = each.get("header", {})
        if not isinstance(header, dict) or not header.keys() <= _UNPROTECTED:
            raise HeaderInvalid("expected disclosures and kb_jwt, and every other parameter protected", path=path)
        if position == 0:
            disclosures, binding = _unprotected(header, path)
        elif "disclosures" in header or "kb_jwt" in header:
            raise HeaderInvalid("disclosures and kb_jwt stand in the first header", path=path)
        issued.append(f"{_text(each.get('protected'), path)}.{payload}.{_text(each.get('signature'), path)}")
    if len(disclosures) > limits.max_disclosures:
        raise InputTooLarge(f"at most {limits.max_disclosures} disclosures", path="/header/disclosures")
    return Serialized(tuple(["~".join([each, *disclosures, ""]) for each in issued]), binding)


def _unprotected(header: dict[str, object], path: str) -> tuple[list[str], str]:
    disclosures = header.get("disclosures")
    if not isinstance(disclosures, list):
        raise HeaderInvalid("expected compact serialization, or the disclosures of an SD-JWT", path=path)
    binding = _text(header["kb_jwt"], path) if "kb_jwt" in header else ""
    return [_text(each, path) for each in disclosures], binding


def _text(value: object, path: str) -> str:
    """Return a segment. Raises `HeaderInvalid` for what could be more than one, or none, in compact form."""
    if type(value) is not str or not value or "~" in value or (path == "/payload" and "." in value):
        raise HeaderInvalid("expected text", path=path)
    return value
