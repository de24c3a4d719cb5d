"""`agentdid interop json-schema …`: the command line that the W3C suite of credential schemas drives."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from agentdid.codec.strict_json import encode, parse_object
from agentdid.credential.json_schema import TYPES, check_conforms, open_schema, parse_references
from agentdid.errors import AgentdidError, SchemaInvalid, Undecided

app = typer.Typer(help="The harness of the W3C suite of credential schemas.", no_args_is_help=True)
Format = Annotated[str, typer.Option("--format", help=f"One of {', '.join(TYPES)}.")]
Schema = Annotated[Path, typer.Option("--schema", help="The schema, or the credential that holds it.")]
Credential = Annotated[Path, typer.Option("--credential", help="The credential that names it.")]
Result = Annotated[Path, typer.Option("--output", help="Where the result object is written.")]


@app.callback()
def _group() -> None:
    """The harness of the W3C suite of credential schemas."""


@app.command()
def validate(kind: Format, schema: Schema, credential: Credential, output: Result) -> None:
    """Say whether a credential conforms to its schema; nothing of proofs, time, trust or status is looked at."""
    if kind not in TYPES:
        message = f"--format is one of {', '.join(TYPES)}"
        raise ValueError(message)
    try:
        data = _check(kind, schema.read_bytes(), credential.read_bytes())
    except Undecided as error:
        result, data = "indeterminate", str(error)
    except AgentdidError as error:
        result, data = "failure", str(error)
    else:
        result = "success"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(encode({"result": result, "data": data}) + b"\n")


def _check(kind: str, schema: bytes, credential: bytes) -> str:
    document = cast("dict[str, object]", parse_object(credential).value)
    content = parse_object(schema).value
    named = document.get("credentialSchema")
    if kind not in {
        each.get("type") for each in (named if isinstance(named, list) else [named]) if isinstance(each, dict)
    }:
        raise SchemaInvalid(f"the credential names no schema of the type {kind}", path="/credentialSchema")
    for reference in parse_references(document):
        reference.check_digest(schema)
        check_conforms(document, open_schema(reference, content), reference.path)
    return "the credential conforms to its schema"
