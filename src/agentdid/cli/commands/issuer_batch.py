"""`agentdid issuer batch`: credentials from a file of orders, JSON lines or CSV, with a progress bar.

Orders are read as they are needed and written as they are issued, so that a million take no more memory than a hundred.
Each stands or is refused by itself. A run that was broken off is repeated with the same `--batch` name: what was issued
is given again, and not issued twice.
"""

from __future__ import annotations

import csv
from datetime import timedelta
from io import TextIOWrapper
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Final, cast

import typer

from agentdid.cli.commands.issuer_status import Database
from agentdid.cli.options import (
    AsJson,
    PassphraseFd,
    PassphraseFile,
    read_duration,
    read_object,
    read_passphrase,
    read_pin,
)
from agentdid.cli.progress import Bar
from agentdid.cli.render import print_done
from agentdid.codec.strict_json import encode, parse_object
from agentdid.delegation.link import FORMATS
from agentdid.errors import AgentdidError
from agentdid.issuer.issuer import Issuer
from agentdid.issuer.orders import Issued, Order
from agentdid.wallet.disclosure import parse_path

if TYPE_CHECKING:
    from collections.abc import Iterator

_MEMBERS: Final = frozenset(
    {"to", "capability", "claims", "disclosable", "ttl", "format", "status", "suspendable", "key"}
)
_COLUMNS: Final = ("to", "ttl", "format", "key", "capability")
_TRUE: Final = {True, "true", "1", "yes"}


def batch(
    db: Database,
    orders: Annotated[Path, typer.Argument(help="*.csv with a header, or JSON lines; each has a `to`.")],
    out: Annotated[Path, typer.Option(help="Write a JSON line for each order here.")],
    capability: Annotated[Path | None, typer.Option(help="JSON: for orders that have none of their own.")] = None,
    ttl: Annotated[str, typer.Option(help="For orders that have none: 90s, 10m, 1h, 2d.")] = "1h",
    form: Annotated[str, typer.Option("--format", help="For orders that have none.")] = FORMATS[0],
    name: Annotated[str | None, typer.Option("--batch", help="Of the run: repeated, it issues nothing twice.")] = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Issue a credential for each line of a file; exit 0 when all were issued."""
    default = None if capability is None else read_object(capability)
    counts = {"issued": 0, "refused": 0}
    codes: dict[str, int] = {}
    with (
        Issuer.open(db, passphrase=read_passphrase(passphrase_fd, passphrase_file), pin=read_pin) as opened,
        orders.open("rb") as raw,
        TextIOWrapper(raw, encoding="utf-8-sig", newline="") as lines,
        out.open("wb") as written,
        Bar("issuing", orders.stat().st_size, quiet=as_json) as advance,
    ):
        read = _read_csv(lines) if orders.suffix.lower() == ".csv" else _read_json(lines)
        asked = (_order(each, default, ttl, form, name, position) for position, each in enumerate(read))
        for position, made in enumerate(opened.issue_many(asked)):
            if isinstance(made, AgentdidError):
                counts["refused"] += 1
                codes[made.code] = codes.get(made.code, 0) + 1
                row: dict[str, object] = {"position": position, "code": made.code, "detail": made.detail}
            else:
                counts["issued"] += 1
                row = {"position": position, **_shown(made)}
            written.write(encode(row) + b"\n")
            advance(raw.tell())
    text = f"{counts['issued']} issued, {counts['refused']} refused"
    print_done({**counts, "codes": codes, "out": str(out)}, text, as_json=as_json)
    if counts["refused"]:
        raise typer.Exit(1)


def _shown(made: Issued) -> dict[str, object]:
    return {"id": made.id, "credential": made.credential, "repeated": made.repeated}


def _read_json(lines: IO[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                row = cast("dict[str, Any]", parse_object(line.encode()).value)
            except AgentdidError as error:
                message = f"line {number}: {error.code}"
                raise ValueError(message) from None
            unknown = row.keys() - _MEMBERS
            if unknown:
                message = f"line {number}: unknown members {', '.join(sorted(unknown))}"
                raise ValueError(message)
            yield row


def _read_csv(lines: IO[str]) -> Iterator[dict[str, Any]]:
    """A row of a table: the columns that are an order's own; every other column is a claim of the subject."""
    for number, row in enumerate(csv.DictReader(lines, strict=True), 2):
        if None in row or None in row.values():
            message = f"line {number}: another number of columns than the header"
            raise ValueError(message)
        order: dict[str, Any] = {name: row[name] for name in _COLUMNS if row.get(name)}
        if "capability" in order:
            order["capability"] = read_object(Path(order["capability"]))
        claims = {name: value for name, value in row.items() if name not in _COLUMNS and value != ""}
        yield order | ({"claims": claims} if claims else {})


def _order(
    row: dict[str, Any], default: dict[str, Any] | None, ttl: str, form: str, name: str | None, position: int
) -> Order:
    capability = row.get("capability", default)
    if not isinstance(capability, dict):
        message = f"order {position}: no capability of its own, and no --capability"
        raise ValueError(message)
    if not isinstance(row.get("to"), str):
        message = f"order {position}: expected a member to, a DID"
        raise ValueError(message)
    key = row.get("key") or (None if name is None else f"{name}#{position}")
    life: timedelta = read_duration(str(row.get("ttl", ttl)))
    return Order(
        row["to"], capability, None, row.get("claims"), [parse_path(each) for each in row.get("disclosable", [])],
        life, str(row.get("format", form)), str(row.get("status", "bitstring")),
        row.get("suspendable", True) in _TRUE, None if key is None else str(key),
    )  # fmt: skip
