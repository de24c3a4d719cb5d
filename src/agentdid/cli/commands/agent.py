"""`agentdid agent provision|review|renew|retire`: an agent from its first key to its last."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from agentdid.cli.main import EXIT_CODES
from agentdid.cli.options import (
    AsJson,
    PassphraseFd,
    PassphraseFile,
    SourcesFile,
    TrustFile,
    now,
    read_algorithm,
    read_credentials,
    read_duration,
    read_instant,
    read_object,
    read_passphrase,
    read_pin,
    read_source,
    read_trust,
)
from agentdid.cli.render import print_done, print_json, print_lines
from agentdid.codec.strict_json import encode
from agentdid.delegation import link
from agentdid.issuer.issuer import Issuer
from agentdid.issuer.orders import BITSTRING, TOKEN_LIST, Order
from agentdid.lifecycle import provision as provisioning
from agentdid.lifecycle import renew as renewing
from agentdid.lifecycle import retire as retiring
from agentdid.lifecycle import review as reviewing
from agentdid.lifecycle.desks import HttpDenyList, HttpDesk, LocalDesk
from agentdid.lifecycle.steps import FAILED
from agentdid.lifecycle.usage import read_usages
from agentdid.storage.takes import MEMORY, open_takes
from agentdid.trust.anchors import Trust
from agentdid.wallet.wallet import Wallet

if TYPE_CHECKING:
    import httpx

    from agentdid.lifecycle.desks import Desk
    from agentdid.lifecycle.retire import Writable
    from agentdid.lifecycle.review import Review
    from agentdid.trust.denied import DenyEntry
    from agentdid.verify.needs import Source

app = typer.Typer(help="Provision, review, renew and retire agents.", no_args_is_help=True)
WalletFile = Annotated[Path, typer.Option("--wallet", help="The agent's wallet.")]
IssuerDb = Annotated[str | None, typer.Option("--issuer-db", help="The issuer's database: a file, or postgresql://….")]
IssuerUrl = Annotated[
    str | None, typer.Option("--issuer", help="The issuer's service; its token is in AGENTDID_ISSUER_TOKEN.")
]
IssuerPassphrase = Annotated[
    Path | None, typer.Option("--issuer-passphrase-file", help="The issuer's passphrase, if it has another.")
]
StatusDb = Annotated[
    Path | None, typer.Option("--status-db", help="The agent's own status service, for what it passes on.")
]
Publish = Annotated[Path | None, typer.Option("--publish", help="Write the issuer's lists here, as `issuer publish`.")]
_ISSUER_TOKEN: Final = "AGENTDID_ISSUER_TOKEN"  # noqa: S105  # the variable's name
_VERIFIER_TOKEN: Final = "AGENTDID_VERIFIER_TOKEN"  # noqa: S105  # as above


@app.command()
def provision(
    wallet: WalletFile,
    name: Annotated[str, typer.Option(help="Names this agent: done again under it, what is left is done.")],
    capability: Annotated[list[Path], typer.Option(help="JSON: what it may do; may be repeated.")],
    issuer_db: IssuerDb = None,
    issuer: IssuerUrl = None,
    key: Annotated[str, typer.Option(help="ed25519 or p256.")] = "ed25519",
    did: Annotated[str | None, typer.Option(help="One of the wallet's DIDs, instead of a fresh did:key.")] = None,
    ttl: Annotated[str, typer.Option(help="How long its credentials are valid: 10m, 1h, 2d.")] = "1h",
    form: Annotated[str | None, typer.Option("--format", help=f"One of {', '.join(link.FORMATS)}.")] = None,
    status: Annotated[str, typer.Option(help=f"Where a status stands: {BITSTRING} or {TOKEN_LIST}.")] = BITSTRING,
    suspendable: Annotated[bool, typer.Option(help="Whether they can be suspended, too.")] = True,
    publish: Publish = None,
    trust: TrustFile = None,
    sources: SourcesFile = None,
    issuer_passphrase_file: IssuerPassphrase = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Make an agent: its wallet, its DID, its first credentials. What is there already is left as it is."""
    passphrase = read_passphrase(passphrase_fd, passphrase_file, new=not wallet.exists())
    policy = None if trust is None else read_trust(trust)
    with ExitStack() as stack:
        desk = _desk(stack, issuer_db, issuer, issuer_passphrase_file or passphrase, policy, publish)
        if desk is None:
            raise ValueError("name who issues: --issuer-db or --issuer")
        life = read_duration(ttl)
        orders = [
            (desk, Order("", read_object(each), ttl=life, form=form, status=status, suspendable=suspendable))
            for each in capability
        ]
        made = provisioning.provision(
            wallet, orders, key=name, passphrase=passphrase, algorithm=read_algorithm(key), did=did, trust=policy,
            source=_source(sources, policy),
        )  # fmt: skip
        desk.publish()
    held = [
        {"id": each.id, "issuer": each.issuer, "validUntil": _instant(each.leaf.credential.valid_until)}
        for each in made.credentials
    ]
    lines = [made.did, *(f"holds {row['id']} until {row['validUntil']}" for row in held)]
    shown = {"did": made.did, "credentials": held, "repeated": made.repeated}
    print_done(shown, "\n".join(lines), as_json=as_json)


@app.command()
def review(
    wallet: Annotated[list[Path], typer.Option("--wallet", help="An agent's wallet; may be repeated.")],
    log: Annotated[list[Path], typer.Option("--log", help="A verifier's log of decisions; may be repeated.")],
    days: Annotated[int, typer.Option(min=1, help="How long something may go unused.")] = reviewing.DAYS,
    at: Annotated[str | None, typer.Option(help="Review as of this instant (RFC 3339).")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write each proposed capability into this folder.")] = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what agents hold, when it was used, what is unused or too broad, and what narrower would do."""
    passphrase = read_passphrase(passphrase_fd, passphrase_file)
    instant = read_instant(at) or now()
    usages = [use for each in log for use in read_usages(each)]
    reviews = []
    for each in wallet:
        with Wallet.open(each, passphrase=passphrase, pin=read_pin) as opened:
            reviews.append((each, reviewing.review(opened, usages, at=instant, days=days)))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for holding in (each for _, found in reviews for each in found.holdings):
            if holding.proposal is not None and holding.proposal.capability is not None:
                place = out / f"{_file_name(holding.held.id)}.json"
                place.write_bytes(encode(holding.proposal.capability) + b"\n")
    if as_json:
        print_done({"agents": [{"wallet": str(each), **found.encode()} for each, found in reviews]}, "", as_json=True)
        return
    print_lines([line for each, found in reviews for line in _review_lines(each, found)])


@app.command()
def renew(
    wallet: WalletFile,
    credential: Annotated[str, typer.Option(help="The id of the capability that is replaced.")],
    replacement: Annotated[Path | None, typer.Option(help="The new credential or chain, if it is at hand.")] = None,
    issuer_db: IssuerDb = None,
    issuer: IssuerUrl = None,
    capability: Annotated[Path | None, typer.Option(help="JSON: what is asked of the issuer; else the same.")] = None,
    new_did: Annotated[bool, typer.Option("--new-did", help="Have it issued to a fresh did:key.")] = False,
    rotate: Annotated[bool, typer.Option("--rotate", help="Give the agent's did:webvh fresh keys first.")] = False,
    name: Annotated[str | None, typer.Option(help="Names what is ordered; else made from the id.")] = None,
    ttl: Annotated[str, typer.Option(help="How long the new one is valid.")] = "1h",
    status_db: StatusDb = None,
    publish: Publish = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the re-minted chains into this folder.")] = None,
    trust: TrustFile = None,
    sources: SourcesFile = None,
    issuer_passphrase_file: IssuerPassphrase = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Replace a capability, and re-mint what was passed on out of it, for the same agents and nothing broader."""
    passphrase = read_passphrase(passphrase_fd, passphrase_file)
    policy = None if trust is None else read_trust(trust)
    with ExitStack() as stack:
        opened = stack.enter_context(Wallet.open(wallet, passphrase=passphrase, pin=read_pin))
        done = renewing.renew(
            opened,
            credential,
            at=now(),
            replacement=None if replacement is None else read_credentials(replacement.read_bytes()),
            desk=_desk(stack, issuer_db, issuer, issuer_passphrase_file or passphrase, policy, publish),
            capability=None if capability is None else read_object(capability),
            new_did=new_did,
            rotate=rotate,
            key=name,
            ttl=read_duration(ttl),
            statuses=_statuses(stack, status_db, passphrase),
            trust=policy,
            source=_source(sources, policy),
        )
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for each in done.children:
            if each.id is not None:
                (out / f"{_file_name(each.id)}.json").write_bytes(encode(list(each.chain)) + b"\n")
    lines = [f"{done.did} holds {done.id}"]
    for each in done.children:
        lines.append(f"{each.old} for {each.subject}: {each.id or each.problem}")
        lines += [f"  {grant} is lost: {why}" for grant, why in each.lost]
        lines += [f"  {grant} is narrower now" for grant in each.changed]
    lines += [f"revoked    {each}" for each in done.revoked]
    lines += [f"stands on  {each.id} until {each.valid_until.isoformat()}" for each in done.standing]
    print_done(done.encode(), "\n".join(lines), as_json=as_json)


@app.command()
def retire(
    wallet: Annotated[Path | None, typer.Option("--wallet", help="The agent's wallet, if it is at hand.")] = None,
    did: Annotated[list[str] | None, typer.Option(help="The agent's DID; those of the wallet are added.")] = None,
    issuer_db: Annotated[list[str] | None, typer.Option(help="An issuer's database; may be repeated.")] = None,
    issuer: Annotated[
        list[str] | None, typer.Option(help="An issuer's service (token: AGENTDID_ISSUER_TOKEN); may be repeated.")
    ] = None,
    trust: Annotated[
        list[Path] | None,
        typer.Option("--trust", help="A verifier's policy: denied in the store it names; may be repeated."),
    ] = None,
    deny_db: Annotated[list[str] | None, typer.Option(help="A verifier's store itself; may be repeated.")] = None,
    verifier: Annotated[
        list[str] | None,
        typer.Option(help="A verifier's service (token: AGENTDID_VERIFIER_TOKEN); may be repeated."),
    ] = None,
    status_db: StatusDb = None,
    publish: Publish = None,
    reason: Annotated[str, typer.Option(help="For histories and lists.")] = "agent retired",
    issuer_passphrase_file: IssuerPassphrase = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """End an agent for ever: deny it, revoke what it holds, publish, close its wallet and end its did:webvh."""
    needed = wallet is not None or issuer_db or status_db is not None
    passphrase = read_passphrase(passphrase_fd, passphrase_file) if needed else ""
    with ExitStack() as stack:
        desks = [
            _desk(stack, database, url, issuer_passphrase_file or passphrase, None, publish)
            for database, url in [*((each, None) for each in issuer_db or []), *((None, each) for each in issuer or [])]
        ]
        opened = None
        if wallet is not None:
            opened = stack.enter_context(Wallet.open(wallet, passphrase=passphrase, pin=read_pin))
        done = retiring.retire(
            did or [],
            at=now(),
            wallet=opened,
            deny_lists=_deny_lists(stack, trust or [], deny_db or [], verifier or []),
            desks=[each for each in desks if each is not None],
            statuses=_statuses(stack, status_db, passphrase),
            folder=publish,
            reason=reason,
        )
    outcome = "accepted" if done.complete else "undecided"
    if as_json:
        code = next((step.code for step in done.steps if step.outcome == FAILED), None)
        print_json({"outcome": outcome, "code": code, "checks": [], **done.encode()})
    else:
        print_lines([f"{step.outcome:<8} {step.act:<11} {step.target}  {step.detail}".rstrip() for step in done.steps])
    raise typer.Exit(EXIT_CODES[outcome])


def _desk(
    stack: ExitStack, database: str | None, url: str | None, secret: str | Path, policy: Trust | None,
    publish: Path | None,
) -> Desk | None:  # fmt: skip
    if database is not None and url is not None:
        raise ValueError("name one of --issuer-db and --issuer")
    if database is not None:
        passphrase = read_passphrase(None, secret) if isinstance(secret, Path) else secret
        return LocalDesk(stack.enter_context(Issuer.open(database, passphrase=passphrase, pin=read_pin)), publish)
    return None if url is None else HttpDesk(url, _token(_ISSUER_TOKEN), _client(stack, policy))


class _Store:
    """A deny list that is opened where it is written to: one that is down stops nothing else."""

    def __init__(self, place: str) -> None:
        self._place = place

    def add(self, entry: DenyEntry) -> bool:
        """Write an entry. Raises `StoreUnavailable`."""
        store = open_takes(self._place)
        try:
            return store.denied.add(entry)
        finally:
            store.close()


def _deny_lists(stack: ExitStack, policies: list[Path], places: list[str], urls: list[str]) -> dict[str, Writable]:
    found: dict[str, Writable] = {}
    for each in policies:
        place = Trust.load(each).store
        if place is None:
            message = f"{each} names no [store] whose deny list could be written to"
            raise ValueError(message)
        places = [*places, place]
    for place in dict.fromkeys(places):
        if place == MEMORY:
            raise ValueError("a store in memory is read by nobody else")
        found[place.rpartition("@")[2]] = _Store(place)  # no password in what is shown
    for url in urls:
        found[url] = HttpDenyList(url, _token(_VERIFIER_TOKEN), _client(stack, None))
    return found


def _statuses(stack: ExitStack, database: Path | None, passphrase: str) -> Issuer | None:
    return None if database is None else stack.enter_context(Issuer.open(database, passphrase=passphrase, pin=read_pin))


def _client(stack: ExitStack, policy: Trust | None) -> httpx.Client:
    import ssl  # noqa: PLC0415  # only services are spoken to

    import httpx  # noqa: PLC0415

    context = ssl.create_default_context()
    if policy is not None and policy.fetch_ca is not None:
        context.load_verify_locations(policy.fetch_ca)
    return stack.enter_context(httpx.Client(verify=context, trust_env=False))


def _token(variable: str) -> str:
    found = os.environ.get(variable, "")
    if not found:
        message = f"the service's token is needed in {variable}"
        raise ValueError(message)
    return found


def _source(sources: Path | None, policy: Trust | None) -> Source | None:
    if sources is None and policy is None:
        return None
    return read_source(sources, policy or read_trust(None), now())


def _review_lines(wallet: Path, found: Review) -> list[str]:
    lines = [f"{wallet}: {', '.join(found.dids) or 'no DID'}"]
    for each in found.holdings:
        last = "never used" if each.last_used is None else f"last used {each.last_used.isoformat()}"
        lines.append(f"  {each.state:<7} {each.held.id}  {each.uses} uses, {last}")
        lines += [f"     ?  {note}" for note in each.notes]
        lines += [f"     -> {word}" for word in (() if each.proposal is None else each.proposal.words)]
    for passed in found.passed_on:
        lines.append(f"  passed on {passed.minted.id} to {passed.minted.subject}: {passed.uses} uses")
    return lines


def _file_name(credential_id: str) -> str:
    return "".join(each if each.isalnum() or each == "-" else "_" for each in credential_id.removeprefix("urn:uuid:"))


def _instant(value: Any) -> str | None:  # noqa: ANN401  # an instant, or none
    return None if value is None else value.isoformat()
