"""`agentdid issuer revoke|suspend|reinstate|list|show`: what became of what was issued."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final

import typer

from agentdid.cli.options import (
    AsJson,
    PassphraseFd,
    PassphraseFile,
    read_instant,
    read_passphrase,
    read_pin,
)
from agentdid.cli.render import print_done
from agentdid.codec.instant import encode_instant
from agentdid.issuer.issuer import Issuer
from agentdid.issuer.status_ledger import Which

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentdid.issuer.ledger_tables import Entry

Database = Annotated[
    str, typer.Option("--db", help="The issuer's database: a file, or postgresql+psycopg://host/name.")
]
Credential = Annotated[str | None, typer.Option(help="The credential's id.")]
Subject = Annotated[str | None, typer.Option(help="All that were issued to this DID.")]
Key = Annotated[str | None, typer.Option(help="All that this verification method signed.")]
IssuedFrom = Annotated[str | None, typer.Option(help="Issued at this time (RFC 3339) or later.")]
IssuedUntil = Annotated[str | None, typer.Option(help="Issued at this time or before.")]
Everything = Annotated[bool, typer.Option("--all", help="All that this issuer ever issued.")]
Reason = Annotated[str | None, typer.Option(help="Why; kept in the history, shown to nobody else.")]
# a verb → its past, and what its help says
_ACTS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "revoke": (
            "revoked",
            "Revoke a credential for ever; or all of a subject, of a key, of a time, or all: the kill switch.",
        ),
        "suspend": ("suspended", "Suspend a credential, or many, until reinstated."),
        "reinstate": ("reinstated", "End the suspension of a credential, or of many; a revocation has no end."),
    }
)


def add_verbs(app: typer.Typer) -> None:
    """Add the verbs to `agentdid issuer`."""
    for act, (_, says) in _ACTS.items():
        app.command(act)(_changing(act, says))
    app.command("list")(list_issued)
    app.command()(show)


def _changing(act: str, says: str) -> Callable[..., None]:
    """Return the command of a verb that changes the status of one credential, or of many."""

    def change(
        db: Database,
        credential: Credential = None,
        subject: Subject = None,
        key: Key = None,
        issued_from: IssuedFrom = None,
        issued_until: IssuedUntil = None,
        everything: Everything = False,
        reason: Reason = None,
        passphrase_fd: PassphraseFd = None,
        passphrase_file: PassphraseFile = None,
        as_json: AsJson = False,
    ) -> None:
        which = Which(subject, key, read_instant(issued_from), read_instant(issued_until))
        with Issuer.open(db, passphrase=read_passphrase(passphrase_fd, passphrase_file), pin=read_pin) as opened:
            _change(opened, act, credential, which, everything, reason, as_json=as_json)

    change.__doc__ = says
    return change


def list_issued(
    db: Database,
    subject: Subject = None,
    key: Key = None,
    issued_from: IssuedFrom = None,
    issued_until: IssuedUntil = None,
    state: Annotated[str | None, typer.Option(help="good, suspended or revoked.")] = None,
    before: Annotated[int | None, typer.Option(help="The number of the page before: go on after it.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """List what was issued, newest first."""
    which = Which(subject, key, read_instant(issued_from), read_instant(issued_until), state)
    with Issuer.open(db, passphrase=read_passphrase(passphrase_fd, passphrase_file), pin=read_pin) as opened:
        entries = opened.ledger.search(which=which, before=before, limit=limit)
        total = opened.ledger.count(which)
    rows = [_row(entry) for entry in entries]
    lines = [f"{row['id']}  {row['subject']}  {row['state']}" for row in rows]
    following = entries[-1].number if len(entries) == limit else None
    shown = {"credentials": rows, "total": total, "next": following}
    print_done(shown, "\n".join(lines) or "nothing was issued", as_json=as_json)


def show(
    db: Database,
    credential: Annotated[str, typer.Option(help="The credential's id.")],
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Show one credential's entry, and all that was done to it."""
    with Issuer.open(db, passphrase=read_passphrase(passphrase_fd, passphrase_file), pin=read_pin) as opened:
        entry = opened.ledger.find(credential)
        history = opened.ledger.history(credential)
        url = opened.list_url(entry.list_id)
    past = [{"act": each.act, "at": encode_instant(each.at), "reason": each.reason} for each in history]
    shown = {**_row(entry), "statusListCredential": url, "statusListIndex": str(entry.index), "history": past}
    lines = [f"{name}: {value}" for name, value in shown.items() if name != "history" and value is not None]
    lines += [f"{each['at']}  {each['act']}  {each['reason'] or ''}".rstrip() for each in past]
    print_done(shown, "\n".join(lines), as_json=as_json)


def _change(
    issuer: Issuer,
    act: str,
    credential: str | None,
    which: Which,
    everything: bool,
    reason: str | None,
    *,
    as_json: bool,
) -> None:
    meant = [credential is not None, which != Which(), everything]
    if sum(meant) != 1:
        raise ValueError("name one of --credential, conditions such as --subject, or --all")
    past, _ = _ACTS[act]
    if credential is None:
        count = issuer.change_all(act, which, reason=reason)
        print_done({"changed": count}, f"{count} credentials {past}", as_json=as_json)
        return
    changed = getattr(issuer, act)(credential, reason=reason)
    good = "not suspended" if act == "reinstate" else f"{past} before"
    text = f"{credential} is {past}" if changed else f"{credential} was {good}"
    print_done({"id": credential, "changed": changed}, text, as_json=as_json)


def _row(entry: Entry) -> dict[str, object]:
    return {
        "id": entry.credential_id,
        "subject": entry.subject,
        "state": entry.state,
        "issuedAt": entry.issued_at.isoformat(),
        "validUntil": entry.valid_until.isoformat(),
        "revokedAt": None if entry.revoked_at is None else entry.revoked_at.isoformat(),
        "suspendedAt": None if entry.suspended_at is None else entry.suspended_at.isoformat(),
        "key": entry.key_id or None,
        "number": entry.number,
    }
