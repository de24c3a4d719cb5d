"""`agentdid serve …`: the services, on loopback unless told otherwise."""

from __future__ import annotations

import hashlib
import secrets
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from agentdid.cli.identity import AuditFolder, OwnIssuer, OwnWallet, keep_audit, read_own_key
from agentdid.cli.options import (
    PassphraseFd,
    PassphraseFile,
    SourcesFile,
    TrustFile,
    now,
    read_passphrase,
    read_pin,
    read_resolver,
    read_source,
    read_trust,
)
from agentdid.codec.strict_json import encode
from agentdid.storage.audit_log import AuditLog
from agentdid.trust.anchors import Trust

if TYPE_CHECKING:
    from fastapi import FastAPI

app = typer.Typer(help="Run a service.", no_args_is_help=True)
Port = Annotated[int, typer.Option(min=1, max=65_535, help="The port to listen on.")]
Host = Annotated[str, typer.Option(help="The address to listen on.")]
Certificate = Annotated[Path | None, typer.Option("--tls-cert", help="PEM: the server's certificate chain.")]
CertificateKey = Annotated[Path | None, typer.Option("--tls-key", help="PEM: the certificate's key.")]


@app.command("issuer")
def serve_issuer(
    db: Annotated[str, typer.Option("--db", help="The issuer's database: a file, or postgresql+psycopg://host/name.")],
    port: Port = 8_443,
    host: Host = "127.0.0.1",
    tls_cert: Certificate = None,
    tls_key: CertificateKey = None,
    refresh: Annotated[float, typer.Option(min=0.1, help="Sign lists anew after this many seconds.")] = 15.0,
    audit: AuditFolder = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Serve an issuer's DID document, its status lists and, to whoever has the token, issuing and revoking."""
    from agentdid.http.issuer_admin import admin_verifier  # noqa: PLC0415  # an extra
    from agentdid.http.issuer_app import create_issuer_app  # noqa: PLC0415
    from agentdid.issuer.issuer import Issuer  # noqa: PLC0415

    token = secrets.token_urlsafe(32)
    passphrase = read_passphrase(passphrase_fd, passphrase_file)
    with Issuer.open(db, passphrase=passphrase, refresh_s=refresh, pin=read_pin) as issuer, ExitStack() as stack:
        if audit is not None:
            signer, _ = issuer.signing_key()
            issuer.audit = stack.enter_context(AuditLog.open(audit, signer, owner=issuer.did))
        typer.echo(f"token for issuing and revoking, shown once: {token}", err=True)
        _run(
            create_issuer_app(
                issuer, token_hash=hashlib.sha256(token.encode()).hexdigest(), verifier=admin_verifier(issuer)
            ),
            host,
            port,
            tls_cert,
            tls_key,
        )


@app.command("verifier")
def serve_verifier(
    trust: Annotated[Path, typer.Option("--trust", help="The trust policy (trust.toml).")],
    port: Port = 8_444,
    host: Host = "127.0.0.1",
    db: Annotated[
        str | None,
        typer.Option("--db", help="Nonces and counters: a file, postgresql+psycopg://…, valkey://…; else as trusted."),
    ] = None,
    marks: Annotated[
        Path | None, typer.Option("--marks", help="Versions seen of did:webvh, shared by processes; else in memory.")
    ] = None,
    log: Annotated[Path | None, typer.Option("--log", help="Append the evidence of every decision here.")] = None,
    events: Annotated[
        list[str] | None, typer.Option("--events", help="An issuer's …/status/events to follow; may be repeated.")
    ] = None,
    admin: Annotated[
        bool, typer.Option("--admin", help="Let whoever has the token, shown once, read and write the deny list.")
    ] = False,
    audit: AuditFolder = None,
    wallet: OwnWallet = None,
    issuer: OwnIssuer = None,
    tls_cert: Certificate = None,
    tls_key: CertificateKey = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Serve verification: challenges out, presentations in, decisions back; with the DID's key, receipts too."""
    from agentdid.http.verifier_app import create_verifier_app  # noqa: PLC0415  # an extra
    from agentdid.storage.baselines import open_baselines  # noqa: PLC0415
    from agentdid.storage.decision_log import DecisionLog  # noqa: PLC0415
    from agentdid.storage.marks import SqlMarks  # noqa: PLC0415
    from agentdid.storage.takes import MEMORY, open_takes  # noqa: PLC0415
    from agentdid.verifier.service import Verifier  # noqa: PLC0415

    policy = Trust.load(trust)
    takes = open_takes(db or policy.store or MEMORY, policy.limits)
    seen = None if marks is None else SqlMarks.open(marks)
    # a store that is named here is one that others write to, as one that the policy names
    denied = takes.denied if policy.denies or db is not None or admin else None
    token_hash = None
    if admin:
        token = secrets.token_urlsafe(32)
        typer.echo(f"token for the deny list, shown once: {token}", err=True)
        token_hash = hashlib.sha256(token.encode()).hexdigest()
    with read_own_key(policy.did, wallet, issuer, passphrase_fd, passphrase_file) as key, ExitStack() as stack:
        if audit is not None and key is None:
            raise ValueError("--audit needs the key of the policy's DID: --wallet or --issuer")
        kept = None
        if audit is not None and key is not None:
            kept = stack.enter_context(AuditLog.open(audit, key.signer, owner=policy.did))
        bundles = None if log is None else DecisionLog(log)
        verifier = Verifier(
            policy,
            takes=takes,
            marks=seen,
            log=bundles,
            audit=kept,
            receipts=key,
            denied=denied,
            baselines=open_baselines(policy.policy, log or audit),
        )
        for url in events or []:
            verifier.follow(url)
        _run(create_verifier_app(verifier, token_hash=token_hash), host, port, tls_cert, tls_key)


@app.command("approvals")
def serve_approvals(
    wallet: Annotated[Path, typer.Option("--wallet", help="The approver's wallet.")],
    audit: AuditFolder = None,
    port: Port = 8_447,
    host: Host = "127.0.0.1",
    tls_cert: Certificate = None,
    tls_key: CertificateKey = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Let agents ask for approvals over HTTP, and whoever has the token look at them and decide."""
    from agentdid.http.approval_app import create_approval_app  # noqa: PLC0415  # an extra
    from agentdid.wallet.wallet import Wallet  # noqa: PLC0415

    token = secrets.token_urlsafe(32)
    with (
        Wallet.open(wallet, passphrase=read_passphrase(passphrase_fd, passphrase_file)) as opened,
        ExitStack() as stack,
    ):
        if audit is not None:
            stack.enter_context(keep_audit(opened, opened.dids[0], audit))
        typer.echo(f"token for looking and deciding, shown once: {token}", err=True)
        service = create_approval_app(opened, token_hash=hashlib.sha256(token.encode()).hexdigest())
        _run(service, host, port, tls_cert, tls_key)


@app.command("resolver")
def serve_resolver(
    trust: TrustFile = None,
    sources: SourcesFile = None,
    port: Port = 8_445,
    host: Host = "127.0.0.1",
    db: Annotated[
        Path | None, typer.Option("--db", help="Versions seen of did:webvh, shared by processes; else in memory.")
    ] = None,
    tls_cert: Certificate = None,
    tls_key: CertificateKey = None,
) -> None:
    """Serve DID resolution: `GET /1.0/identifiers/{DID}`, as a Universal Resolver does."""
    from agentdid.http.resolver_app import create_resolver_app  # noqa: PLC0415  # an extra

    policy = read_trust(trust)
    _run(create_resolver_app(read_resolver(sources, policy, db), limits=policy.limits), host, port, tls_cert, tls_key)


@app.command("trqp")
def serve_trqp(
    lists: Annotated[list[Path], typer.Option("--list", help="A signed trust list; may be repeated.")],
    trust: TrustFile = None,
    sources: SourcesFile = None,
    port: Port = 8_448,
    host: Host = "127.0.0.1",
    tls_cert: Certificate = None,
    tls_key: CertificateKey = None,
) -> None:
    """Serve a trust registry over trust lists: who is authorized, and recognized, by those who signed them."""
    from agentdid.http.trqp_app import create_trqp_app  # noqa: PLC0415  # an extra
    from agentdid.verifier.shelf import Shelf  # noqa: PLC0415

    policy = read_trust(trust)
    shelf = Shelf(lists, read_source(sources, policy, now()), limits=policy.limits)
    shelf.load()
    _run(create_trqp_app(shelf, limits=policy.limits), host, port, tls_cert, tls_key)


@app.command("vc-api")
def serve_vc_api(
    manifest: Annotated[Path, typer.Option("--manifest", help="Write the issuers' DIDs here, as JSON.")],
    port: Port = 8_446,
    host: Host = "127.0.0.1",
    tls_cert: Certificate = None,
    tls_key: CertificateKey = None,
    lenient_issuer: Annotated[
        bool, typer.Option("--lenient-issuer", help="Let others than the issuer sign, as some published vectors do.")
    ] = False,
) -> None:
    """Serve what official W3C suites speak to; its policy is theirs, never that of a product."""
    from agentdid.http.vc_api import app as vc_api  # noqa: PLC0415  # an extra

    keys = vc_api.make_keys()
    manifest.write_bytes(encode(vc_api.manifest(keys)) + b"\n")
    service = vc_api.create_vc_api_app(read_resolver(None, Trust.nobody()), keys, lenient_issuer=lenient_issuer)
    _run(service, host, port, tls_cert, tls_key)


def _run(service: FastAPI, host: str, port: int, certificate: Path | None, key: Path | None) -> None:
    import uvicorn  # noqa: PLC0415  # an extra

    # of the same extra
    from agentdid.http.connections import PromptRequests, raise_descriptors  # noqa: PLC0415
    from agentdid.http.middleware import MAX_HEAD  # noqa: PLC0415

    if (certificate is None) != (key is None):
        raise ValueError("--tls-cert and --tls-key go together")
    raise_descriptors()
    # the server ends well and then lets the signal that ended it end us, which would leave a log without its checkpoint
    signal.signal(signal.SIGTERM, _leave)
    uvicorn.run(
        service,
        host=host,
        port=port,
        http=PromptRequests,
        proxy_headers=False,  # who calls is who connected, whatever a header or FORWARDED_ALLOW_IPS says (R11)
        workers=1,  # nor is WEB_CONCURRENCY read
        log_level="warning",
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=MAX_HEAD,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )


def _leave(number: int, _frame: object) -> NoReturn:
    """End as Python programs do, so that what is open is closed."""
    raise SystemExit(128 + number)
