"""`agentdid did …`: identifiers made and looked up."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agentdid.cli.commands import did_log
from agentdid.cli.options import (
    AsJson,
    PassphraseFd,
    PassphraseFile,
    SourcesFile,
    TrustFile,
    now,
    read_algorithm,
    read_passphrase,
    read_source,
    read_trust,
    write_private,
)
from agentdid.cli.render import print_done, print_json
from agentdid.codec.base import encode_base64url
from agentdid.codec.strict_json import encode, parse
from agentdid.did import key as did_key
from agentdid.did import web as did_web
from agentdid.did.document import build_document
from agentdid.did.resolve import Ask, plan, read
from agentdid.errors import (
    CODES,
    AgentdidError,
    DidDeactivated,
    DidInvalid,
    DidLogInvalid,
    DidLogRollback,
    DidMethodUnsupported,
    DidNotFound,
    DidWitnessThreshold,
    Undecided,
)
from agentdid.keys.secret import SecretKey
from agentdid.verify.needs import Absent
from agentdid.wallet.wallet import Wallet

app = typer.Typer(help="Make and resolve DIDs.", no_args_is_help=True)
_FRAGMENT = "key-1"


@app.command()
def create(
    method: Annotated[str, typer.Option(help="key, web or webvh.")] = "key",
    key: Annotated[str, typer.Option(help="ed25519 or p256.")] = "ed25519",
    host: Annotated[str | None, typer.Option(help="For did:web and did:webvh: host, or host:port.")] = None,
    path: Annotated[list[str] | None, typer.Option(help="For the same: a path segment; may be repeated.")] = None,
    portable: Annotated[bool, typer.Option(help="For did:webvh: it may move to another host.")] = False,
    witness: Annotated[list[str] | None, typer.Option(help="For did:webvh: a witness's did:key; repeatable.")] = None,
    threshold: Annotated[int | None, typer.Option(help="How many witnesses approve an entry; by default all.")] = None,
    pre_rotation: Annotated[bool, typer.Option(help="For did:webvh: commit to the next update key.")] = True,
    wallet: Annotated[Path | None, typer.Option(help="Keep the key in this wallet, made if it is not there.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the secret key to this new file (0600).")] = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a DID with a fresh key; the key goes into a wallet, into a file, or nowhere."""
    if method == "webvh":
        did_log.create_webvh(
            algorithm=read_algorithm(key),
            host=host,
            path=path or [],
            wallet=wallet,
            options={
                "portable": portable,
                "witness": witness,
                "threshold": threshold,
                "pre_rotation": pre_rotation,
            },
            passphrase=(passphrase_fd, passphrase_file),
            as_json=as_json,
        )
        return
    secret = SecretKey.generate(read_algorithm(key))
    if method == "key":
        did, fragment = did_key.create(secret.public), ""
        document = did_key.document_json(did)
    elif method == "web":
        if host is None:
            raise ValueError("a did:web needs --host")
        name, _, port = host.partition(":")
        did, fragment = did_web.create(name, int(port) if port else None, path or ()), _FRAGMENT
        document = build_document(did, {fragment: secret.public})
    else:
        message = f"--method is key, web or webvh, got {method!r}"
        raise ValueError(message)
    if wallet is not None:
        passphrase = read_passphrase(passphrase_fd, passphrase_file, new=not wallet.exists())
        opened = Wallet.open if wallet.exists() else Wallet.create
        with opened(wallet, passphrase=passphrase) as held:
            held.add_key(did, secret)
    if out is not None:
        shown = {"did": did, "algorithm": secret.public.algorithm.name, "seed": encode_base64url(secret.export_seed())}
        write_private(out, encode(shown) + b"\n")
    if wallet is None and out is None:
        typer.echo("the secret key was dropped; keep one with --wallet or --out", err=True)
    print_done({"did": did, "didDocument": document}, did, as_json=as_json)


@app.command()
def resolve(
    did: Annotated[str, typer.Argument(help="The DID.")],
    sources: SourcesFile = None,
    trust: TrustFile = None,
    marks: did_log.MarksFile = None,
    as_json: AsJson = False,
) -> None:
    """Print the DID resolution result (DID Resolution section 4): document and metadata, or an error by its name."""
    metadata: dict[str, object] = {}
    try:
        if did.startswith("did:webvh:"):
            print_json({"outcome": "accepted", "code": None, **did_log.resolve_webvh(did, sources, trust, marks)})
            return
        document = _resolve(did, sources, trust)
    except AgentdidError as error:
        if as_json:
            print_json(
                {
                    "outcome": error.family,
                    **error.as_problem(),
                    "didDocument": None,
                    "didDocumentMetadata": {},
                    "didResolutionMetadata": {"error": _resolution_error(error), "message": error.detail},
                }
            )
            raise typer.Exit({"malformed": 4, "undecided": 3}.get(error.family, 1)) from None
        raise
    result = {
        "outcome": "accepted",
        "code": None,
        "didDocument": document,
        "didDocumentMetadata": metadata,
        "didResolutionMetadata": {"contentType": "application/did"},
    }
    print_json(result)


def _resolve(did: str, sources: Path | None, trust: Path | None) -> object:
    planned = plan(did)
    if not isinstance(planned, Ask):
        return did_key.document_json(did)
    policy = read_trust(trust)
    answer = read_source(sources, policy, now()).get(planned.url, planned.accept, 0)
    if isinstance(answer, Absent):
        found = CODES.get(answer.code, DidNotFound)
        raise (found if issubclass(found, Undecided) else DidNotFound)(answer.detail)
    read(did, answer.body)
    return parse(answer.body).value


def _resolution_error(error: AgentdidError) -> str:
    """Return the DID Resolution error name (DID Resolution section 7)."""
    if isinstance(error, DidMethodUnsupported):
        return "methodNotSupported"
    if isinstance(error, DidInvalid | DidLogInvalid | DidLogRollback | DidWitnessThreshold | DidDeactivated):
        return "invalidDid"  # did:webvh 1.0, Read (Resolve): any error that makes the DID invalid
    return "notFound" if isinstance(error, Undecided) else "invalidDidDocument"
