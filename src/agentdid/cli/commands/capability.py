"""`agentdid capability lint`: what a capability allows, in plain words, and why a child is not narrower."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentdid.cli.options import AsJson, read_credentials, read_input
from agentdid.cli.render import print_findings
from agentdid.credential.parse import parse_credential
from agentdid.delegation.capability import parse_capability
from agentdid.delegation.lint import Finding, describe, find_broad, find_time_expanded, find_wider_dimensions
from agentdid.errors import CapabilityNotAttenuated, ChainLinkMismatch, TypeMismatch
from agentdid.limits import DEFAULT
from agentdid.verify.structure import read_credential

if TYPE_CHECKING:
    from agentdid.credential.model import Credential
    from agentdid.delegation.capability import Capability

app = typer.Typer(help="Read capabilities as people do.", no_args_is_help=True)


@app.callback()
def _verbs() -> None:
    """Keep `lint` a verb of its own: an app of one command would swallow its name."""


@app.command()
def lint(
    file: Annotated[str, typer.Argument(help="A capability, a credential or a chain; - for stdin.")],
    parent: Annotated[Path | None, typer.Option(help="What it hangs on: the same kinds of file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a capability allows, what in it is worth a second look, and in what a child is wider than its parent.

    Nothing is verified but the form: signatures, status and trust are for `agentdid verify`.
    """
    links = _read(read_input(file))
    above = None if parent is None else _read(parent.read_bytes())[-1]
    shown: list[dict[str, Any]] = []
    wider = False
    for credential, capability in links:
        problems = [] if above is None else _compare((credential, capability), above)
        wider = wider or bool(problems)
        shown.append(
            {
                "id": None if credential is None else credential.id,
                "says": describe(capability, credential),
                "notes": [_row(each) for each in find_broad(capability, credential)],
                "problems": [_row(each) for each in problems],
            }
        )
        above = (credential, capability)
    print_findings(shown, CapabilityNotAttenuated if wider else None, as_json=as_json)
    raise typer.Exit(1 if wider else 0)


def _compare(
    child: tuple[Credential | None, Capability], parent: tuple[Credential | None, Capability]
) -> list[Finding]:
    found = find_wider_dimensions(child[1], parent[1])
    if child[0] is not None and parent[0] is not None:
        found += find_time_expanded(child[0], parent[0])
        if child[0].issuer != parent[0].subjects[0]:
            found.append(Finding("/issuer", f"is not the parent's subject, {parent[0].subjects[0]}"))
    return found


def _read(data: bytes) -> list[tuple[Credential | None, Capability]]:
    links = [_read_one(each) for each in read_credentials(data)]
    if not links:
        raise ChainLinkMismatch("expected a capability, a credential or a chain")
    return links


def _read_one(item: Any) -> tuple[Credential | None, Capability]:  # noqa: ANN401  # JSON, or a compact token
    if isinstance(item, dict) and "credentialSubject" not in item and "@context" not in item:
        return None, parse_capability(_filled(item), DEFAULT)
    hidden = False
    if isinstance(item, dict) and "proof" not in item and "id" in item and not str(item["id"]).startswith("data:"):
        document = item  # a draft, not signed yet
    else:
        secured = read_credential(item, plain=False, limits=DEFAULT)
        document, hidden = secured.document, secured.hidden_grants
    subject = document.get("credentialSubject")
    if not isinstance(subject, dict) or "capability" not in subject:
        raise TypeMismatch("expected a credential with one subject that has a capability", path="/credentialSubject")
    path = "/credentialSubject/capability"
    return parse_credential(document), parse_capability(subject["capability"], DEFAULT, path=path, hidden_grants=hidden)


def _filled(capability: dict[str, Any]) -> dict[str, Any]:
    """Return a capability as `issue` and `delegate` take it, with what they fill in: depth and parent."""
    filled = dict(capability)
    grants = capability.get("grants")
    root = not (isinstance(grants, list) and grants and isinstance(grants[0], dict) and grants[0].get("from"))
    given = capability.get("delegation")
    if isinstance(given, dict) and "depth" not in given:
        filled["delegation"] = {**given, "depth": 0 if root else 1}
    if "parent" not in filled:
        depth = filled["delegation"].get("depth") if isinstance(filled.get("delegation"), dict) else 0
        filled["parent"] = None if depth == 0 else _ANY_PARENT
    return filled


# what stands for a parent that is not made yet; `lint` compares capabilities, not digests
_ANY_PARENT = {"id": "urn:agentdid:parent", "digestMultibase": "uEiAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}


def _row(finding: Finding) -> dict[str, str]:
    return {"path": finding.path, "detail": finding.detail}
