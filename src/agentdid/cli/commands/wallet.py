"""`agentdid wallet …`: what an agent holds, presents and delegates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentdid.cli.options import (
    AsJson,
    KeyUri,
    NewKey,
    Output,
    PassphraseFd,
    PassphraseFile,
    SourcesFile,
    TrustFile,
    now,
    read_algorithm,
    read_duration,
    read_input,
    read_object,
    read_passphrase,
    read_pin,
    read_signer,
    read_source,
    read_trust,
)
from agentdid.cli.render import print_done
from agentdid.codec.strict_json import encode
from agentdid.delegation import link
from agentdid.present.presentation import FORMATS
from agentdid.wallet.disclosure import parse_path
from agentdid.wallet.wallet import Wallet

if TYPE_CHECKING:
    from agentdid.wallet.wallet import Held

app = typer.Typer(help="Hold, present and delegate credentials.", no_args_is_help=True)
WalletFile = Annotated[Path, typer.Option("--wallet", help="The wallet's file.")]


@app.command()
def init(
    wallet: WalletFile,
    key: Annotated[str, typer.Option(help="ed25519 or p256.")] = "ed25519",
    signer: KeyUri = None,
    new_key: NewKey = False,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a wallet with one DID of its own; its key is in the wallet, or where --signer says."""
    algorithm = read_algorithm(key)
    passphrase = read_passphrase(passphrase_fd, passphrase_file, new=True)
    with read_signer(signer, algorithm, new=new_key) as held, Wallet.create(wallet, passphrase=passphrase) as made:
        did = made.create_did(algorithm) if held is None else made.add_signer(held, reference=signer or "")
    print_done({"did": did}, did, as_json=as_json)


@app.command()
def receive(
    file: Annotated[str, typer.Argument(help="A credential, or a chain as a JSON array; - for stdin.")],
    wallet: WalletFile,
    trust: TrustFile = None,
    sources: SourcesFile = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Verify a credential, and keep it if it holds."""
    data = read_input(file)
    policy = None if trust is None else read_trust(trust)
    source = None if sources is None and policy is None else read_source(sources, policy or read_trust(None), now())
    with _open(wallet, passphrase_fd, passphrase_file) as opened:
        held = opened.receive(data, trust=policy, source=source)
    print_done({"credential": _summary(held)}, f"kept {held.id}", as_json=as_json)


@app.command("list")
def list_held(
    wallet: WalletFile,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """List the wallet's DIDs and credentials."""
    with _open(wallet, passphrase_fd, passphrase_file) as opened:
        dids = list(opened.dids)
        rows = [_summary(held) for held in opened.credentials()]
    lines = [f"did         {did}" for did in dids]
    lines += [f"credential  {row['id']}  from {row['issuer']}  until {row['validUntil']}" for row in rows]
    print_done({"dids": dids, "credentials": rows}, "\n".join(lines), as_json=as_json)


@app.command()
def show(
    wallet: WalletFile,
    credential: Annotated[str, typer.Option(help="The credential's id.")],
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Show one credential as its holder may read it, with every disclosure."""
    with _open(wallet, passphrase_fd, passphrase_file) as opened:
        held = opened.find(credential)
    documents = [link.credential.document for link in held.chain]
    print_done(
        {"credential": _summary(held), "documents": documents, "chain": held.wire},
        encode(documents[-1]).decode("utf-8"),
        as_json=as_json,
    )


@app.command()
def present(
    wallet: WalletFile,
    challenge: Annotated[str, typer.Option(help="The nonce that the verifier handed out.")],
    audience: Annotated[str, typer.Option(help="What the verifier calls itself.")],
    query: Annotated[Path | None, typer.Option(help="JSON: the verifier's DCQL query.")] = None,
    credential: Annotated[str | None, typer.Option(help="The credential's id.")] = None,
    disclose: Annotated[list[str] | None, typer.Option(help="A path to disclose; may be repeated.")] = None,
    principal: Annotated[str | None, typer.Option(help="For whom to act.")] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", help=f"One of {', '.join(FORMATS)}; by default the first, of a pair the last."),
    ] = None,
    out: Output = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a presentation that answers one challenge of one verifier, and discloses no more than is asked."""
    asked = None if query is None else read_object(query)
    paths = [parse_path(each) for each in disclose or []]
    with _open(wallet, passphrase_fd, passphrase_file) as opened:
        made = opened.present(
            challenge=challenge,
            audience=audience,
            query=asked,
            credential_id=credential,
            disclose=paths,
            principal=principal,
            form=form,
        )
    if out is not None:
        out.write_text(made + "\n", "utf-8")
    print_done({"presentation": made}, made if out is None else f"written to {out}", as_json=as_json)


@app.command()
def delegate(
    wallet: WalletFile,
    credential: Annotated[str, typer.Option(help="The id of the capability to delegate from.")],
    to: Annotated[str, typer.Option(help="The DID of the agent that may use it.")],
    capability: Annotated[Path, typer.Option(help="JSON: the narrower capability.")],
    ttl: Annotated[str, typer.Option(help="How long it is valid: 90s, 10m; an hour at most.")] = "10m",
    form: Annotated[
        str | None, typer.Option("--format", help=f"One of {', '.join(link.FORMATS)}; by default as the parent.")
    ] = None,
    out: Output = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a narrower capability for another agent, offline; writes the whole chain as a JSON array, root first."""
    wanted = read_object(capability)
    with _open(wallet, passphrase_fd, passphrase_file) as opened:
        chain = opened.delegate(credential, to=to, capability=wanted, ttl=read_duration(ttl), form=form)
    text = encode(chain).decode("utf-8")
    if out is not None:
        out.write_text(text + "\n", "utf-8")
    print_done({"chain": chain}, text if out is None else f"written to {out}", as_json=as_json)


def _open(wallet: Path, descriptor: int | None, file: Path | None) -> Wallet:
    return Wallet.open(wallet, passphrase=read_passphrase(descriptor, file), pin=read_pin)


def _summary(held: Held) -> dict[str, object]:
    until = held.leaf.credential.valid_until
    capability = held.leaf.capability
    return {
        "id": held.id,
        "issuer": held.issuer,
        "subject": held.subject,
        "types": list(held.types),
        "links": len(held.chain),
        "validUntil": None if until is None else until.isoformat(),
        "trusted": held.trusted,
        "grants": [] if capability is None else [grant.id for grant in capability.grants],
    }
