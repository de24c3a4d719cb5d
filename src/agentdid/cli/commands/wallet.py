"""`agentdid wallet …`: what an agent holds, presents and delegates."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentdid.audit.receipt import read_receipt
from agentdid.cli.identity import AuditFolder, keep_audit
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
    read_credentials,
    read_duration,
    read_input,
    read_object,
    read_passphrase,
    read_pin,
    read_resolver,
    read_signer,
    read_source,
    read_trust,
)
from agentdid.cli.render import print_aside, print_done, print_verdict
from agentdid.codec.strict_json import encode, parse
from agentdid.delegation import link
from agentdid.errors import AgentdidError, ReceiptInvalid
from agentdid.present.presentation import FORMATS
from agentdid.wallet.approve import check_chain, read_asked
from agentdid.wallet.disclosure import parse_path
from agentdid.wallet.receipts import check_receipt
from agentdid.wallet.wallet import Wallet

if TYPE_CHECKING:
    from agentdid.audit.receipt import Statement
    from agentdid.sources.resolver import Resolver
    from agentdid.wallet.lineage import Minted, Statuses
    from agentdid.wallet.receipts import KeptReceipt
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
    """List the wallet's DIDs and credentials, and what it signed for others."""
    with _open(wallet, passphrase_fd, passphrase_file) as opened:
        dids = list(opened.dids)
        rows = [_summary(held) for held in opened.credentials()]
        minted = [_minted(each) for each in opened.minted()]
    lines = [f"did         {did}" for did in dids]
    lines += [f"credential  {row['id']}  from {row['issuer']}  until {row['validUntil']}" for row in rows]
    lines += [f"{row['kind']:<11} {row['id']}  for {row['subject']}  until {row['validUntil']}" for row in minted]
    print_done({"dids": dids, "credentials": rows, "minted": minted}, "\n".join(lines), as_json=as_json)


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
    approval: Annotated[list[Path] | None, typer.Option(help="An approval to go along; repeatable.")] = None,
    out: Output = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a presentation that answers one challenge of one verifier, and discloses no more than is asked."""
    asked = None if query is None else read_object(query)
    paths = [parse_path(each) for each in disclose or []]
    approvals = [each for file in approval or [] for each in read_credentials(file.read_bytes())]
    with _open(wallet, passphrase_fd, passphrase_file) as opened:
        made = opened.present(
            challenge=challenge,
            audience=audience,
            query=asked,
            credential_id=credential,
            disclose=paths,
            principal=principal,
            form=form,
            approvals=approvals,
        )
    if out is not None:
        out.write_text(made + "\n", "utf-8")
    print_done({"presentation": made}, made if out is None else f"written to {out}", as_json=as_json)


@app.command()
def delegate(
    wallet: WalletFile,
    credential: Annotated[str, typer.Option(help="The id of the capability to delegate from.")],
    to: Annotated[str, typer.Option(help="The DID of the agent that may use it.")],
    capability: Annotated[Path | None, typer.Option(help="JSON: the whole narrower capability.")] = None,
    narrower: Annotated[Path | None, typer.Option(help="JSON: only what differs from the parent.")] = None,
    ttl: Annotated[str, typer.Option(help="How long it is valid: 90s, 10m; an hour at most without status.")] = "10m",
    form: Annotated[
        str | None, typer.Option("--format", help=f"One of {', '.join(link.FORMATS)}; by default as the parent.")
    ] = None,
    status_db: Annotated[
        Path | None, typer.Option("--status-db", help="The delegator's own status service (issuer init --key-of).")
    ] = None,
    out: Output = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a narrower capability for another agent, offline; writes the whole chain as a JSON array, root first."""
    if (capability is None) == (narrower is None):
        raise ValueError("give one of --capability and --narrower")
    passphrase = read_passphrase(passphrase_fd, passphrase_file)
    with ExitStack() as stack:
        opened = stack.enter_context(Wallet.open(wallet, passphrase=passphrase, pin=read_pin))
        chain = opened.delegate(
            credential,
            to=to,
            capability=None if capability is None else read_object(capability),
            narrower=None if narrower is None else read_object(narrower),
            ttl=read_duration(ttl),
            form=form,
            statuses=_statuses(stack, status_db, passphrase),
        )
    text = encode(chain).decode("utf-8")
    if out is not None:
        out.write_text(text + "\n", "utf-8")
    print_done({"chain": chain}, text if out is None else f"written to {out}", as_json=as_json)


@app.command()
def approve(
    file: Annotated[str, typer.Argument(help="What is asked: an approval_required refusal as JSON; - for stdin.")],
    wallet: WalletFile,
    chain: Annotated[Path | None, typer.Option(help="The chain, to see what its leaf allows.")] = None,
    did: Annotated[str | None, typer.Option(help="As which of the wallet's DIDs.")] = None,
    ttl: Annotated[str, typer.Option(help="How long it is valid: 90s, 5m; 15m at most.")] = "5m",
    uses: Annotated[int, typer.Option(min=1, max=1_000, help="How often it may be used.")] = 1,
    form: Annotated[str, typer.Option("--format", help=f"One of {', '.join(link.FORMATS)}.")] = link.FORMATS[0],
    yes: Annotated[bool, typer.Option("--yes", help="Sign without asking: what is asked was read elsewhere.")] = False,
    audit: AuditFolder = None,
    out: Output = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what an agent asks to do, and sign that it may, for this one call and this one chain."""
    asked = read_asked(parse(read_input(file)).value)
    lines = asked.words()
    if chain is not None:
        lines += check_chain(asked, read_credentials(chain.read_bytes()))
    for line in lines:
        print_aside(line)
    if not yes:
        if not sys.stdin.isatty() or file == "-":
            raise ValueError("there is nobody to ask; --yes signs without asking")
        if not typer.confirm("Approve?", err=True):
            raise typer.Exit(1)
    with _open(wallet, passphrase_fd, passphrase_file) as opened, ExitStack() as stack:
        if audit is not None:
            stack.enter_context(keep_audit(opened, did or opened.dids[0], audit))
        made = opened.approve(asked, did=did, ttl=read_duration(ttl), uses=uses, form=form)
    text = made if isinstance(made, str) else encode(made).decode("utf-8")
    if out is not None:
        out.write_text(text + "\n", "utf-8")
    print_done({"credential": made}, text if out is None else f"written to {out}", as_json=as_json)


@app.command()
def relinquish(
    wallet: WalletFile,
    credential: Annotated[str, typer.Option(help="The id of what is given up: held here, or minted here.")],
    status_db: Annotated[
        Path | None, typer.Option("--status-db", help="The status service in which delegations can be revoked.")
    ] = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Give up a capability, and end what was minted out of it where that can be ended."""
    passphrase = read_passphrase(passphrase_fd, passphrase_file)
    with ExitStack() as stack:
        opened = stack.enter_context(Wallet.open(wallet, passphrase=passphrase, pin=read_pin))
        done = opened.relinquish(credential, statuses=_statuses(stack, status_db, passphrase))
    lines = [f"{done.id} is {'not held any more' if done.held else 'given up'}"]
    lines += [f"revoked     {each}" for each in done.revoked]
    lines += [f"stands on   {each.id} until {each.valid_until.isoformat()}" for each in done.standing]
    shown = {
        "id": done.id,
        "held": done.held,
        "revoked": list(done.revoked),
        "standing": [_minted(each) for each in done.standing],
    }
    print_done(shown, "\n".join(lines), as_json=as_json)


def _statuses(stack: ExitStack, database: Path | None, passphrase: str) -> Statuses | None:
    if database is None:
        return None
    from agentdid.issuer.issuer import Issuer  # noqa: PLC0415  # only who runs a status service

    return stack.enter_context(Issuer.open(database, passphrase=passphrase))


def _minted(minted: Minted) -> dict[str, object]:
    return {
        "id": minted.id,
        "kind": minted.kind,
        "issuer": minted.issuer,
        "subject": minted.subject,
        "parent": minted.parent,
        "madeAt": minted.made_at.isoformat(),
        "validUntil": minted.valid_until.isoformat(),
        "revocable": minted.revocable,
        "endedAt": None if minted.ended_at is None else minted.ended_at.isoformat(),
    }


@app.command()
def receipts(
    wallet: WalletFile,
    proof: Annotated[
        Path | None, typer.Option(help="What the verifier's `audit prove` wrote: hold its receipt against it.")
    ] = None,
    check: Annotated[bool, typer.Option(help="Hold each against its verifier's DID, over the network.")] = True,
    trust: TrustFile = None,
    sources: SourcesFile = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """List the receipts that verifiers gave, and hold each against what was presented, its signature and its log."""
    shown = None if proof is None else read_object(proof)
    with _open(wallet, passphrase_fd, passphrase_file) as opened:
        kept = opened.receipts()
    resolver = read_resolver(sources, read_trust(trust)) if check else None
    rows = [_receipt(each, resolver, shown) for each in kept]
    lines = [
        f"{'NO ' if row['code'] else 'ok '} {row['at']}  {row['outcome']}  {row['url']}  {row['detail']}".rstrip()
        for row in rows
    ]
    bad = any(row["code"] for row in rows)
    print_verdict({"receipts": rows}, lines, ReceiptInvalid if bad else None, as_json=as_json)


def _receipt(kept: KeptReceipt, resolver: Resolver | None, proof: dict[str, Any] | None) -> dict[str, object]:
    """Return what a receipt says, and what is wrong with it."""
    row: dict[str, object] = {"at": kept.at.isoformat(timespec="seconds"), "method": kept.method, "url": kept.url}
    code, detail = (ReceiptInvalid.code, kept.fault) if kept.fault else (None, "")
    said: Statement | None = None
    try:
        receipt = read_receipt(kept.token)
        said = receipt.statement
        # a proof is of one entry: the receipts of others are held without it
        logged = proof if said.log is not None and (proof or {}).get("index") == said.log.index else None
        if resolver is not None and code is None:
            check_receipt(kept, resolver, logged)
        row["proved"] = logged is not None and code is None
    except AgentdidError as error:
        code, detail = error.code, str(error)
    if said is not None:
        row |= {
            "verifier": said.iss,
            "outcome": said.outcome,
            "refusal": said.code,
            "entry": None if said.log is None else {"origin": said.log.origin, "index": said.log.index},
        }
    return {"outcome": "", **row, "code": code, "detail": detail, "token": kept.token}


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
