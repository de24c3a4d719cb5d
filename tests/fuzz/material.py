"""Honest inputs of every kind, made by the library from fixed seeds, and the examples of our specifications."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import cache, wraps
from hashlib import shake_256
from itertools import count
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar
from unittest.mock import patch

from agentdid.codec.base import decode_base64url
from agentdid.codec.strict_json import encode
from agentdid.did import jwk as did_jwk
from agentdid.did import key as did_key
from agentdid.did import peer
from agentdid.keys.secret import SecretKey
from agentdid.limits import DEFAULT
from agentdid.proof.suites import SUITES
from agentdid.secure import cose, data_integrity, derivation, hybrid, sd_jwt, sd_jwt_vc, vc_jwt
from agentdid.secure.key_binding import bind
from agentdid.status import staple
from tests.forgery import badge
from tests.vectors_dir import FOLDER, ROOT
from tests.world import AUDIENCE, BLS, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

EXAMPLES: Final = ROOT / "specs" / "examples"
CHALLENGE: Final = "n-0S6_WzA2Mj"
MAX_SEED: Final = 40_000


_P = ParamSpec("_P")
_R = TypeVar("_R")


def _steady(make: Callable[_P, _R]) -> Callable[_P, _R]:
    """Have what is made be the same in every process: what one accepts another must know as its own."""

    @wraps(make)
    def made(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        make(*args, **kwargs)  # what is imported now, and may draw for itself, is not imported below
        numbers = count()
        name = f"{make.__name__}{args}{kwargs}"
        with patch("os.urandom", lambda size: shake_256(f"{name}{next(numbers)}".encode()).digest(size)):
            return make(*args, **kwargs)

    return made


@cache
def world() -> World:
    """One world for all targets; nothing that an input causes changes it."""
    return World()


def text_of(data: bytes) -> str:
    """Any text: UTF-8 where it is, else a character an octet."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def json_of(data: bytes) -> Any:  # noqa: ANN401  # any JSON
    """The strict JSON that an input is, as every document comes in; raises what the parser raises."""
    from agentdid.codec.strict_json import parse  # noqa: PLC0415  # beside its caller

    return parse(data).value


def examples(*suffixes: str) -> Iterator[bytes]:
    """What our specifications show."""
    for each in sorted(EXAMPLES.iterdir()):
        if each.suffix in suffixes:
            yield each.read_bytes().strip()


def published(folder: str, pattern: str = "*.json", most: int = 40, *, having: str = "") -> Iterator[bytes]:
    """Official vectors, where they are: seeds only, so their absence is no fault.

    Args:
        folder: Of the vectors.
        pattern: Of the files in it.
        most: How many at most, spread over all there are.
        having: Every object in the files that has this member, in place of the files themselves.
    """
    found: list[Path] = sorted((FOLDER / folder).rglob(pattern)) if (FOLDER / folder).is_dir() else []
    kept = [each.read_bytes() for each in found]
    if having:
        kept = [encode(one) for each in kept for one in _objects(_lenient(each)) if having in one]
    kept = [each for each in kept if len(each) < MAX_SEED]
    yield from kept[:: max(1, len(kept) // most)][:most]


def _lenient(data: bytes) -> object:
    try:
        return json.loads(data)
    except ValueError:
        return None


def _objects(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(each)


@cache
def keys() -> dict[str, SecretKey]:
    """A key of each algorithm that signs here."""
    sizes = {"Ed25519": 32, "P-256": 32, "P-384": 48, "ML-DSA-44": 32, "X25519": 32}
    return {name: SecretKey.from_seed(name, b"\x07" * size) for name, size in sizes.items()}


def dids() -> list[str]:
    """DIDs of every method."""
    made = [did_key.create(each.public) for each in keys().values()]
    made += [did_jwk.create(each.public) for name, each in keys().items() if name != "X25519"]
    public = keys()["Ed25519"].public
    made.append(
        peer.create2(
            [("V", public), ("E", keys()["X25519"].public)], [{"type": "dm", "serviceEndpoint": "https://a.example"}]
        )
    )
    made.append(peer.create4(peer.input_document(public)))
    return [
        *made,
        "did:web:acme.example",
        "did:web:acme.example%3A8443:users:1",
        "did:peer:0z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH",
        "did:webvh:QmdmPkUdYzbr9txmx8gM2rsHPgr5L6m3gHjJGAf4vUFoGE:acme.example:x",
    ]


def credential(**changes: object) -> dict[str, Any]:
    """A credential with most members that one may have."""
    here = world()
    return (
        badge(here)
        | {
            "credentialStatus": here.status(here.acme, 7),
            "name": "Badge",
            "description": {"@value": "for work", "@language": "en"},
            "evidence": [{"id": "urn:x:1", "type": "Evidence"}],
            "termsOfUse": {"type": "Terms", "id": "https://acme.example/terms"},
            "relatedResource": [{"id": "https://www.w3.org/ns/credentials/v2", "digestSRI": "sha384-" + "A" * 64}],
        }
        | changes
    )


@cache
@_steady
def chain(form: str = "vc+sd-jwt") -> tuple[str | dict[str, object], ...]:
    """A chain of two links: from acme to its agent, from there to the helper."""
    here = world()
    root = here.root(form=form)
    return tuple(here.child(root, here.agent, here.helper, form=form))


@cache
@_steady
def secured(form: str) -> bytes:
    """A credential by acme under a suite or as a token."""
    here = world()
    document, signer, method = badge(here), here.acme.secret, here.acme.method_id
    if form == "vc+sd-jwt":
        return sd_jwt.issue(document, signer, method, disclosable=[("credentialSubject", "name")]).encode()
    if form == "vc+jwt":
        return vc_jwt.issue(document, signer, method).encode()
    if form == "vc+cose":
        return cose.issue(document, signer, method)
    if form == "dc+sd-jwt":
        claims = {"vct": "https://acme.example/badge", "iss": here.acme.did, "name": "Ada", "iat": 1_764_000_000}
        return sd_jwt_vc.issue(claims, signer, method, disclosable=[("name",)]).encode()
    created = here.now - timedelta(seconds=30)
    algorithm = {"ecdsa": "P-256", "bbs-2": BLS, "mldsa": "ML-DSA-44"}.get(form[:5], "Ed25519")
    if form == "hybrid-set":
        party = here.party("pair", algorithm="Ed25519+ML-DSA-44")
        return encode(hybrid.add_set(document | {"issuer": party.did}, party.secret, party.method_id, created=created))
    party = here.party("signer", algorithm=algorithm)
    document |= {"issuer": party.did}
    if form not in ("eddsa-jcs-2022", "ecdsa-jcs-2019", "mldsa44-jcs-2024"):  # what stands in RDF only contexts define
        document |= {"type": ["VerifiableCredential"], "credentialSubject": {"id": here.agent.did, "name": "Ada"}}
    if form in ("ecdsa-sd-2023", "bbs-2023"):
        whole = derivation.add_base_proof(
            document, party.secret, party.method_id, form, pointers=["/issuer"], created=created
        )
        return encode(derivation.derive(whole, ["/credentialSubject/name"]))
    return encode(data_integrity.add_proof(document, party.secret, party.method_id, SUITES[form], created=created))


TOKENS: Final = ("vc+sd-jwt", "vc+jwt", "dc+sd-jwt")
PROOFS: Final = (
    "eddsa-jcs-2022",
    "eddsa-rdfc-2022",
    "ecdsa-jcs-2019",
    "ecdsa-rdfc-2019",
    "mldsa44-jcs-2024",
    "hybrid-set",
)
DERIVED: Final = ("ecdsa-sd-2023", "bbs-2023")


@cache
@_steady
def presentations() -> tuple[bytes, ...]:
    """Presentations of chains in each form, all for one challenge."""
    here = world()
    single = here.present(here.root())
    double = here.present(list(chain()), here.helper)
    proofs = here.present(list(chain("eddsa-jcs-2022")), here.helper, form="eddsa-jcs-2022")
    return tuple(each.encode() for each in (single, double, proofs))


def key_bound() -> bytes:
    """An SD-JWT with its key binding."""
    here = world()
    token = sd_jwt.issue(badge(here), here.acme.secret, here.acme.method_id)
    return bind(
        token, here.agent.secret, here.agent.method_id, audience=AUDIENCE, nonce=CHALLENGE, at=here.now
    ).encode()


def staple_token() -> bytes:
    """A stapled status of acme's."""
    here = world()
    return staple.sign_staple(
        here.acme.list_url,
        7,
        "revocation",
        0,
        here.acme.secret,
        here.acme.method_id,
        at=here.now,
        life=timedelta(minutes=5),
    ).encode()


def payload(token: bytes) -> dict[str, Any]:
    """What the first segment but one of a token holds."""
    found: dict[str, Any] = json.loads(decode_base64url(token.decode().split(".")[1]))
    return found


LIMITS: Final = DEFAULT
