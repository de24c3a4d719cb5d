"""`agentdid issuer …`: an issuer made, credentials minted, revoked and published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentdid.cli.options import (
    AsJson,
    KeyUri,
    NewKey,
    Output,
    PassphraseFd,
    PassphraseFile,
    now,
    read_algorithm,
    read_credentials,
    read_duration,
    read_object,
    read_passphrase,
    read_pin,
    read_signer,
)
from agentdid.cli.render import print_done
from agentdid.codec.strict_json import encode
from agentdid.delegation.link import FORMATS
from agentdid.issuer.issuer import Issuer
from agentdid.keys.pair import HYBRID
from agentdid.storage.controlled import Controlled, make
from agentdid.wallet.disclosure import parse_path

if TYPE_CHECKING:
    from agentdid.keys.secret import Signer

app = typer.Typer(help="Mint, revoke and publish credentials.", no_args_is_help=True)
Database = Annotated[Path, typer.Option("--db", help="The issuer's database.")]


@app.command()
def init(
    db: Database,
    did: Annotated[str | None, typer.Option(help="A did:web to issue under.")] = None,
    method: Annotated[str, typer.Option(help="key or webvh, when no --did is given.")] = "key",
    host: Annotated[str | None, typer.Option(help="For did:webvh: host, or host:port.")] = None,
    path: Annotated[list[str] | None, typer.Option(help="For did:webvh: a path segment; may be repeated.")] = None,
    key: Annotated[
        str, typer.Option(help="ed25519, p256, p384, mldsa44, …; hybrid: two keys, under a did:web or did:webvh.")
    ] = "ed25519",
    signer: KeyUri = None,
    new_key: NewKey = False,
    base_url: Annotated[str | None, typer.Option(help="Where status lists are served.")] = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Make an issuer: a fresh key, a DID, and an empty ledger."""
    if did is None and method not in ("key", "webvh"):
        message = f"--method is key or webvh, got {method!r}"
        raise ValueError("--method web needs --did did:web:…" if method == "web" else message)
    passphrase = read_passphrase(passphrase_fd, passphrase_file, new=True)
    algorithm = HYBRID if key == "hybrid" else read_algorithm(key)
    if algorithm == HYBRID and signer is not None:
        raise ValueError("--signer is one key, and hybrid is two")
    with read_signer(signer, algorithm, new=new_key) as held:
        webvh = _make_webvh(host, path or [], algorithm, held, signer or "") if method == "webvh" else None
        with Issuer.create(
            db,
            passphrase=passphrase,
            did=did,
            webvh=webvh,
            algorithm=algorithm,
            signer=held,
            reference=signer or "",
            base_url=base_url,
        ) as made:
            if made.base_url.endswith(".invalid"):
                typer.echo(
                    "no --base-url: status lists will be had only from published files, with --sources", err=True
                )
            shown = {"did": made.did, "didDocument": made.did_document(), "baseUrl": made.base_url}
            print_done(shown, made.did, as_json=as_json)


def _make_webvh(host: str | None, path: list[str], algorithm: str, signer: Signer | None, reference: str) -> Controlled:
    if host is None:
        raise ValueError("--method webvh needs --host")
    name, _, port = host.partition(":")
    return make(
        name, int(port) if port else None, path, at=now(), algorithm=algorithm, signer=signer, reference=reference
    )


@app.command()
def issue(
    db: Database,
    to: Annotated[str, typer.Option(help="The DID that may use the credential.")],
    capability: Annotated[Path, typer.Option(help="JSON: the capability (specs/capability-credential.md).")],
    parent: Annotated[Path | None, typer.Option(help="The chain, or the credential, that it hangs on.")] = None,
    claims: Annotated[Path | None, typer.Option(help="JSON: more claims about the subject.")] = None,
    disclosable: Annotated[list[str] | None, typer.Option(help="A path the holder may withhold; repeatable.")] = None,
    ttl: Annotated[str, typer.Option(help="How long it is valid: 90s, 10m, 1h, 2d.")] = "1h",
    form: Annotated[
        str | None,
        typer.Option("--format", help=f"One of {', '.join(FORMATS)}; by default the first, of a pair the last."),
    ] = None,
    out: Output = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Mint a capability credential; with a parent, the whole chain is written, root first."""
    extra = None if claims is None else read_object(claims)
    paths = [parse_path(each) for each in disclosable or []]
    # a bare claim name means the subject's
    paths = [("credentialSubject", *path) if path[0] in (extra or {}) else path for path in paths]
    with Issuer.open(db, passphrase=read_passphrase(passphrase_fd, passphrase_file), pin=read_pin) as opened:
        made = opened.issue(
            to=to,
            capability=read_object(capability),
            parent=None if parent is None else read_credentials(parent.read_bytes()),
            claims=extra,
            disclosable=paths,
            ttl=read_duration(ttl),
            form=form,
        )
    whole: object = made.credential if parent is None else list(made.chain)
    text = whole if isinstance(whole, str) else encode(whole).decode("utf-8")
    if out is not None:
        out.write_text(text + "\n", "utf-8")
    shown = {
        "id": made.id,
        "credential": made.credential,
        "chain": list(made.chain),
        "status": {"statusListCredential": made.list_url, "statusListIndex": str(made.index)},
    }
    print_done(shown, made.id if out is not None else text, as_json=as_json)


@app.command()
def revoke(
    db: Database,
    credential: Annotated[str, typer.Option(help="The credential's id.")],
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a credential for ever."""
    with Issuer.open(db, passphrase=read_passphrase(passphrase_fd, passphrase_file), pin=read_pin) as opened:
        changed = opened.revoke(credential)
    text = f"{credential} is revoked" if changed else f"{credential} was revoked before"
    print_done({"id": credential, "changed": changed}, text, as_json=as_json)


@app.command("list")
def list_issued(
    db: Database,
    subject: Annotated[str | None, typer.Option(help="Only those of this DID.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """List what was issued, newest first."""
    with Issuer.open(db, passphrase=read_passphrase(passphrase_fd, passphrase_file), pin=read_pin) as opened:
        rows = [
            {
                "id": entry.credential_id,
                "subject": entry.subject,
                "validUntil": entry.valid_until.isoformat(),
                "revokedAt": None if entry.revoked_at is None else entry.revoked_at.isoformat(),
            }
            for entry in opened.ledger.search(subject=subject, limit=limit)
        ]
    text = "\n".join(f"{row['id']}  {row['subject']}  {'revoked' if row['revokedAt'] else 'good'}" for row in rows)
    print_done({"credentials": rows}, text or "nothing was issued", as_json=as_json)


@app.command()
def publish(
    db: Database,
    out: Annotated[Path, typer.Option(help="The folder to write to.")],
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Write the DID document and the signed status lists as static files, laid out as their URLs are."""
    with Issuer.open(db, passphrase=read_passphrase(passphrase_fd, passphrase_file), pin=read_pin) as opened:
        written = {url: str(place) for url, place in opened.publish(out).items()}
    print_done({"files": written}, "\n".join(f"{url} -> {place}" for url, place in written.items()), as_json=as_json)
