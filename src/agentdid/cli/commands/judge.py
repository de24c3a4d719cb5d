"""`agentdid verify` and `agentdid replay`: decisions, with every check shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agentdid.cli.main import EXIT_CODES
from agentdid.cli.options import (
    AsJson,
    SourcesFile,
    TrustFile,
    now,
    read_input,
    read_instant,
    read_object,
    read_source,
    read_trust,
)
from agentdid.cli.render import print_decision, print_done
from agentdid.codec.strict_json import encode, parse
from agentdid.delegation.usage import Request
from agentdid.errors import EvidenceMismatch
from agentdid.limits import Limits
from agentdid.query.dcql import parse_query
from agentdid.storage.baselines import open_baselines
from agentdid.storage.marks import SqlMarks
from agentdid.verifier.service import Verifier
from agentdid.verify.case import Question
from agentdid.verify.evidence import replay as replay_bundle
from agentdid.verify.looks import looks_presented
from agentdid.verify.run import report_of

# a bundle holds an input and every document it led to
_BUNDLE_LIMITS = Limits(max_input_bytes=64 * 1024 * 1024, max_members=1_000_000)


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
        typer.Option("--log", help="A decision log: what was seen of agents, where the policy looks at it."),
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
    bundle: Annotated[Path, typer.Argument(help="An evidence bundle, or a log of them, one a line.")],
    as_json: AsJson = False,
) -> None:
    """Judge recorded evidence again, offline; succeeds only when every decision comes out the same."""
    outcomes = []
    lines = [line for line in bundle.read_bytes().splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].strip() == b"{":
        lines = [bundle.read_bytes()]  # one bundle, laid out over several lines
    for position, line in enumerate(lines, 1):
        try:
            result = replay_bundle(parse(line, _BUNDLE_LIMITS).value)
        except EvidenceMismatch as error:
            raise EvidenceMismatch(f"bundle {position}: {error.detail}", path=error.path) from None
        report = report_of(result)
        outcomes.append({"outcome": report.outcome, "code": report.code})
    if not outcomes:
        raise ValueError("the file holds no evidence bundle")
    text = "\n".join(f"{row['outcome']}  {row['code'] or ''}".rstrip() for row in outcomes)
    print_done({"replayed": len(outcomes), "decisions": outcomes}, f"{text}\nall the same", as_json=as_json)
