"""`agentdid policy check`, `schema` and `show`: a verifier's own rules, before anything is judged by them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agentdid.cli.options import AsJson, TrustFile, read_trust
from agentdid.cli.render import print_done
from agentdid.policy.cedar_text import PolicyText, parse_policies, schema_for, shipped_schema
from agentdid.policy.rules import Rules

app = typer.Typer(help="Look at the verifier's own rules.", no_args_is_help=True)
Files = Annotated[list[Path], typer.Argument(help="Cedar policies, as a trust file names them.")]


@app.command()
def check(files: Files, as_json: AsJson = False) -> None:
    """Hold that Cedar policies parse and fit the schema; what does not is named with file and line."""
    found = _read(files)
    reading = found.reading
    shown = {
        "policies": list(found.names),
        "reads": {
            "context": sorted(reading.members),
            "arguments": {name: sorted(members) for name, members in sorted(reading.arguments.items())},
        },
        "names": {"actions": list(reading.actions), "resources": list(reading.resources)},
    }
    lines = [f"{len(found.names)} policies fit the schema: {', '.join(found.names)}"]
    lines += [f"reads context.{name}" for name in sorted(reading.members)]
    lines += [
        f"reads context.arguments.{name} as {', '.join(sorted(members)) or 'anything'}"
        for name, members in sorted(reading.arguments.items())
    ]
    print_done(shown, "\n".join(lines), as_json=as_json)


@app.command()
def schema(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Cedar policies whose arguments and actions it is to have.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the Cedar schema that policies are validated against, for other tools of Cedar's."""
    text = schema_for(_read(files).reading) if files else shipped_schema()
    print_done({"schema": text}, text.rstrip("\n"), as_json=as_json)


@app.command()
def show(trust: TrustFile = None, as_json: AsJson = False) -> None:
    """Say in words what the rules of a trust file ask of a request."""
    rules = read_trust(trust).policy
    lines = ["no rules of its own: what the chain permits is permitted"] if rules is None else describe(rules)
    print_done(
        {"policy": None if rules is None else dict(rules.source), "says": lines}, "\n".join(lines), as_json=as_json
    )


def _read(files: list[Path]) -> PolicyText:
    return parse_policies([(str(each), each.read_text("utf-8")) for each in files])


def describe(rules: Rules) -> list[str]:
    """Return what a policy asks of requests, in words."""
    lines = []
    for row in rules.rows:
        asks = [f"needs autonomy {row.autonomy}"] if row.autonomy else []
        asks += [f"has risk {row.risk}"] if row.risk else []
        lines.append(f"{', '.join(row.actions)} {' and '.join(asks)}")
    source = rules.source.get("rule", [])
    if isinstance(source, list):
        lines += [f"rule: {_rule(each)}" for each in source]
    if rules.cedar is not None:
        lines.append(f"Cedar policies: {', '.join(rules.cedar.text.names)}")
    if rules.approvers:
        lines.append(f"approvals: {rules.threshold} of {', '.join(sorted(rules.approvers))}")
    else:
        lines.append("approvals: nobody could give one, so what would ask is denied")
    if rules.behaviour is not None:
        watched = rules.behaviour
        lines.append(f"behaviour: windows of {watched.window_s} s, usual after {watched.learning} accepted calls")
        lines += [f"a score of {each.score} lowers autonomy by {each.levels}" for each in watched.demotions]
    return lines


def _rule(table: object) -> str:
    if not isinstance(table, dict):
        return str(table)
    return ", ".join(f"{name} = {value}" for name, value in table.items())
