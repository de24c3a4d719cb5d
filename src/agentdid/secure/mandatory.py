"""What of a selectively disclosable credential a holder may not hide: the members by which it is judged.

A status that can be hidden is no status, and so with the end of validity. An issuer of ours makes such members
mandatory; of anybody's derived credential, none of them may stand there as one that could have been left out. What was
left out cannot be seen: whoever trusts a foreign issuer of such credentials trusts it to let nothing be hidden that it
means (docs/selective-disclosure.md).

Spec: specs/selective-disclosure.md S4-S6; ATTACKS G04.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.credential.model import CAPABILITY_TYPE
from agentdid.errors import MandatoryMissing
from agentdid.proof.disclosures import is_place, pointer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agentdid.canon.nquads import Quad
    from agentdid.secure.mechanism import Secured

_TYPE: Final = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
_VC: Final = "https://www.w3.org/2018/credentials#"
_ISSUER: Final = f"<{_VC}issuer>"
_DESCRIBED: Final = frozenset(
    f"<{_VC}{name}>" for name in ("credentialStatus", "credentialSchema", "termsOfUse", "relatedResource")
)
"""Of these, what stands within is judged too."""
_JUDGED: Final = _DESCRIBED | {
    _ISSUER,
    *(f"<{_VC}{name}>" for name in ("validFrom", "validUntil", "issuanceDate", "expirationDate")),
    "<https://w3id.org/agentdid/v1#capability>",
    "<https://w3id.org/agentdid/v1#approval>",
}
_NEVER_HIDDEN: Final = frozenset({
    "@context", "id", "type", "issuer", "validFrom", "validUntil", "issuanceDate", "expirationDate",
    "credentialStatus", "credentialSchema", "credentialSubject", "termsOfUse", "relatedResource",
})  # fmt: skip
_SUBJECT: Final = ("id", "type", "capability", "approval")

Path = tuple[str | int, ...]


def check_hideable(secured: Secured) -> None:
    """Hold that the holder of a credential could hide nothing by which it is judged.

    Args:
        secured: What was signed is `written`; nothing is said of proofs that sign the whole document.

    Raises:
        MandatoryMissing: It could.
    """
    for signature in secured.signatures:
        if signature.proof is not None:
            _check_statements(signature.proof.quads, signature.proof.hideable)


def mandatory_pointers(document: dict[str, object], disclosable: Sequence[Path] = ()) -> list[str]:
    """Return JSON Pointers to all of a credential but what its holder may hide.

    Args:
        document: The credential without proof.
        disclosable: Paths to what may be hidden.

    Raises:
        MandatoryMissing: One of them leads to what is judged.
        ValueError: One of them leads nowhere.
    """
    types = document.get("type")
    capability = CAPABILITY_TYPE in (types if isinstance(types, list) else [types])
    for path in disclosable:
        _check_path(path, capability=capability)
    wanted = frozenset(disclosable)
    found = list(_pointers(document, (), wanted))
    missing = [path for path in wanted if not is_place(document, path)]
    if missing:
        message = f"a disclosable path leads nowhere: {pointer(missing[0])}"
        raise ValueError(message)
    return found


def _check_statements(quads: Sequence[Quad], hideable: Sequence[Quad]) -> None:
    nodes = {value for _, predicate, value, _ in quads if predicate in _DESCRIBED}
    credentials = {subject for subject, predicate, _, _ in quads if predicate == _ISSUER}
    for subject, predicate, _, _ in hideable:
        if predicate in _JUDGED or subject in nodes or (predicate == _TYPE and subject in credentials):
            name = predicate[1:-1].rpartition("#")[2]
            raise MandatoryMissing(f"the issuer let the holder hide {name}", path="/proof/proofValue")


def _check_path(path: Path, *, capability: bool) -> None:
    top = path[0] if path else ""
    allowed = top not in _NEVER_HIDDEN
    if top == "credentialSubject" and len(path) > 1:
        # subjects in a list are counted from within
        rest = path[2:] if isinstance(path[1], int) else path[1:]
        allowed = bool(rest) and rest[0] not in _SUBJECT
    if not path or not allowed or (capability and top != "credentialSubject"):
        raise MandatoryMissing("this may not be hidden from a verifier", path=pointer(path))


def _pointers(value: object, path: Path, hidden: frozenset[Path]) -> Iterator[str]:
    """Yield pointers to what no hidden path begins or ends in, as high up as can be."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in entries:
        here = (*path, step)
        if (not path and step == "@context") or here in hidden:
            continue
        if any(one[: len(here)] == here for one in hidden):
            yield from _pointers(each, here, hidden)
        else:
            yield pointer(here)
