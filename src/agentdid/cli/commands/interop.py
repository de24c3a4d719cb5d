"""`agentdid interop …`: the command lines that official test suites drive; each writes one result object."""

from __future__ import annotations

import typer

from agentdid.cli.commands import interop_schema, vc_jose_cose

app = typer.Typer(help="Command-line harnesses of official test suites.", no_args_is_help=True)
app.add_typer(vc_jose_cose.app, name="vc-jose-cose")
app.add_typer(interop_schema.app, name="json-schema")


@app.callback()
def _group() -> None:
    """Command-line harnesses of official test suites."""
