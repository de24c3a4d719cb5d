"""`agentdid did update|rotate|move|deactivate|log|witness|approve`: what did:webvh adds. Keys stay in their store."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentdid.cli.options import (
    AsJson,
    MarksFile,
    PassphraseFd,
    PassphraseFile,
    now,
    read_object,
    read_passphrase,
    read_pin,
)
from agentdid.cli.render import print_done, print_json
from agentdid.clock import seconds
from agentdid.codec.strict_json import parse
from agentdid.did.syntax import check_did
from agentdid.did.webvh.identifier import PLACEHOLDER, parse_identifier, template
from agentdid.did.webvh.log import check_clock, parse_log
from agentdid.did.webvh.parallel import check_parallel
from agentdid.did.webvh.resolve import document_json, metadata_of
from agentdid.did.webvh.witness import check_witnesses, witness_proof
from agentdid.errors import DidLogRollback, DidMethodUnsupported, DidWitnessThreshold, StoreUnavailable
from agentdid.issuer.issuer import Issuer
from agentdid.lifecycle.publish import write_did
from agentdid.limits import DEFAULT
from agentdid.storage.controlled import Controlled, make
from agentdid.storage.marks import SqlMarks
from agentdid.wallet.wallet import Wallet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agentdid.did.webvh.log import History

WalletFile = Annotated[Path | None, typer.Option("--wallet", help="The wallet that controls the DID.")]
Database = Annotated[Path | None, typer.Option("--db", help="The issuer that controls the DID.")]
Folder = Annotated[Path | None, typer.Option("--out", help="Write the published files below this folder.")]


def create_webvh(
    *,
    algorithm: str,
    host: str | None,
    path: list[str],
    wallet: Path | None,
    options: Mapping[str, Any],
    passphrase: tuple[int | None, Path | None],
    as_json: bool,
) -> None:
    """Make a did:webvh in a wallet, where alone its keys are.

    Args:
        algorithm: Of the signing key.
        host: `host` or `host:port`.
        path: Path segments.
        wallet: Made if it is not there.
        options: `portable`, `witness`, `threshold`, `pre_rotation`.
        passphrase: The wallet's: a descriptor, or a file.
        as_json: Whether to print JSON.

    Raises:
        ValueError: No host or no wallet: a DID whose update key is gone can never be rotated.
    """
    if host is None or wallet is None:
        raise ValueError("a did:webvh needs --host and --wallet, which keeps the keys that may update it")
    name, _, port = host.partition(":")
    made = make(
        name, int(port) if port else None, path, at=now(), algorithm=algorithm,
        parameters=read_parameters(options), pre_rotation=options["pre_rotation"],
    )  # fmt: skip
    opened = Wallet.open if wallet.exists() else Wallet.create
    with opened(wallet, passphrase=read_passphrase(*passphrase, new=not wallet.exists())) as held:
        held.controlled.create(made)
    _print(made, as_json=as_json)


def read_parameters(options: Mapping[str, Any]) -> dict[str, object]:
    """Return the parameters of a new log that command line options name."""
    parameters: dict[str, object] = {"portable": True} if options["portable"] else {}
    witnesses = options["witness"] or []
    if witnesses:
        threshold = options["threshold"] or len(witnesses)
        parameters["witness"] = {"threshold": threshold, "witnesses": [{"id": each} for each in witnesses]}
    return parameters


def rotate(
    did: Annotated[str, typer.Argument(help="The did:webvh.")],
    wallet: WalletFile = None,
    db: Database = None,
    compromised: Annotated[bool, typer.Option(help="Revoke the keys until now.")] = False,
    out: Folder = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Give a did:webvh a fresh signing key and fresh update keys; publish the log before anything else."""
    with _opened(did, wallet, db, passphrase_fd, passphrase_file) as store:
        if isinstance(store, Issuer):
            store.rotate(compromised=compromised)
            made = store.controlled.find(did)  # type: ignore[union-attr]  # by _opened
        else:
            made = store.controlled.rotate(did, at=now(), compromised=compromised)
    _print(made, out, as_json=as_json)


def deactivate(
    did: Annotated[str, typer.Argument(help="The did:webvh.")],
    wallet: WalletFile = None,
    db: Database = None,
    out: Folder = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Bring a did:webvh to its end, for ever; publish the log so that others learn of it."""
    with _opened(did, wallet, db, passphrase_fd, passphrase_file) as store:
        made = store.controlled.deactivate(did, at=now())  # type: ignore[union-attr]  # by _opened
    _print(made, out, as_json=as_json)


def update(
    did: Annotated[str, typer.Argument(help="The did:webvh.")],
    document: Annotated[
        Path, typer.Option(help="JSON: members of the document (service, alsoKnownAs, …); null takes one away.")
    ],
    wallet: WalletFile = None,
    db: Database = None,
    out: Folder = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Change what a did:webvh says beside its keys; publish the log so that others learn of it."""
    members = read_object(document)
    with _opened(did, wallet, db, passphrase_fd, passphrase_file) as store:
        made = store.controlled.update(did, members, at=now())  # type: ignore[union-attr]  # by _opened
    _print(made, out, as_json=as_json)


def move(
    did: Annotated[str, typer.Argument(help="The did:webvh; it was made with --portable.")],
    host: Annotated[str, typer.Option(help="Where it goes: host, or host:port.")],
    wallet: Annotated[Path, typer.Option("--wallet", help="The wallet that controls the DID.")],
    path: Annotated[list[str] | None, typer.Option(help="A path segment; may be repeated.")] = None,
    out: Folder = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Move a portable did:webvh to another place; its history and SCID go with it, and its name changes."""
    with _opened(did, wallet, None, passphrase_fd, passphrase_file) as store:
        scid = parse_identifier(did).scid
        name, _, port = host.partition(":")
        to = template(name, int(port) if port else None, path or []).replace(PLACEHOLDER, scid)
        made = store.controlled.move(did, to, at=now())  # type: ignore[union-attr]  # by _opened
    _print(made, out, as_json=as_json)


def log(
    what: Annotated[str, typer.Argument(help="A did.jsonl to verify, or a DID that --wallet or --db controls.")],
    witness: Annotated[Path | None, typer.Option(help="The did-witness.json that goes with the file.")] = None,
    parallel: Annotated[Path | None, typer.Option(help="The did.json that is published beside it.")] = None,
    marks: MarksFile = None,
    wallet: WalletFile = None,
    db: Database = None,
    out: Folder = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Show every version of a did:webvh log after verifying it; of one's own DID also write what is published."""
    if wallet is not None or db is not None:
        with _opened(what, wallet, db, passphrase_fd, passphrase_file) as store:
            made = store.controlled.find(what)  # type: ignore[union-attr]  # by _opened
        _print(made, out, as_json=as_json)
        return
    history = parse_log(Path(what).read_bytes())
    check_clock(history, now() + seconds(DEFAULT.leeway_s))
    if history.has_witnesses():
        if witness is None:
            raise DidWitnessThreshold("the log has witnesses; their proofs come with --witness")
        check_witnesses(history, witness.read_bytes())
    if parallel is not None:
        check_parallel(history.latest, parse(parallel.read_bytes()).value)
    if marks is not None:
        _check_mark(history, SqlMarks.open(marks))
    _print_history(history, as_json=as_json)


def witness(
    file: Annotated[Path, typer.Argument(help="The did.jsonl whose last entry is to be approved.")],
    wallet: Annotated[Path, typer.Option("--wallet", help="The wallet with the witness's did:key.")],
    did: Annotated[str | None, typer.Option("--did", help="Which, if it holds several.")] = None,
    marks: MarksFile = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Verify a log and print a witness's proof of its last entry, as `did approve` reads it."""
    history = parse_log(file.read_bytes())
    check_clock(history, now() + seconds(DEFAULT.leeway_s))
    if marks is not None:  # a witness approves what goes on from what it approved before
        _check_mark(history, SqlMarks.open(marks))
    with Wallet.open(wallet, passphrase=read_passphrase(passphrase_fd, passphrase_file), pin=read_pin) as held:
        mine = [each for each in held.dids if each.startswith("did:key:")]
        if did is None and len(mine) != 1:
            raise ValueError("the wallet holds no did:key, or several: name one with --did")
        signer, _ = held.signer(did or mine[0])
    proof = witness_proof(history.latest.version_id, signer, now())
    print_json({"outcome": "accepted", "code": None, "proof": proof} if as_json else proof)


def approve(
    did: Annotated[str, typer.Argument(help="The did:webvh.")],
    proofs: Annotated[list[Path], typer.Argument(help="Files with a witness's proof each.")],
    wallet: WalletFile = None,
    db: Database = None,
    out: Folder = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Add witnesses' proofs of the last entry; it is published once there are enough."""
    given = [parse(each.read_bytes()).value for each in proofs]
    if not all(isinstance(each, dict) for each in given):
        raise ValueError("a proof is a JSON object")
    with _opened(did, wallet, db, passphrase_fd, passphrase_file) as store:
        made = store.controlled.add_proofs(did, given, at=now())  # type: ignore[union-attr,arg-type]  # by _opened
    _print(made, out, as_json=as_json)


@contextmanager
def _opened(
    did: str, wallet: Path | None, db: Path | None, descriptor: int | None, file: Path | None
) -> Iterator[Wallet | Issuer]:
    """Open the one store that is named."""
    if check_did(did) != "webvh":
        raise DidMethodUnsupported(
            "only a did:webvh has a history: a did:key, did:jwk or did:peer is its key, a did:web whatever is served"
        )
    parse_identifier(did)
    if (wallet is None) == (db is None):
        raise ValueError("expected either --wallet or --db")
    passphrase = read_passphrase(descriptor, file)
    if wallet is not None:
        with Wallet.open(wallet, passphrase=passphrase, pin=read_pin) as held:
            yield held
        return
    with Issuer.open(db, passphrase=passphrase, pin=read_pin) as issuer:  # type: ignore[arg-type]  # given, by the line above
        if issuer.controlled is None:
            raise ValueError("the issuer's DID is no did:webvh")
        yield issuer


def _print(made: Controlled, out: Path | None = None, *, as_json: bool) -> None:
    """Say what a DID is now, and write what is published of it."""
    try:
        published: History | None = made.published()
    except DidWitnessThreshold:
        published = None
    waits = published is not made.history
    if waits:
        typer.echo("the last entry waits for its witnesses: see `did witness` and `did approve`", err=True)
    written = [] if out is None or published is None else write_did(made, out)
    latest = made.history.latest
    shown = {
        "did": made.did,
        "didDocument": document_json(latest),
        "didDocumentMetadata": metadata_of(made.history, latest),
        "log": made.history.content.decode() + "\n",
        "published": not waits,
        "files": [str(each) for each in written],
    }
    print_done(shown, f"{made.did}\n{latest.version_id}", as_json=as_json)


def _check_mark(history: History, marks: SqlMarks) -> None:
    answer = marks.advance(history.scid, tuple(each.version_id for each in history.versions))
    if answer == "unavailable":
        raise StoreUnavailable("the store of versions seen did not answer")
    if answer != "kept":
        raise DidLogRollback(f"the log is {answer}: it does not go on from the version that was seen")


def _print_history(history: History, *, as_json: bool) -> None:
    versions = [
        {"versionId": each.version_id, "versionTime": each.time_text, "did": each.did} for each in history.versions
    ]
    lines = [f"{each['versionTime']}  {each['versionId']}  {each['did']}" for each in versions]
    if history.deactivated:
        lines.append("deactivated")
    shown = {"did": history.latest.did, "didDocumentMetadata": metadata_of(history, history.latest)}
    print_done({**shown, "versions": versions}, "\n".join(lines), as_json=as_json)


def register(app: typer.Typer) -> None:
    """Add the verbs to `agentdid did`."""
    for verb in (update, rotate, move, deactivate, log, witness, approve):
        app.command()(verb)
