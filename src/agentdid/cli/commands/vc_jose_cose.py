"""`agentdid interop vc-jose-cose issue|verify`: the harness of the W3C vc-jose-cose test suite."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agentdid.cli import conformance
from agentdid.cli.options import read_object
from agentdid.codec.strict_json import encode, parse
from agentdid.errors import AgentdidError

app = typer.Typer(help="The harness of the W3C vc-jose-cose test suite.", no_args_is_help=True)

Input = Annotated[Path, typer.Option("--input", help="The document, or what secures it.")]
Key = Annotated[Path, typer.Option("--key", help="A verification method with its JWKs.")]
Feature = Annotated[str, typer.Option("--feature", help=f"One of {', '.join(conformance.FEATURES)}.")]
Result = Annotated[Path, typer.Option("--output", help="Where the result object is written.")]
Hidden = Annotated[str | None, typer.Option("--sd", help='JSON array of paths to hide, as ["a.b", "x[0]"].')]


@app.command()
def issue(document: Input, key: Key, feature: Feature, output: Result, hidden: Hidden = None) -> None:
    """Secure a credential or a presentation, without looking at who signs it."""
    try:
        paths = [] if hidden is None else parse(hidden).value
        made = conformance.issue(parse(document.read_bytes()).value, read_object(key), feature, paths)
    except (AgentdidError, ValueError) as error:
        _write(output, "failure", str(error))
    else:
        _write(output, "indeterminate" if made is None else "success", made or f"no such feature: {feature}")


@app.command()
def verify(secured: Input, key: Key, feature: Feature, output: Result) -> None:
    """Check the outer signature, media type and structure, and nothing of time, trust or status."""
    try:
        found = conformance.verify(secured.read_bytes(), read_object(key), feature)
    except (AgentdidError, ValueError) as error:
        _write(output, "failure", str(error))
    else:
        _write(output, "indeterminate" if found is None else "success", found or f"no such feature: {feature}")


def _write(output: Path, result: str, data: object) -> None:
    """Write the result; a refusal is a result too, so the command line itself succeeds."""
    output.write_bytes(encode({"result": result, "data": data}) + b"\n")
