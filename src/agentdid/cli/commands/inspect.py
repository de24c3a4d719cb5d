"""`agentdid inspect`: what a token, a credential or a presentation says of itself, in words, trusting none of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from agentdid.cli.main import EXIT_CODES
from agentdid.cli.options import AsJson, read_input
from agentdid.cli.render import print_json, print_lines
from agentdid.verify.explain import explain

_NOTICE: Final = "Nothing here has been verified: `agentdid verify` does that."
_MAX_NAME: Final = 255  # bytes of a file's name; a token is longer, and no name


def inspect(
    given: Annotated[str, typer.Argument(metavar="TOKEN|FILE|-", help="A token, a file with one, or - for stdin.")],
    as_json: AsJson = False,
) -> None:
    """Explain a token, a credential or a presentation without trusting it; nobody is asked anything."""
    shown = explain(_read(given))
    problem: Any = shown.get("problem")
    outcome = "malformed" if shown["kind"] == "unreadable" else "accepted"
    if as_json:
        code = problem["code"] if problem else None
        print_json({"outcome": outcome, "code": code if outcome == "malformed" else None, "checks": [], **shown})
    else:
        print_lines([_NOTICE, *_lines(shown, "")])
    raise typer.Exit(EXIT_CODES[outcome])


def _read(given: str) -> bytes | str:
    if given == "-":
        return read_input(given)
    try:
        is_file = len(given.encode()) <= _MAX_NAME and Path(given).is_file()
    except (OSError, ValueError):
        is_file = False
    return read_input(given) if is_file else given


def _lines(shown: dict[str, Any], margin: str) -> list[str]:
    what = " in an envelope of ".join(
        str(each) for each in (shown.get("form") or shown["kind"], shown.get("envelope")) if each
    )
    lines = [f"{margin}{shown['kind']}: {what}" if shown.get("form") else f"{margin}{what}"]
    problem = shown.get("problem")
    if problem:
        lines.append(f"{margin}  a verifier refuses it: {problem['code']}{_at(problem)} {problem['detail']}".rstrip())
    for each in shown.get("signatures", ()):
        security = "/".join(each["security"])
        lines.append(
            f"{margin}  signed, it says, by {each['by']} with {each['algorithm']} ({security}), key {each['key']}"
        )
    for name, label in _MEMBERS.items():
        value = shown.get(name)
        if value not in (None, [], {}):
            lines.append(f"{margin}  {label}: {_words(value)}")
    for each in shown.get("credentials", ()):
        lines += _lines(each, f"{margin}    ")
    return lines


_MEMBERS: Final = {
    "header": "header",
    "types": "types",
    "id": "id",
    "issuer": "issuer",
    "holder": "holder",
    "subjects": "about",
    "signedAt": "signed at",
    "begins": "valid from (token)",
    "expires": "valid until (token)",
    "validFrom": "valid from",
    "validUntil": "valid until",
    "for": "made for",
    "status": "status",
    "claims": "claims beside it",
    "disclosed": "disclosed",
    "withheldOrDecoys": "withheld, or decoys, at",
    "keyBinding": "key binding",
    "document": "says",
}


def _words(value: object) -> str:
    import json  # noqa: PLC0415  # only where people read

    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(each, str | None) for each in value):
        return ", ".join(each or "nobody by name" for each in value)
    return json.dumps(value, ensure_ascii=False)


def _at(problem: dict[str, str]) -> str:
    return f" at {problem['path']}" if problem["path"] else ""
