"""`agentdid demo`: the whole walk, with real processes over real HTTPS on loopback."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from agentdid.cli.options import AsJson
from agentdid.cli.render import print_json

if TYPE_CHECKING:
    from agentdid.cli.demo.play import Step


def demo(
    as_json: AsJson = False,
    hybrid: Annotated[
        bool, typer.Option("--hybrid", help="Every signature twice: against today's attackers and tomorrow's.")
    ] = False,
    keep: Annotated[Path | None, typer.Option(help="Keep everything the demo made in this new folder.")] = None,
) -> None:
    """Walk through it all: issue, hold, delegate, present, refuse, revoke, replay; real processes over real HTTPS."""
    from agentdid.cli.demo.stage import DemoFailed  # noqa: PLC0415  # the extras are needed by this verb only

    start = time.perf_counter()
    steps: list[Step] = []
    failure = ""
    try:
        if keep is not None:
            keep.mkdir(mode=0o700, parents=True)
            _run(keep.resolve(), steps, as_json=as_json, hybrid=hybrid)
        else:
            with tempfile.TemporaryDirectory(prefix="agentdid-demo-") as folder:
                _run(Path(folder), steps, as_json=as_json, hybrid=hybrid)
    except DemoFailed as error:
        failure = str(error)
        typer.echo(f"the demo could not go on: {failure}", err=True)
    ok = not failure and bool(steps) and all(step.ok for step in steps)
    seconds = round(time.perf_counter() - start, 3)
    if as_json:
        print_json(
            {
                "outcome": "accepted" if ok else "refused",
                "code": None,
                "detail": failure,
                "checks": [],
                "seconds": seconds,
                "steps": {step.name: step.encode() for step in steps},
            }
        )
    else:
        typer.echo(f"\n{'every step went as stated' if ok else 'NOT every step went as stated'} ({seconds:.1f} s)")
    raise typer.Exit(0 if ok else 1)


def _run(folder: Path, steps: list[Step], *, as_json: bool, hybrid: bool) -> None:
    from agentdid.cli.demo.play import Play  # noqa: PLC0415  # as above
    from agentdid.cli.demo.stage import Stage  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column("mark")
    table.add_column("step", ratio=1)
    table.add_column("outcome")
    table.add_column("time", justify="right", no_wrap=True)
    console = Console(quiet=as_json)
    console.print("two organisations, an issuer, two agents and a partner's API are starting …", style="dim")
    with Stage(folder) as stage, Live(table, console=console, auto_refresh=False) as live:
        play = Play(stage, hybrid=hybrid)
        play.prepare()
        for row in play.steps:
            step = play.act(*row)
            steps.append(step)
            mark = "[green]ok[/]" if step.ok else "[red]NO[/]"
            outcome = step.observed if step.ok else f"{step.observed}, expected {step.expected}"
            table.add_row(mark, step.title, outcome, f"{step.seconds * 1000:.0f} ms")
            live.refresh()
