"""What the command line prints: one JSON object on stdout, or a few lines for people."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

import typer

from agentdid.verify.decide import as_outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentdid.errors import AgentdidError
    from agentdid.storage.audit_check import Finding
    from agentdid.verify.decide import Decision, Grant

_MARKS: Final = {"passed": "ok ", "not_run": " - ", "refused": "NO ", "malformed": "BAD", "undecided": " ? "}


def print_json(value: object) -> None:
    """Write one JSON object to stdout."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    if text != _encodable(text):
        text = json.dumps(value, indent=2)  # the same value, in escapes that every terminal has
    sys.stdout.write(text + "\n")


def print_lines(lines: list[str]) -> None:
    """Write lines for people; what a sender wrote within one stays on it."""
    sys.stdout.write(_encodable("\n".join(_line(line) for line in lines)) + "\n")


def print_done(value: Mapping[str, object], text: str, *, as_json: bool) -> None:
    """Write what a verb did: its JSON with the outcome `accepted`, or the text for people."""
    if as_json:
        print_json({"outcome": "accepted", "code": None, "checks": [], **value})
    else:
        sys.stdout.write(_encodable(text) + "\n")


def print_findings(links: list[dict[str, Any]], found: type[AgentdidError] | None, *, as_json: bool) -> None:
    """Write what was read in each link, what is worth a look (`?`) and what is wider (`NO`)."""
    if as_json:
        outcome = "accepted" if found is None else found.family
        print_json({"outcome": outcome, "code": None if found is None else found.code, "checks": [], "links": links})
        return
    lines: list[str] = []
    for link in links:
        lines += [str(link["id"])] if link["id"] is not None else []
        lines += link["says"]
        for mark, name in (("?  ", "notes"), ("NO ", "problems")):
            lines += [f"{mark} {row['path']}: {row['detail']}" for row in link[name]]
    sys.stdout.write(_encodable("\n".join(_line(line) for line in lines)) + "\n")


def show_finding(finding: Finding) -> dict[str, object]:
    """Return what was found in a log as JSON."""
    return {"place": finding.place, "line": finding.line, "detail": finding.detail}


def print_verdict(
    value: Mapping[str, object], lines: list[str], found: type[AgentdidError] | None, *, as_json: bool
) -> None:
    """Write what an examination came to, and leave with its exit code: `found` is what is wrong, if anything is."""
    from agentdid.cli.main import EXIT_CODES  # noqa: PLC0415  # which prints through this module

    outcome = "accepted" if found is None else found.family
    if as_json:
        print_json({"outcome": outcome, "code": None if found is None else found.code, "checks": [], **value})
    else:
        print_lines(lines)
    raise typer.Exit(EXIT_CODES[outcome])


def print_aside(text: str) -> None:
    """Write a line for people beside the output: to stderr, with nothing in it that moves a cursor."""
    sys.stderr.write(_line(text) + "\n")


def print_problem(error: AgentdidError, *, as_json: bool) -> None:
    """Write a refusal: as JSON to stdout, or for people to stderr."""
    if as_json:
        print_json(as_outcome(error))
    else:
        sys.stderr.write(f"{error.family}: {_line(str(error))}\n")


def print_usage_error(error: Exception, *, as_json: bool) -> None:
    """Write what was wrong with the command line itself; always to stderr, and as JSON too when asked."""
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    if as_json:
        print_json({"outcome": "usage", "code": None, "checks": [], "detail": message})
    sys.stderr.write(f"agentdid: {_printable(message)}\n")


def print_decision(result: Decision | Grant | AgentdidError, *, as_json: bool) -> None:
    """Write a decision with each of its checks."""
    shown = as_outcome(result)
    if as_json:
        print_json(shown)
        return
    lines = [f"{shown['outcome']}" + (f": {shown['code']}" if shown["code"] else "")]
    checks: list[dict[str, str]] = shown["checks"]  # type: ignore[assignment]  # rows of strings, by Report.encode
    for row in checks:
        detail = f"  {row['detail']}" if row["detail"] else ""
        place = f" at {row['path']}" if row["path"] else ""
        lines.append(f"  {_MARKS[row['outcome']]} {row['check']:<11} {row['spec']:<9}{place}{detail}".rstrip())
    lines += _policy(shown.get("policy"))
    sys.stdout.write(_encodable("\n".join(_line(line) for line in lines)) + "\n")


def _policy(shown: Any) -> list[str]:  # noqa: ANN401  # JSON, by Ruling.encode
    """Return what a verifier's own policy said, for people."""
    if shown is None:
        return []
    level, score = shown["autonomy"], shown["score"]
    lines = [f"policy: {shown['outcome']}, by {', '.join(shown['policies']) or 'nothing in particular'}"]
    lines.append(f"  autonomy {level['inForce']} of {level['max']}, {level['required']} required; risk {shown['risk']}")
    if score is not None:
        parts = ", ".join(f"{name} {points}" for name, points in score["parts"].items()) or "nothing unusual"
        lines.append(f"  score {score['total']} of {score['agent']}: {parts}")
    return lines


def _line(text: str) -> str:
    """Return the text as one line: a name or a detail that a sender wrote must not look like a line of ours."""
    return _printable(text).replace("\n", "\\n")


def _encodable(text: str) -> str:
    """Return the text with escapes for what stdout's encoding has not."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _printable(text: str) -> str:
    """Return the text with control characters escaped: what a sender wrote must not move a terminal's cursor."""
    return "".join(
        each if each.isprintable() or each == "\n" else each.encode("unicode_escape").decode() for each in text
    )
