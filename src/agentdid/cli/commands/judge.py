"""`agentdid verify` and `agentdid replay`: decisions, with every check shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agentdid.audit.packed import LIMITS
from agentdid.cli.main import EXIT_CODES
from agentdid.cli.options import (
    AsJson,
    LogKey,
    SourcesFile,
    TrustFile,
    now,
    read_input,
    read_instant,
    read_object,
    read_source,
    read_trust,
)
from agentdid.cli.progress import Bar
from agentdid.cli.render import print_decision, print_done, print_verdict, show_finding
from agentdid.codec.strict_json import encode, parse
from agentdid.delegation.usage import Request
from agentdid.errors import AuditLogInvalid, EvidenceMismatch
from agentdid.keys.multikey import decode_multikey
from agentdid.query.dcql import parse_query
from agentdid.storage.baselines import open_baselines
from agentdid.storage.log_folder import RECORDS, LogFolder
from agentdid.storage.marks import SqlMarks
from agentdid.verifier.service import Verifier
from agentdid.verify.case import Question
from agentdid.verify.evidence import replay as replay_bundle
from agentdid.verify.looks import looks_presented
from agentdid.verify.run import report_of


def verify(
    file: Annotated[str, typer.Argument(help="A credential, a chain or a presentation; - for stdin.")],
    trust: TrustFile = None,
    at: Annotated[str | None, typer.Option(help="Judge as of this instant (RFC 3339).")] = None,
    challenge: Annotated[str | None, typer.Option(help="The nonce a presentation must answer.")] = None,
    credential: Annotated[bool, typer.Option("--credential", help="Judge as a credential, without a holder.")] = False,
    action: Annotated[str | None, typer.Option(help="Judge this action too.")] = None,
    resource: Annotated[str | None, typer.Option(help="The action's resource.")] = None,
    kind: Annotated[str, typer.Option("--type", help="http, mcp_tool or a2a_skill.")] = "http",
    arguments: Annotated[Path | None, typer.Option(help="JSON: the action's arguments.")] = None,
    query: Annotated[Path | None, typer.Option(help="JSON: the DCQL query it must answer.")] = None,
    sources: SourcesFile = None,
    marks: Annotated[Path | None, typer.Option(help="Remember here the did:webvh versions that were seen.")] = None,
    log: Annotated[
        Path | None,
        typer.Option("--log", help="A decision log, or an audit log's folder: what was seen of agents, if asked."),
    ] = None,
    evidence: Annotated[Path | None, typer.Option(help="Write the evidence bundle here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Judge a credential or presentation, and the request if one is given."""
    if (action is None) != (resource is None):
        raise ValueError("--action and --resource go together")
    policy = read_trust(trust)
    instant, present = read_instant(at), now()
    data = read_input(file)
    request = None
    if action is not None and resource is not None:
        request = Request(kind, action, resource, {} if arguments is None else read_object(arguments))
    seen = None if marks is None else SqlMarks.open(marks)
    source = read_source(sources, policy, instant or present)
    verifier = Verifier(policy, source=source, marks=seen, baselines=open_baselines(policy.policy, log))
    question = Question(
        raw=data,
        # who names a challenge wants it answered: the input does not choose to be judged without a holder
        holder=not credential and (challenge is not None or looks_presented(data)),
        trust=policy,
        at=instant or present,
        challenge=challenge,
        query=None if query is None else parse_query(read_object(query)),
        request=request,
        historical=instant is not None and instant < present,
    )
    result = verifier.judge(question, consume=False)
    if evidence is not None:
        evidence.write_bytes(encode(report_of(result).evidence.encode(result)) + b"\n")
    print_decision(result, as_json=as_json)
    raise typer.Exit(EXIT_CODES[report_of(result).outcome])


def replay(
    bundle: Annotated[Path, typer.Argument(help="An audit log's folder, an evidence bundle, or a file of them.")],
    day: Annotated[str | None, typer.Option(help="Of a log: only this day (UTC), 2026-11-01.")] = None,
    key: LogKey = None,
    as_json: AsJson = False,
) -> None:
    """Judge recorded evidence again, offline; succeeds only when every decision comes out the same."""
    if bundle.is_dir() or bundle.name == RECORDS:
        _replay_log(bundle, day, key, as_json=as_json)
        return
    if day is not None or key is not None:
        raise ValueError("--day and --key are for audit logs")
    outcomes = []
    lines = [line for line in bundle.read_bytes().splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].strip() == b"{":
        lines = [bundle.read_bytes()]  # one bundle, laid out over several lines
    for position, line in enumerate(lines, 1):
        try:
            result = replay_bundle(parse(line, LIMITS).value)
        except EvidenceMismatch as error:
            raise EvidenceMismatch(f"bundle {position}: {error.detail}", path=error.path) from None
        report = report_of(result)
        outcomes.append({"outcome": report.outcome, "code": report.code})
    if not outcomes:
        raise ValueError("the file holds no evidence bundle")
    text = "\n".join(f"{row['outcome']}  {row['code'] or ''}".rstrip() for row in outcomes)
    print_done({"replayed": len(outcomes), "decisions": outcomes}, f"{text}\nall the same", as_json=as_json)


def _replay_log(folder: Path, day: str | None, key: str | None, *, as_json: bool) -> None:
    from agentdid.verifier.replaying import replay_log  # noqa: PLC0415  # a bundle needs no log

    known = None if key is None else decode_multikey(key)
    with Bar("replaying", LogFolder(folder).records.stat().st_size, quiet=as_json) as advance:
        done = replay_log(folder, day=day, key=known, advance=advance)
    findings = [*done.health.faults, *done.differing]
    ok = not findings and not done.absent
    shown = {
        "replayed": done.same,
        "absent": list(done.absent),
        "differing": [show_finding(each) for each in done.differing],
        "faults": [show_finding(each) for each in done.health.faults],
    }
    text = [f"NO  {each.place}: {each.detail}" for each in findings]
    if done.absent:
        text.append(f"NO  the evidence of {len(done.absent)} decisions is gone, from entry {done.absent[0]}")
    text.append(f"{done.same} decisions {'all the same' if ok else 'the same'}")
    print_verdict(shown, text, None if ok else AuditLogInvalid, as_json=as_json)
