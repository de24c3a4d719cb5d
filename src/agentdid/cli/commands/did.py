"""`agentdid did …`: identifiers made, looked up and linked with domains."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentdid.cli.commands import did_log
from agentdid.cli.options import (
    AsJson,
    Output,
    PassphraseFd,
    PassphraseFile,
    SourcesFile,
    TrustFile,
    now,
    read_algorithm,
    read_duration,
    read_passphrase,
    read_source,
    read_trust,
    write_private,
)
from agentdid.cli.render import print_done, print_json
from agentdid.codec.base import encode_base64url
from agentdid.codec.instant import encode_instant
from agentdid.codec.strict_json import encode
from agentdid.did import jwk as did_jwk
from agentdid.did import key as did_key
from agentdid.did import peer as did_peer
from agentdid.did import web as did_web
from agentdid.did.document import build_document
from agentdid.did.resolve import fragment_of, plan_json
from agentdid.did.result import Resolution
from agentdid.did.syntax import parse_did_url
from agentdid.errors import AgentdidError
from agentdid.keys.pair import PAIR, KeyPair, algorithm_of, generate_secret, public_keys
from agentdid.keys.secret import SecretKey
from agentdid.sources.linkage import find_linkage
from agentdid.sources.resolver import Resolver
from agentdid.trust import linkage
from agentdid.wallet.wallet import Wallet

if TYPE_CHECKING:
    from agentdid.did.result import Dereferencing
    from agentdid.trust.anchors import Trust

app = typer.Typer(help="Make DIDs, resolve them and link them with domains.", no_args_is_help=True)
_METHODS = ("key", "web", "webvh", "jwk", "peer")
_NUMALGOS = (2, 4)


@app.command()
def create(
    method: Annotated[str, typer.Option(help="key, web, webvh, jwk or peer.")] = "key",
    key: Annotated[
        str, typer.Option(help="ed25519, p256, p384, p521, mldsa44, mldsa65, mldsa87, composite, hybrid.")
    ] = "ed25519",
    host: Annotated[str | None, typer.Option(help="For did:web and did:webvh: host, or host:port.")] = None,
    path: Annotated[list[str] | None, typer.Option(help="For the same: a path segment; may be repeated.")] = None,
    numalgo: Annotated[int, typer.Option(help="For did:peer: 4, or 2 with one key for each purpose.")] = 4,
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
        if read_algorithm(key) == PAIR:
            raise ValueError("two keys need --method web or peer")
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
    secret = generate_secret(read_algorithm(key))
    did, document = _make(method, secret, host, path or [], numalgo)
    if wallet is not None:
        passphrase = read_passphrase(passphrase_fd, passphrase_file, new=not wallet.exists())
        opened = Wallet.open if wallet.exists() else Wallet.create
        with opened(wallet, passphrase=passphrase) as held:
            held.add_key(did, secret)
    if out is not None:
        shown = {"did": did, "algorithm": algorithm_of(secret), "seed": encode_base64url(secret.export_seed())}
        write_private(out, encode(shown) + b"\n")
    if wallet is None and out is None:
        typer.echo("the secret key was dropped; keep one with --wallet or --out", err=True)
    print_done({"did": did, "didDocument": document}, did, as_json=as_json)


@app.command()
def resolve(
    did: Annotated[str, typer.Argument(help="The DID, or a DID URL to dereference.")],
    option: Annotated[
        list[str] | None, typer.Option("--option", help="A resolution option, name=value; may be repeated.")
    ] = None,
    sources: SourcesFile = None,
    trust: TrustFile = None,
    marks: did_log.MarksFile = None,
    as_json: AsJson = False,
) -> None:
    """Print the DID resolution result (DID Resolution section 9), or what a DID URL dereferences to (section 10)."""
    if did.startswith("did:webvh:"):
        _resolve_webvh(did, sources, trust, marks, as_json=as_json)
        return
    policy = read_trust(trust)
    resolver = _resolver(sources, policy)
    options: dict[str, object] = {}
    for each in option or []:
        name, mark, value = each.partition("=")
        if not mark:
            message = f"an option is name=value, got {each!r}"
            raise ValueError(message)
        options[name] = value
    outcome: Resolution | Dereferencing
    outcome = resolver.resolve(did, options) if _is_did(did) else resolver.dereference(did, options)
    if outcome.error is None:
        print_json({"outcome": "accepted", "code": None, **outcome.encode()})
        return
    if not as_json:
        raise outcome.error
    error = outcome.error
    print_json({"outcome": error.family, **error.as_problem(), **outcome.encode()})
    raise typer.Exit({"malformed": 4, "undecided": 3}.get(error.family, 1))


@app.command("link-domain")
def link_domain(
    did: Annotated[str, typer.Option("--did", help="The DID.")],
    origin: Annotated[str, typer.Option("--origin", help="The https origin, such as https://example.com.")],
    wallet: Annotated[Path | None, typer.Option(help="Sign with the DID's key in this wallet.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Look up whether they are linked, and sign nothing.")] = False,
    form: Annotated[str, typer.Option("--format", help="jwt or data-integrity.")] = "jwt",
    ttl: Annotated[str, typer.Option(help="How long the linkage is valid.")] = "365d",
    out: Output = None,
    sources: SourcesFile = None,
    trust: TrustFile = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Make what an origin serves at /.well-known/did-configuration.json to say that a DID is its own, or check it."""
    if check == (wallet is not None):
        raise ValueError("expected either --wallet, to sign, or --check")
    if wallet is None:
        policy = read_trust(trust)
        at = now()
        source = read_source(sources, policy, at)
        resolver = Resolver(source, limits=policy.limits, universal=policy.resolver)
        found = find_linkage(did, origin, source=source, resolver=resolver, at=at, limits=policy.limits)
        until = encode_instant(found.expires)
        print_done(
            {"did": did, "origin": origin, "validUntil": until}, f"{origin} and {did} until {until}", as_json=as_json
        )
        return
    with Wallet.open(wallet, passphrase=read_passphrase(passphrase_fd, passphrase_file)) as held:
        signer, method_id = held.signer(did)
        entry = linkage.issue(did, origin, signer, method_id, at=now(), ttl=read_duration(ttl), form=form)
    resource = linkage.build_configuration([entry])
    if out is not None:
        out.write_bytes(encode(resource) + b"\n")
    url = linkage.configuration_url(origin)
    shown = encode(resource).decode() if out is None else f"serve {out} at {url}"
    print_done({"did": did, "url": url, "didConfiguration": resource}, shown, as_json=as_json)


def _make(
    method: str, secret: SecretKey | KeyPair, host: str | None, path: list[str], numalgo: int
) -> tuple[str, dict[str, object]]:
    """Return a DID of a key, or of a pair of keys, and its document."""
    if method not in _METHODS:
        message = f"--method is {', '.join(_METHODS)}, got {method!r}"
        raise ValueError(message)
    if method == "web":
        if host is None:
            raise ValueError("a did:web needs --host")
        name, _, port = host.partition(":")
        did = did_web.create(name, int(port) if port else None, path)
        return did, build_document(did, public_keys(secret, fragment_of(did)))
    key = secret.public
    if isinstance(secret, KeyPair) and (method != "peer" or numalgo != max(_NUMALGOS)):
        raise ValueError("two keys need a DID that lists both: --method web or peer")
    if key.algorithm.multicodec is None and method != "jwk":
        message = f"no multicodec is registered for {key.algorithm.name}; use --method jwk or web"
        raise ValueError(message)
    if method == "key":
        did = did_key.create(key)
    elif method == "jwk":
        did = did_jwk.create(key)
    elif numalgo not in _NUMALGOS:
        raise ValueError("--numalgo is 2 or 4")
    elif numalgo == _NUMALGOS[0]:
        did = did_peer.create2([(purpose, key) for purpose in "VAID"])
    else:
        did = did_peer.create4(did_peer.input_document(*public_keys(secret, did_peer.FRAGMENT).values()))
    document = plan_json(did)
    return did, document  # type: ignore[return-value]  # these three methods compute their documents


def _is_did(text: str) -> bool:
    try:
        return parse_did_url(text).is_did
    except AgentdidError:
        return not set(text) & set("/?#")


def _resolver(sources: Path | None, policy: Trust) -> Resolver:
    return Resolver(read_source(sources, policy, now()), limits=policy.limits, universal=policy.resolver)


def _resolve_webvh(did: str, sources: Path | None, trust: Path | None, marks: Path | None, *, as_json: bool) -> None:
    """Print what a did:webvh, or a DID URL of one with versions or a path, names."""
    try:
        print_json({"outcome": "accepted", "code": None, **did_log.resolve_webvh(did, sources, trust, marks)})
    except AgentdidError as error:
        if not as_json:
            raise
        print_json({"outcome": error.family, **error.as_problem(), **Resolution(None, error).encode()})
        raise typer.Exit({"malformed": 4, "undecided": 3}.get(error.family, 1)) from None
