"""`agentdid did …`: identifiers made, looked up and linked with domains."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentdid.cli.commands import did_log
from agentdid.cli.options import (
    AsJson,
    KeyUri,
    MarksFile,
    NewKey,
    Output,
    PassphraseFd,
    PassphraseFile,
    SourcesFile,
    TrustFile,
    now,
    read_algorithm,
    read_duration,
    read_passphrase,
    read_pin,
    read_resolver,
    read_signer,
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
from agentdid.did.dereference import VERSIONING
from agentdid.did.document import build_document
from agentdid.did.resolve import fragment_of, plan_json
from agentdid.did.syntax import MAX_DID, parse_did_url
from agentdid.errors import AgentdidError
from agentdid.keys import pair
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.pair import HYBRID
from agentdid.sources.linkage import find_linkage
from agentdid.sources.resolver import Resolver
from agentdid.trust import linkage
from agentdid.wallet.wallet import Wallet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentdid.did.result import Dereferencing, Resolution
    from agentdid.did.syntax import DidUrl
    from agentdid.keys.public import PublicKey

app = typer.Typer(help="Make DIDs, resolve them and link them with domains.", no_args_is_help=True)
_METHODS = ("key", "web", "webvh", "jwk", "peer")
_NUMALGOS = (2, 4)
_PURPOSES = "VAID"


@app.command()
def create(
    method: Annotated[str, typer.Option(help="key, web, webvh, jwk or peer.")] = "key",
    key: Annotated[
        str,
        typer.Option(
            help="ed25519, p256, p384, p521, mldsa44, mldsa65, mldsa87, composite, composite65; hybrid: two keys."
        ),
    ] = "ed25519",
    host: Annotated[str | None, typer.Option(help="For did:web and did:webvh: host, or host:port.")] = None,
    path: Annotated[list[str] | None, typer.Option(help="For the same: a path segment; may be repeated.")] = None,
    numalgo: Annotated[int, typer.Option(help="For did:peer: 4, or 2 with one key for each purpose.")] = 4,
    portable: Annotated[bool, typer.Option(help="For did:webvh: it may move to another host.")] = False,
    witness: Annotated[list[str] | None, typer.Option(help="For did:webvh: a witness's did:key; repeatable.")] = None,
    threshold: Annotated[int | None, typer.Option(help="How many witnesses approve an entry; by default all.")] = None,
    pre_rotation: Annotated[bool, typer.Option(help="For did:webvh: commit to the next update key.")] = True,
    signer: KeyUri = None,
    new_key: NewKey = False,
    wallet: Annotated[Path | None, typer.Option(help="Keep the key in this wallet, made if it is not there.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the secret key to this new file (0600).")] = None,
    passphrase_fd: PassphraseFd = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a DID with a fresh key; the key goes into a wallet, into a file, or nowhere."""
    algorithm = HYBRID if key == "hybrid" else read_algorithm(key)
    if method not in _METHODS:
        message = f"--method is {', '.join(_METHODS)}, got {method!r}"
        raise ValueError(message)
    _check_combination(method, numalgo, algorithm)
    if signer is not None and (wallet is None or out is not None or method == "webvh" or algorithm == HYBRID):
        raise ValueError("--signer goes with --wallet, which keeps where the one key is, and with no did:webvh")
    if method == "webvh":
        if out is not None:
            raise ValueError("the keys of a did:webvh are kept in a wallet: use --wallet without --out")
        did_log.create_webvh(
            algorithm=algorithm,
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
    with read_signer(signer, algorithm, new=new_key) as elsewhere:
        secrets = pair.generate(algorithm) if elsewhere is None else ()
        keys = [each.public for each in secrets] if elsewhere is None else [elsewhere.public]
        _check_combination(method, numalgo, keys[0].algorithm.name if elsewhere is not None else algorithm)
        did, document = _make(method, keys, host, path or [], numalgo)
        if wallet is not None:
            passphrase = read_passphrase(passphrase_fd, passphrase_file, new=not wallet.exists())
            opened = Wallet.open if wallet.exists() else Wallet.create
            with opened(wallet, passphrase=passphrase) as held:
                if elsewhere is None:
                    held.add_keys(did, secrets)
                else:
                    held.add_signer(elsewhere, did=did, reference=signer or "")
    if out is not None:
        shown = {"did": did, "algorithm": algorithm, "seed": encode_base64url(pair.seed_of(secrets))}
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
    marks: MarksFile = None,
    as_json: AsJson = False,
) -> None:
    """Print the DID resolution result (DID Resolution section 9), or what a DID URL dereferences to (section 10)."""
    resolver = read_resolver(sources, read_trust(trust), marks)
    options = _read_options(option or [])
    try:
        url: DidUrl | None = parse_did_url(did)
    except AgentdidError:
        url = None
    outcome: Resolution | Dereferencing
    if url is not None and not (url.path or url.fragment) and url.parameters.keys() <= set(VERSIONING):
        # the version of a DID is an option of its resolution
        outcome = resolver.resolve(url.did, {**options, **url.parameters})
    elif url is None and not set(did) & set("/?#"):
        outcome = resolver.resolve(did, options)
    else:
        outcome = resolver.dereference(did, options)
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
    with Wallet.open(wallet, passphrase=read_passphrase(passphrase_fd, passphrase_file), pin=read_pin) as held:
        signer, method_id = held.signer(did)
        entry = linkage.issue(did, origin, signer, method_id, at=now(), ttl=read_duration(ttl), form=form)
    resource = linkage.build_configuration([entry])
    if out is not None:
        out.write_bytes(encode(resource) + b"\n")
    url = linkage.configuration_url(origin)
    shown = encode(resource).decode() if out is None else f"serve {out} at {url}"
    print_done({"did": did, "url": url, "didConfiguration": resource}, shown, as_json=as_json)


def _check_combination(method: str, numalgo: int, algorithm: str) -> None:
    """Hold that a method can carry a key. Raises `ValueError`, which names the methods that can."""
    if method == "peer" and numalgo not in _NUMALGOS:
        raise ValueError("--numalgo is 2 or 4")
    if algorithm == HYBRID and method in ("key", "jwk"):
        message = f"a did:{method} is one key, and hybrid is two; use --method web, webvh or peer"
        raise ValueError(message)
    row = ALGORITHMS.get(algorithm)
    if row is not None and row.multicodec is None and (method == "key" or (method, numalgo) == ("peer", 2)):
        message = f"no multicodec is registered for {algorithm}; use --method jwk, web, webvh or peer --numalgo 4"
        raise ValueError(message)
    # four times the key, one for each purpose, is more than a DID may have
    if row is not None and (method, numalgo) == ("peer", 2) and 4 * len(_PURPOSES) * row.public_len > 3 * MAX_DID:
        message = f"a did:peer:2 with {len(_PURPOSES)} keys of {algorithm} is longer than a DID may be; use --numalgo 4"
        raise ValueError(message)


def _make(
    method: str, keys: Sequence[PublicKey], host: str | None, path: list[str], numalgo: int
) -> tuple[str, dict[str, object]]:
    """Return a DID of a key, or of two beside each other, and its document."""
    if method == "web":
        if host is None:
            raise ValueError("a did:web needs --host")
        name, _, port = host.partition(":")
        did = did_web.create(name, int(port) if port else None, path)
        first = fragment_of(did)
        return did, build_document(did, {first + pair.SUFFIX * at: key for at, key in enumerate(keys)})
    if method == "key":
        did = did_key.create(keys[0])
    elif method == "jwk":
        did = did_jwk.create(keys[0])
    elif numalgo == _NUMALGOS[0]:
        did = did_peer.create2([(purpose, key) for key in keys for purpose in _PURPOSES])
    else:
        did = did_peer.create4(did_peer.input_document(*keys))
    document = plan_json(did)
    return did, document  # type: ignore[return-value]  # these three methods compute their documents


def _read_options(given: list[str]) -> dict[str, object]:
    """Return the resolution options that are written as name=value. Raises `ValueError`."""
    options: dict[str, object] = {}
    for each in given:
        name, mark, value = each.partition("=")
        if not mark:
            message = f"an option is name=value, got {each!r}"
            raise ValueError(message)
        options[name] = value
    return options
