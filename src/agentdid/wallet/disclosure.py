"""What leaves the wallet: of a credential what was asked for, and of the chain above it the grants that carry it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agentdid.delegation.link import GRANTS
from agentdid.proof.disclosures import is_place, pointer
from agentdid.proof.suites import SELECTIVE
from agentdid.secure import sd_jwt

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agentdid.verify.states import Link

_CAPABILITY: Final = GRANTS[:-1]
Path = tuple[str | int, ...]

_SD_JWTS: Final = (sd_jwt.TYP, "dc+sd-jwt")
_STEP: Final = re.compile(r"\.?([^.\[\]]+)|\[(0|[1-9][0-9]*)\]")


def parse_path(text: str) -> Path:
    """Return the path that `a.b[0]` (or a JSON Pointer such as `/a/b/0`) writes.

    Raises:
        ValueError: Neither form.
    """
    if text.startswith("/"):
        steps = [step.replace("~1", "/").replace("~0", "~") for step in text[1:].split("/")]
        return tuple(int(step) if step.isdigit() else step for step in steps)
    path: list[str | int] = []
    position = 0
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None or (position == 0 and found.group(0).startswith(".")):
            message = f"{text!r} is not a path such as credentialSubject.name or a.b[0]"
            raise ValueError(message)
        path.append(found.group(1) if found.group(1) is not None else int(found.group(2)))
        position = found.end()
    if not path:
        message = "a path has at least one step"
        raise ValueError(message)
    return tuple(path)


def withhold_chain(
    chain: Sequence[Link], keep: Iterable[Path], *, audience: str = "", challenge: str = ""
) -> list[str | dict[str, object]]:
    """Return the chain as it will be presented: the leaf with the kept paths, each parent with the grants they need.

    A parent's other claims are withheld: its subject's data are not the leaf's business. Of a base proof, what is kept
    is derived; a JWT or another Data Integrity link cannot withhold anything and goes as it is.

    Args:
        chain: Root first, as held.
        keep: Paths in the leaf's document.
        audience: For whom proofs are derived.
        challenge: In answer to what.
    """
    kept = frozenset(keep)
    wanted = {path[3] for path in kept if path[:3] == GRANTS and len(path) > len(GRANTS)}
    shown: list[str | dict[str, object]] = []
    for position in range(len(chain) - 1, -1, -1):
        link = chain[position]
        shown.append(_withhold(link, kept, (audience, challenge)))
        if position and link.capability is not None:
            grants = link.capability.grants
            used = {grant.source for index, grant in enumerate(grants) if index in wanted}
            parent = chain[position - 1].capability
            above = () if parent is None else parent.grants
            wanted = {index for index, grant in enumerate(above) if grant.id in used}
            kept = frozenset((*GRANTS, index) for index in wanted)
    return shown[::-1]


def grant_paths(link: Link, names: Iterable[str] | None = None) -> frozenset[Path]:
    """Return the paths of a link's grants: all of them, or those with the given ids."""
    if link.capability is None:
        return frozenset()
    wanted = None if names is None else frozenset(names)
    return frozenset(
        (*GRANTS, position)
        for position, grant in enumerate(link.capability.grants)
        if wanted is None or grant.id in wanted
    )


def _withhold(link: Link, keep: frozenset[Path], occasion: tuple[str, str]) -> str | dict[str, object]:
    wire = link.secured.wire
    if isinstance(wire, str):
        return sd_jwt.withhold(wire, keep) if link.secured.form in _SD_JWTS else wire
    if link.secured.form not in SELECTIVE:
        return wire
    from agentdid.secure.derivation import bind, derive  # noqa: PLC0415  # most credentials are not derived from

    # the capability is one statement and always shown; paths are of all that is presented, so some lead nowhere here
    chosen = [path for path in keep if path[: len(_CAPABILITY)] != _CAPABILITY and is_place(wire, path)]
    return derive(wire, sorted(pointer(path) for path in chosen), presentation_header=bind(*occasion))
