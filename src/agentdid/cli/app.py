"""The tree of verbs."""

from __future__ import annotations

import typer

from agentdid.cli.commands import (
    agent,
    audit,
    capability,
    deny,
    did,
    did_log,
    inspect,
    interop,
    issuer,
    judge,
    policy,
    serve,
    trust,
    wallet,
)
from agentdid.cli.demo import demo
from agentdid.cli.doctor import doctor

app = typer.Typer(
    name="agentdid",
    help="Identity and verifiable capabilities for software agents.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a traceback with local variables could show a secret
)
app.command()(demo)
did_log.register(did.app)
app.add_typer(did.app, name="did")
app.add_typer(issuer.app, name="issuer")
app.add_typer(wallet.app, name="wallet")
app.add_typer(capability.app, name="capability")
app.add_typer(agent.app, name="agent")
app.add_typer(deny.app, name="deny")
app.add_typer(policy.app, name="policy")
app.command()(judge.verify)
app.command()(judge.replay)
app.command()(inspect.inspect)
app.add_typer(trust.app, name="trust")
app.add_typer(audit.app, name="audit")
app.add_typer(serve.app, name="serve")
app.add_typer(interop.app, name="interop")
app.command()(doctor)
