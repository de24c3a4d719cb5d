"""`agentdid deny add|remove|list`: a verifier's deny list, the kill switch that waits for no issuer."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentdid.cli.options import AsJson, now, read_instant
from agentdid.cli.render import print_done, print_lines
from agentdid.storage.takes import MEMORY, open_takes
from agentdid.trust.anchors import Trust
from agentdid.trust.denied import CREDENTIAL, DID, KEY, make_entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentdid.storage.denied import DeniedStore
    from agentdid.trust.denied import DenyEntry

app = typer.Typer(help="Deny parties, credentials and keys, effective at once.", no_args_is_help=True)
TrustFile = Annotated[Path | None, typer.Option("--trust", help="The trust policy; the store that it names is meant.")]
Database = Annotated[
    str | None, typer.Option("--db", help="The store itself: a file, postgresql+psycopg://…, valkey://….")
]
Did = Annotated[str | None, typer.Option(help="A party: issuer, subject, holder or approver.")]
Credential = Annotated[str | None, typer.Option(help="A credential's id, or its digestMultibase.")]
Key = Annotated[str | None, typer.Option(help="A key: its RFC 7638 thumbprint, its Multikey or its did:key.")]


@app.command()
def add(
    did: Did = None,
    credential: Credential = None,
    key: Key = None,
    reason: Annotated[str, typer.Option(help="Why, for people who read the list.")] = "",
    until: Annotated[str | None, typer.Option(help="When it ends (RFC 3339); by default never.")] = None,
    trust: TrustFile = None,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Deny one from now on, in every process that shares the store."""
    kind, value = _named(did, credential, key)
    entry = make_entry(kind, value, reason=reason, since=now(), until=read_instant(until))
    with _opened(trust, db) as store:
        fresh = store.add(entry)
    print_done({"entry": entry.encode(), "added": fresh}, f"denied: {entry.name}", as_json=as_json)


@app.command()
def remove(
    did: Did = None,
    credential: Credential = None,
    key: Key = None,
    trust: TrustFile = None,
    db: Database = None,
    as_json: AsJson = False,
) -> None:
    """Take one off the list; what stands in the policy itself stays."""
    kind, value = _named(did, credential, key)
    entry = make_entry(kind, value)
    with _opened(trust, db) as store:
        removed = store.remove(entry.kind, entry.value)
    text = f"not denied any more: {entry.name}" if removed else f"not on the list: {entry.name}"
    print_done({"kind": entry.kind, "value": entry.value, "removed": removed}, text, as_json=as_json)


@app.command("list")
def list_denied(trust: TrustFile = None, db: Database = None, as_json: AsJson = False) -> None:
    """List what is denied: in the store, and in the policy itself."""
    policy = None if trust is None else Trust.load(trust)
    fixed = [] if policy is None else [*policy.denied.values()]
    kept: list[DenyEntry] = []
    if db is not None or policy is None or policy.store is not None:
        with _opened(trust, db) as store:
            kept = store.entries()
    rows = [{**each.encode(), "in": "policy"} for each in fixed] + [{**each.encode(), "in": "store"} for each in kept]
    if as_json:
        print_done({"denied": rows}, "", as_json=True)
        return
    lines = [f"{row['in']:<7} {row['kind']:<11} {row['value']}  {row['reason']}".rstrip() for row in rows]
    print_lines(lines or ["nobody and nothing is denied"])


def _named(did: str | None, credential: str | None, key: str | None) -> tuple[str, str]:
    given = [(kind, each) for kind, each in ((DID, did), (CREDENTIAL, credential), (KEY, key)) if each is not None]
    if len(given) != 1:
        raise ValueError("name one of --did, --credential and --key")
    return given[0]


@contextmanager
def _opened(trust: Path | None, db: str | None) -> Iterator[DeniedStore]:
    """Yield the list that the options name. Raises `ValueError`: none, or one that ends with this command."""
    place = db or (None if trust is None else Trust.load(trust).store)
    if place is None or place == MEMORY:
        raise ValueError("name a store that others read: --db, or a trust policy with a [store]")
    store = open_takes(place)
    try:
        yield store.denied
    finally:
        store.close()
