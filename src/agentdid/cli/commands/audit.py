"""`agentdid audit …`: whether a log is whole, what it says, and proofs of it for others."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentdid.audit.packed import read_line
from agentdid.audit.proofs import ENTRY, hold_entry, hold_growth
from agentdid.cli.options import AsJson, LogKey, Output, SourcesFile, TrustFile, now, read_resolver, read_trust
from agentdid.cli.progress import Bar
from agentdid.cli.render import print_aside, print_done, print_json, print_lines, print_verdict, show_finding
from agentdid.codec.strict_json import encode
from agentdid.did.document import parse_document
from agentdid.errors import AgentdidError, AuditLogInvalid, DidNotFound
from agentdid.keys.multikey import decode_multikey
from agentdid.storage.audit_check import examine
from agentdid.storage.audit_log import read_opening
from agentdid.storage.audit_read import Prover, Wanted, select
from agentdid.storage.evidence_files import forget_evidence
from agentdid.storage.log_folder import LogFolder

if TYPE_CHECKING:
    from agentdid.audit.record import Record
    from agentdid.keys.public import PublicKey
    from agentdid.storage.audit_check import Health

app = typer.Typer(help="Examine, show and prove an audit log.", no_args_is_help=True)
Log = Annotated[Path, typer.Argument(help="The folder of the log.")]
LogDid = Annotated[str | None, typer.Option("--did", help="Whose key it must be: a DID that lists it.")]
Day = Annotated[str | None, typer.Option(help="Of this day (UTC), 2026-11-01.")]
Agent = Annotated[str | None, typer.Option(help="That concern this DID.")]
Action = Annotated[str | None, typer.Option(help="In which this action was asked for.")]
Outcome = Annotated[str | None, typer.Option(help="With this outcome or code.")]
Kind = Annotated[str | None, typer.Option(help="Of this kind: decision, issuance, revocation, …")]
LinkId = Annotated[str | None, typer.Option("--credential", help="In which a credential of this id took part.")]


@app.command()
def verify(
    log: Annotated[Path, typer.Argument(help="The folder of a log, or what `export` or `prove` wrote.")],
    key: LogKey = None,
    did: LogDid = None,
    since: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint kept elsewhere, from which it must have grown; repeatable.")
    ] = None,
    trust: TrustFile = None,
    sources: SourcesFile = None,
    as_json: AsJson = False,
) -> None:
    """Hold every line, every checkpoint and all evidence of a log; name the place of whatever is wrong."""
    if (log.is_file() and log.suffix != ".jsonl") or _is_export(log):
        _verify_export(log, _keys(key, did, trust, sources), as_json=as_json)
        return
    notes = [each.read_text("utf-8") for each in since or []]
    keys = _keys(key, did, trust, sources)
    own = _own_key(log)
    # of a DID's keys the one that the log names, if it is one of them
    pinned = next((each for each in keys if own is not None and each.raw == own.raw), keys[0] if keys else None)
    if pinned is None:
        print_aside("held against the key that the log itself names; --key or --did holds it against its owner's")
    with Bar("verifying", LogFolder(log).records.stat().st_size, quiet=as_json) as advance:
        health = examine(log, key=pinned, since=notes, advance=advance)
    print_verdict(_show_health(health), _say(health), AuditLogInvalid if health.faults else None, as_json=as_json)


@app.command()
def show(
    log: Log,
    day: Day = None,
    agent: Agent = None,
    action: Action = None,
    outcome: Outcome = None,
    kind: Kind = None,
    credential: LinkId = None,
    last: Annotated[int, typer.Option(min=1, help="Only so many, the newest.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List what a log says; whether it is whole, `verify` says."""
    from collections import deque  # noqa: PLC0415  # beside what it is for

    wanted = Wanted(day, agent, action, outcome, kind, credential)
    found = deque(((index, line, record) for index, line, record in select(log, wanted)), maxlen=last)
    if as_json:
        print_json({"outcome": "accepted", "code": None, "checks": [], "entries": [read_line(row[1]) for row in found]})
        return
    print_lines([f"{index:>7}  {_sentence(record)}" for index, _, record in found])


@app.command()
def export(
    log: Log,
    out: Annotated[Path, typer.Option(help="Write here: an entry a line, each with its proof.")],
    day: Day = None,
    agent: Agent = None,
    action: Action = None,
    outcome: Outcome = None,
    kind: Kind = None,
    credential: LinkId = None,
    as_json: AsJson = False,
) -> None:
    """Write entries with proofs of inclusion, so that others can verify them without the log."""
    prover = Prover(log, _named_key(log))
    count = 0
    with out.open("xb") as stream:
        for index, line, _ in select(log, Wanted(day, agent, action, outcome, kind, credential)):
            if index < prover.checkpoint.size:
                stream.write(encode(prover.prove(index, line)) + b"\n")
                count += 1
    shown = {"entries": count, "size": prover.checkpoint.size, "checkpoint": prover.note}
    print_done(shown, f"{count} entries of the first {prover.checkpoint.size}", as_json=as_json)


@app.command()
def prove(
    log: Log,
    entry: Annotated[int | None, typer.Option(min=0, help="That this entry is in the log.")] = None,
    since: Annotated[Path | None, typer.Option(help="That the log grew from this checkpoint.")] = None,
    out: Output = None,
    as_json: AsJson = False,
) -> None:
    """Write the proof that an entry stands in a log, or that the log only grew."""
    if (entry is None) == (since is None):
        raise ValueError("give --entry or --since")
    prover = Prover(log, _named_key(log))
    if since is not None:
        proof = prover.prove_since(since.read_text("utf-8"))
    else:
        line = next((line for index, line, _ in select(log, Wanted()) if index == entry), None)
        if line is None:
            raise AuditLogInvalid(f"there is no entry {entry}")
        proof = prover.prove(entry or 0, line)
    text = encode(proof).decode("utf-8")
    if out is not None:
        out.write_text(text + "\n", "utf-8")
    print_done({"proof": proof}, text if out is None else prover.checkpoint.origin, as_json=as_json)


@app.command()
def checkpoint(log: Log, out: Output = None, as_json: AsJson = False) -> None:
    """Print the newest checkpoint of a log: who keeps it elsewhere can tell later that nothing was taken out."""
    note = Prover(log, _named_key(log)).note
    if out is not None:
        out.write_text(note, "utf-8")
    print_done({"checkpoint": note}, note.rstrip("\n") if out is None else str(out), as_json=as_json)


@app.command()
def forget(
    log: Log,
    before: Annotated[str, typer.Option(help="Evidence of days before this one (UTC), 2026-11-01, is deleted.")],
    as_json: AsJson = False,
) -> None:
    """Delete the evidence of past days, with all that was presented then; the log stays whole without it."""
    gone = forget_evidence(log, date.fromisoformat(before))
    print_done({"deleted": gone}, "\n".join(gone) or "there is none", as_json=as_json)


def _is_export(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(256).lstrip().startswith(b'{"type":"AgentdidAudit')


def _verify_export(path: Path, keys: list[PublicKey], *, as_json: bool) -> None:
    if not keys:
        raise ValueError("entries that were exported are held against --key or --did")
    faults: list[dict[str, object]] = []
    count = 0
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                _hold(line, keys)
                count += 1
            except (AuditLogInvalid, ValueError) as error:
                detail = error.detail if isinstance(error, AgentdidError) else str(error)
                faults.append({"place": f"proof {number - 1}", "line": number, "detail": detail})
    lines = [f"NO  {each['place']}: {each['detail']}" for each in faults] + [f"{count} proofs hold"]
    found = AuditLogInvalid if faults or not count else None
    print_verdict({"proofs": count, "faults": faults}, lines, found, as_json=as_json)


def _hold(line: bytes, keys: list[PublicKey]) -> None:
    value = read_line(line)
    failed: AuditLogInvalid | None = None
    for key in keys:
        try:
            if value.get("type") == ENTRY:
                hold_entry(value, key)
            else:
                hold_growth(value, key)
        except AuditLogInvalid as error:
            failed = error
        else:
            return
    if failed is not None:
        raise failed


def _keys(key: str | None, did: str | None, trust: Path | None, sources: Path | None) -> list[PublicKey]:
    """Return the keys that a log may be signed by; none where nobody said."""
    if key is not None and did is not None:
        raise ValueError("give --key or --did")
    if key is not None:
        return [decode_multikey(key)]
    if did is None:
        return []
    resolution = read_resolver(sources, read_trust(trust)).resolve(did)
    if resolution.document is None:
        raise resolution.error or DidNotFound("the DID has no document")
    document = parse_document(resolution.document, did)
    found = []
    for method_id in sorted(document.relationships.get("assertionMethod", ())):
        try:
            found.append(document.find_key(method_id, "assertionMethod", now()))
        except AgentdidError:
            continue  # a key that is not one harms only who uses it
    if not found:
        raise AuditLogInvalid("the DID lists no key that could have signed")
    return found


def _own_key(log: Path) -> PublicKey | None:
    try:
        return _named_key(log)
    except AuditLogInvalid:
        return None


def _named_key(log: Path) -> PublicKey:
    _, named = read_opening(next(LogFolder(log).lines(), b""))
    return decode_multikey(named)


def _show_health(health: Health) -> dict[str, object]:
    return {
        "origin": health.origin,
        "size": health.size,
        "root": health.root.hex(),
        "checkpoints": health.checkpoints,
        "covered": health.covered,
        "evidence": health.evidence,
        "absent": health.absent,
        "faults": [show_finding(each) for each in health.faults],
        "notes": [show_finding(each) for each in health.notes],
    }


def _say(health: Health) -> list[str]:
    lines = [f"NO  {_place(each)}: {each.detail}" for each in health.faults]
    lines += [f"?   {_place(each)}: {each.detail}" for each in health.notes]
    gone = f", {health.absent} gone" if health.absent else ""
    covered = f"{health.covered} under {health.checkpoints} checkpoints"
    return [
        *lines,
        f"{health.origin}: {health.size} entries, {covered}, {health.evidence} with evidence{gone}",
        f"root {health.root.hex()}",
        "something is wrong" if health.faults else "all of it as it was written",
    ]


def _place(finding: Any) -> str:  # noqa: ANN401  # a Finding
    return f"{finding.place} (line {finding.line})" if finding.line else str(finding.place)


def _sentence(record: Record) -> str:
    parts = [record.at.isoformat(timespec="seconds").replace("+00:00", "Z"), record.kind, record.outcome]
    if record.code is not None:
        parts.append(record.code)
    if record.request is not None:
        parts.append(f"{record.request.action} {record.request.resource}")
    if record.agent is not None:
        parts.append(record.agent)
    elif record.links:
        parts.append(record.links[-1].id or "")
    if record.reasoning is not None:
        parts.append(f"({record.reasoning})")
    return "  ".join(parts)
