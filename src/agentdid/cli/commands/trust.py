"""`agentdid trust …`: what a policy says, who lets an issuer, and trust lists for others to believe."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentdid.cli.commands.policy import describe
from agentdid.cli.main import EXIT_CODES
from agentdid.cli.options import (
    AsJson,
    PassphraseFd,
    PassphraseFile,
    SourcesFile,
    now,
    read_instant,
    read_object,
    read_passphrase,
    read_pin,
    read_source,
)
from agentdid.cli.render import print_done, print_json, print_lines
from agentdid.codec.strict_json import encode
from agentdid.did.syntax import check_did
from agentdid.trust.anchors import Trust, named_types
from agentdid.trust.scope import Claim

if TYPE_CHECKING:
    from agentdid.trust.anchor import Anchor

app = typer.Typer(help="Read and write trust policies and trust lists.", no_args_is_help=True)
Policy = Annotated[Path, typer.Option("--trust", help="The trust policy (trust.toml).")]
Types = Annotated[list[str], typer.Option("--type", help="A credential type; may be repeated.")]
Actions = Annotated[list[str] | None, typer.Option("--action", help="Of a capability; may be repeated.")]


@app.command()
def show(trust: Policy, as_json: AsJson = False) -> None:
    """Show who may issue what under a policy; whoever is not shown may issue nothing."""
    policy = Trust.load(trust)
    lines = [f"audience {policy.audience}", f"did {policy.did}"]
    lines += [f"resource {prefix} of {root}" for prefix, root in policy.resources.items()]
    lines += [f"anchor {_words(each.did, each)}" for each in policy.anchors]
    for ref in policy.lists:
        lines.append(
            f"trust list {ref.url}, {ref.max_depth} lists deep: {_words(ref.issuer, ref.scope.anchor(ref.issuer))}"
        )
    for registry in policy.registries:
        lines.append(
            f"registry {registry.url}: {_words(registry.authority, registry.scope.anchor(registry.authority))}"
        )
    if not (policy.anchors or policy.lists or policy.registries):
        lines.append("no one but the owners may start a chain")
    if policy.policy is not None:
        lines += [f"policy: {each}" for each in describe(policy.policy)]
    print_done({"trust": policy.encode()}, "\n".join(lines), as_json=as_json)


@app.command()
def add(
    trust: Policy,
    did: Annotated[str, typer.Option("--did", help="The issuer, or who signs the list.")],
    types: Types,
    root: Annotated[list[str] | None, typer.Option("--root", help="An owner's DID; may be repeated.")] = None,
    action: Actions = None,
    key: Annotated[
        list[str] | None, typer.Option("--key", help="The thumbprint of the only key; may be repeated.")
    ] = None,
    security: Annotated[str | None, typer.Option(help="What its signatures must be made of.")] = None,
    list_url: Annotated[str | None, typer.Option("--list", help="Add a trust list at this URL, not an anchor.")] = None,
    max_depth: Annotated[int | None, typer.Option(min=0, help="How many lists deep a list may name others.")] = None,
    as_json: AsJson = False,
) -> None:
    """Add an anchor, or a trust list, to a policy; what stands in the file stays as it is written."""
    rows: dict[str, object] = {"did": did} if list_url is None else {"url": list_url, "issuer": did}
    rows |= {"types": types, "roots": root, "actions": action, "keys": key, "security": security}
    if max_depth is not None:
        rows["max_depth"] = max_depth
    name = "anchor" if list_url is None else "trust_list"
    added = f"[[{name}]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in rows.items() if value)
    text = trust.read_text("utf-8")
    whole = text.rstrip("\n") + "\n\n" + added
    Trust.parse(tomllib.loads(whole), trust)  # before it is written: a policy that cannot be read denies everything
    trust.write_text(whole, "utf-8")
    print_done({"added": name}, added.rstrip("\n"), as_json=as_json)


@app.command()
def check(
    trust: Policy,
    issuer: Annotated[str, typer.Option("--issuer", help="The DID of who would issue.")],
    types: Types,
    root: Annotated[str | None, typer.Option("--root", help="Of a capability: the owner's DID.")] = None,
    action: Actions = None,
    principal: Annotated[
        str | None, typer.Option("--principal", help="Of a capability: for whom, if neither issuer nor subject.")
    ] = None,
    sources: SourcesFile = None,
    at: Annotated[str | None, typer.Option("--at", help="RFC 3339; by default now.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say who lets an issuer issue a type or grant actions, by which anchor, list or registry, and until when."""
    from agentdid.verifier.lookup import look_up  # noqa: PLC0415  # the other verbs judge nothing

    for each in (issuer, root, principal):
        if each is not None:
            check_did(each)
    if (root is None) != (not action):
        raise ValueError("--root and --action go together")
    policy, instant = Trust.load(trust), read_instant(at) or now()
    claim = Claim(issuer, named_types(tuple(types)), root, principal, tuple(action or ()))
    found = look_up(policy, claim, read_source(sources, policy, instant), instant)
    if as_json:
        print_json(found.encode())
    else:
        lines = [f"ok  {each.kind} {' -> '.join(each.way)} {', '.join(each.allowed)}".rstrip() for each in found.lets]
        lines += [f"    until {each.until.isoformat()}: {each.by}" for each in found.freshness]
        lines += [f"NO  {each}: nothing lets it" for each in found.left]
        lines += [] if found.refusal is None else [f"{found.refusal.family}: {found.refusal}"]
        print_lines(lines)
    raise typer.Exit(0 if found.refusal is None else EXIT_CODES[found.refusal.family])


@app.command()
def publish(
    description: Annotated[Path, typer.Argument(help="What the list says: TOML, or JSON if so named.")],
    db: Annotated[str, typer.Option("--db", help="The database of the issuer that signs it.")],
    out: Annotated[Path, typer.Option("--out", help="The file to serve at the list's URL.")],
    form: Annotated[str | None, typer.Option("--format", help="By default what the issuer's key signs.")] = None,
    revocable: Annotated[
        bool, typer.Option("--revocable", help="Give it a status, so that it can be revoked.")
    ] = False,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Sign a trust list, after the one that the file holds, and write it."""
    from agentdid.issuer.issuer import Issuer  # noqa: PLC0415  # the other verbs open none
    from agentdid.issuer.trust_lists import publish_trust_list  # noqa: PLC0415
    from agentdid.trust.publication import parse_description  # noqa: PLC0415

    described = parse_description(
        read_object(description) if description.suffix == ".json" else tomllib.loads(description.read_text("utf-8"))
    )
    with Issuer.open(db, passphrase=read_passphrase(passphrase_fd, passphrase_file), pin=read_pin) as opened:
        made = publish_trust_list(opened, described, out, form=form, revocable=revocable)
    shown = {"url": made.url, "sequence": made.sequence, "credential": made.credential_id, "file": str(out)}
    print_done(shown, f"{made.url} #{made.sequence} -> {out}", as_json=as_json)


def _words(did: str, anchor: Anchor) -> str:
    said = [f"{did}: {', '.join(anchor.types)}"]
    for name in ("roots", "actions", "principals", "status_issuers", "keys"):
        values: tuple[str, ...] = getattr(anchor, name)
        said += [f"{name.replace('_', ' ')} {', '.join(values)}"] if values else []
    return "; ".join([*said, anchor.security])


def _toml(value: object) -> str:
    # of strings, numbers and arrays of strings JSON is TOML
    return encode(value).decode("utf-8")
