"""An issuer: its DID and key under seal, credentials minted with a status, revoked, and lists signed and published."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, cast, final
from urllib.parse import urlsplit

from msgspec.json import decode
from sqlalchemy import Column, LargeBinary, MetaData, String, Table, insert, select

from agentdid.clock import Clock, SystemClock
from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.codec.strict_json import encode
from agentdid.delegation.chain import check_connected
from agentdid.delegation.link import ParentLink, build_link, default_form, secure_link
from agentdid.did import key as did_key
from agentdid.did import web as did_web
from agentdid.did.document import build_document
from agentdid.did.syntax import check_did
from agentdid.did.webvh.identifier import parse_identifier
from agentdid.did.webvh.parallel import build_parallel
from agentdid.did.webvh.resolve import document_json
from agentdid.errors import ChainLinkMismatch, DidMethodUnsupported, StoreUnavailable
from agentdid.issuer.status_ledger import StatusLedger, add_tables
from agentdid.keys import pair
from agentdid.keys.jwk import decode_jwk, encode_jwk
from agentdid.keystores.keyring import Keyring
from agentdid.keystores.reference import successor
from agentdid.limits import DEFAULT, HARD_MAX_CHAIN, Limits
from agentdid.proof.suites import find_suite
from agentdid.record import Value
from agentdid.secure import data_integrity, derivation, hybrid, sd_jwt
from agentdid.status.bitstring import build_list_credential
from agentdid.storage.controlled import Controlled, ControlledDids, add_table, is_webvh
from agentdid.storage.engine import reading
from agentdid.storage.sealed import create_sealed, header_table, open_sealed
from agentdid.verify.structure import check_parents, read_chain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy.engine import Connection, Engine

    from agentdid.keys.public import PublicKey
    from agentdid.keys.secret import Signer
    from agentdid.storage.controlled import HeldKey, MakeKey
    from agentdid.storage.vault import Kdf, Vault
    from agentdid.verify.states import Link

_KIND: Final = "issuer"
_BBS: Final = "bbs-2023"
_FRAGMENT: Final = "key-1"
DEFAULT_TTL: Final = timedelta(hours=1)
LIST_LIFE: Final = timedelta(hours=24)
"""How long a signed list may be believed at most; it is signed anew far more often."""
REFRESH_S: Final = 15.0
"""A list is signed anew when it is older than this: well under the 60 s that verifiers allow by default."""

_TABLES: Final = MetaData()
header_table(_TABLES)
add_tables(_TABLES)
add_table(_TABLES)
_IDENTITY: Final = Table(
    "identity",
    _TABLES,
    Column("did", String, primary_key=True),
    Column("base_url", String, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)


@final
class Issued(Value, frozen=True):
    """A freshly minted credential.

    Attributes:
        id: The credential's `id`, by which it is revoked.
        credential: Compact text, or an object with its proof.
        chain: It and every link above it, root first.
        list_url: The status list that speaks of it.
        index: Its entry there.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"credential", "chain"})

    id: str
    credential: str | dict[str, object]
    chain: tuple[str | dict[str, object], ...]
    list_url: str
    index: int


@final
class SignedList(Value, frozen=True):
    """A status list as it is published.

    Attributes:
        url: Where it belongs.
        body: The signed credential, JSON.
        etag: A strong validator of `body`.
        signed_at: When it was signed.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"body"})

    url: str
    body: bytes
    etag: str
    signed_at: datetime


@final
class Issuer:
    """One issuer: open it with `Issuer.open`, make one with `Issuer.create`. Safe among threads."""

    def __init__(
        self,
        engine: Engine,
        vault: Vault,
        *,
        clock: Clock | None = None,
        refresh_s: float = REFRESH_S,
        limits: Limits = DEFAULT,
        keyring: Keyring | None = None,
    ) -> None:
        self._engine = engine
        self._keyring = keyring or Keyring()
        self._clock = clock or SystemClock()
        self._limits = limits
        self._signed: dict[str, tuple[int, SignedList]] = {}
        self.refresh_s = refresh_s
        self.ledger = StatusLedger(engine)
        with reading(engine) as connection:
            rows = connection.execute(select(_IDENTITY)).all()
        if len(rows) != 1:
            raise StoreUnavailable("expected one identity in an issuer's store")
        content = cast("dict[str, Any]", decode(vault.unseal(rows[0].sealed, ("identity", rows[0].did, "sealed"))))
        self.did: str = rows[0].did
        self.base_url: str = rows[0].base_url
        self.controlled: ControlledDids | None = None
        if is_webvh(self.did):
            self.controlled = ControlledDids(engine, vault)
            self._own: tuple[Signer, str] | None = None
        else:
            self._own = (_own_key(content, self._keyring), f"{self.did}#{content['fragment']}")

    @classmethod
    def create(
        cls,
        path: str | Path,
        *,
        passphrase: str,
        did: str | None = None,
        webvh: Controlled | None = None,
        algorithm: str = "Ed25519",
        signer: Signer | None = None,
        reference: str = "",
        base_url: str | None = None,
        kdf: Kdf | None = None,
        clock: Clock | None = None,
        refresh_s: float = REFRESH_S,
    ) -> Self:
        """Return a new issuer with a fresh key, or with one that lives elsewhere, in a file that must not exist.

        Args:
            path: The file.
            passphrase: Seals the key.
            did: A did:web that will be served; by default the did:key of the fresh key.
            webvh: Instead of `did`, a did:webvh from `storage.controlled.make`; `algorithm` is then that of its keys.
            algorithm: Of the fresh key; `keys.pair.HYBRID` for two, under a did:web.
            signer: The key, where it lives elsewhere; the caller closes it. That of `webvh` is named there, too.
            reference: Where that is, a PKCS#11 URI by which `open` finds it; empty: `open` is given the signer.
            base_url: Where status lists will be served, without a trailing slash; for a DID with a host its place by
                default. A did:key without one gets a host that does not exist: its lists are only had offline.
            kdf: The cost of a passphrase guess.
            clock: Tells the time of issue.
            refresh_s: How old a served list may become before it is signed anew.

        Raises:
            StoreUnavailable: The file exists or cannot be made.
            DidInvalid, DidMethodUnsupported: A DID that cannot be issued under.
            ValueError: `base_url` is not an https URL.
        """
        secrets = pair.generate(algorithm) if signer is None else ()
        public = secrets[0].public if signer is None else signer.public
        if len(secrets) > 1 and did is None and webvh is None:
            raise DidMethodUnsupported("two keys need a DID that lists both; give a did:web")
        name = did or did_key.create(public)
        fragment = _FRAGMENT
        if webvh is not None:
            if did is not None:
                raise DidMethodUnsupported("a did:webvh comes with its name; leave the DID out")
            name = webvh.did
        elif name.startswith("did:key:"):
            if did is not None:
                raise DidMethodUnsupported("the key of a did:key is its identifier; leave the DID out")
            fragment = name.removeprefix("did:key:")
        elif check_did(name) != "web":
            raise DidMethodUnsupported("expected a did:web, a did:webvh that was made, or none for a did:key")
        place = _base_url(name, base_url)

        def fill(connection: Connection, vault: Vault) -> None:
            own: dict[str, object] = {"fragment": fragment}
            if signer is not None:
                own |= {"public": encode_jwk(public), "reference": reference}
            else:
                own |= {"algorithm": algorithm, "seed": encode_base64url(pair.seed_of(secrets))}
            # the keys of a did:webvh change, and have a table of their own
            content = encode(own if webvh is None else {})
            connection.execute(
                insert(_IDENTITY).values(
                    did=name, base_url=place, sealed=vault.seal(content, ("identity", name, "sealed"))
                )
            )
            if webvh is not None:
                ControlledDids.insert(connection, vault, webvh)

        engine, vault = create_sealed(path, _KIND, _TABLES, passphrase.encode(), kdf, fill)
        keyring = Keyring(() if signer is None else (signer,))
        return cls(engine, vault, clock=clock, refresh_s=refresh_s, keyring=keyring)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        passphrase: str,
        clock: Clock | None = None,
        refresh_s: float = REFRESH_S,
        limits: Limits = DEFAULT,
        signer: Signer | None = None,
        pin: Callable[[], str] | None = None,
    ) -> Self:
        """Return an existing issuer.

        Args:
            path: The file.
            passphrase: What it was made with.
            clock: Tells the time of issue.
            refresh_s: As `create`.
            limits: Of chains that are extended.
            signer: Its key, where that lives elsewhere and the store does not say where.
            pin: Asked for a token's PIN, where the store says where the key lives and not where its PIN is.

        Raises:
            StoreLocked, StoreTampered, StoreUnavailable: By the file, or by the token that the key lives in.
            KeyInvalid: The token has another key in its place.
        """
        engine, vault = open_sealed(path, _KIND, passphrase.encode())
        keyring = Keyring(() if signer is None else (signer,), pin)
        try:
            return cls(engine, vault, clock=clock, refresh_s=refresh_s, limits=limits, keyring=keyring)
        except BaseException:
            engine.dispose()
            keyring.close()
            raise

    def close(self) -> None:
        """Let go of the file, and of the token that was opened for it."""
        self._engine.dispose()
        self._keyring.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def document_path(self) -> str | None:
        """The path under which did.json is served; `None` for a did:key, which is its own document."""
        return urlsplit(did_web.url(self.did)).path if self.did.startswith(did_web.PREFIX) else None

    def did_document(self) -> dict[str, object]:
        """Return the issuer's DID document."""
        if self.controlled is not None:
            return document_json(self.controlled.find(self.did).published().latest)
        secret, method_id = self._signing(self._clock.now())
        return build_document(self.did, pair.public_keys(secret, method_id.partition("#")[2]))

    def did_files(self) -> dict[str, tuple[bytes, str]]:
        """Return what the DID publishes: URL → body and media type; nothing for a did:key.

        Raises:
            DidWitnessThreshold: The first entry of a did:webvh is not approved yet.
        """
        if self.controlled is not None:
            held = self.controlled.find(self.did)
            files = {
                url: (body, "text/jsonl" if url.endswith(".jsonl") else "application/json")
                for url, body in held.files().items()
            }
            web = encode(build_parallel(held.published().latest))
            return {**files, did_web.url(parse_identifier(self.did).web): (web, "application/did+json")}
        if self.document_path is None:
            return {}
        return {did_web.url(self.did): (encode(self.did_document()), "application/did+json")}

    def rotate(self, *, compromised: bool = False, signer: Signer | None = None) -> None:
        """Give a did:webvh fresh keys; what the old ones signed stays good, unless they were compromised.

        A signing key that lives in a token gets its successor there, under a label of its own.

        Args:
            compromised: Whether the keys until now are.
            signer: The fresh signing key, where it lives elsewhere.

        Raises:
            DidMethodUnsupported: The DID has no history: a did:key is its key.
            StoreUnavailable: The key lives elsewhere, and no fresh one can be had there.
            DidDeactivated, DidWitnessThreshold, ValueError: As `storage.controlled.ControlledDids.rotate`.
        """
        if self.controlled is None:
            raise DidMethodUnsupported("only a did:webvh rotates")
        at = self._clock.now()
        listed = self.controlled.find_keys(self.did).signing  # none at the DID's end
        make_key: MakeKey | None = self._make_key if listed and listed[-1].reference else None
        if signer is not None:
            self._keyring.give(signer)
            public = signer.public
            make_key = lambda _newest, _fragment: (public, "")  # noqa: E731  # one of two

        self.controlled.rotate(
            self.did, at=at, needed_until=self.ledger.latest_end, compromised=compromised, make_key=make_key
        )

    def _make_key(self, newest: HeldKey, fragment: str) -> tuple[PublicKey, str]:
        reference = successor(newest.reference, fragment)
        return self._keyring.make(newest.algorithm, reference), reference

    def _signing(self, at: datetime) -> tuple[Signer, str]:
        """Return the key to sign with, and its method's id; read anew, as another process may have rotated."""
        if self.controlled is None:
            return self._own  # type: ignore[return-value]  # set where there is no `controlled`
        held = self.controlled.find_keys(self.did).signer(at)
        if held.shown:
            return self._keyring.find(held.public(), held.reference), f"{self.did}#{held.fragment}"
        return pair.as_signer(tuple(key for _, key in held.secrets())), f"{self.did}#{held.fragment}"

    def issue(
        self,
        *,
        to: str,
        capability: Mapping[str, object],
        parent: Sequence[str | dict[str, object]] | None = None,
        claims: Mapping[str, object] | None = None,
        disclosable: Sequence[tuple[str | int, ...]] = (),
        ttl: timedelta = DEFAULT_TTL,
        form: str | None = None,
        idempotency_key: str | None = None,
    ) -> Issued:
        """Mint a capability credential with a status entry.

        Args:
            to: The DID that may use it.
            capability: PROTOCOL section 1's `capability`; `parent` and `delegation.depth` are filled in.
            parent: The chain it hangs on, root first, whose leaf was issued to this issuer.
            claims: More claims about the subject.
            disclosable: Paths the holder may withhold, beside every grant.
            ttl: How long it is valid.
            form: One of `delegation.link.FORMATS`; by default the first, for a pair of keys `hybrid-set`.
            idempotency_key: The same key names the same status entry and credential id again.

        Raises:
            TypeMismatch, CapabilityUnknownCaveat: The capability has not the form of the specification.
            CapabilityNotAttenuated, CapabilityExpandedTime, DelegationForbidden, ChainLinkMismatch: Not narrower.
            SdClaimNotAllowed, ValueError: Disclosable paths that may not be, an unknown form, no positive ttl.
        """
        if ttl <= timedelta(0):
            message = "ttl must be positive"
            raise ValueError(message)
        check_did(to)
        now = self._clock.now()
        secret, method_id = self._signing(now)
        form = form or default_form(secret)
        at = now.replace(microsecond=0)
        above = () if parent is None else read_chain(list(parent), self._limits)
        leaf = above[-1] if above else None
        if parent is not None:
            _check_above(above)
        hangs_on = None
        if leaf is not None and leaf.capability is not None:
            hangs_on = ParentLink(leaf.credential, leaf.capability, leaf.secured.digest)
        credential_id = f"urn:uuid:{uuid.uuid4()}"
        # a dry run first: what is refused burns no index
        draft = build_link(
            issuer=self.did, subject=to, capability=capability, at=at, ttl=ttl, parent=hangs_on, claims=claims,
            credential_id=credential_id, limits=self._limits,
        )  # fmt: skip
        secure_link(draft, secret, method_id, form=form, at=at, disclosable=disclosable)
        entry = self.ledger.allot(
            credential_id, to, issued_at=at, valid_until=at + ttl, idempotency_key=idempotency_key
        )
        url = self.list_url(entry.list_id)
        document = {**draft, "id": entry.credential_id, "credentialStatus": _status(url, entry.index)}
        credential = secure_link(document, secret, method_id, form=form, at=at, disclosable=disclosable)
        chain = (*(link.secured.wire for link in above), credential)
        return Issued(entry.credential_id, credential, chain, url, entry.index)

    def revoke(self, credential_id: str) -> bool:
        """Revoke a credential for ever; return whether it was good until now. Raises `CredentialNotFound`."""
        return self.ledger.revoke(credential_id, at=self._clock.now())

    def list_url(self, list_id: str) -> str:
        """Return the URL of a status list."""
        return f"{self.base_url}/status/{list_id}"

    def signed_list(self, list_id: str) -> SignedList:
        """Return a status list, signed anew when its bits changed or its signature is older than `refresh_s`.

        Raises:
            CredentialNotFound: No such list.
        """
        now = self._clock.now()
        version = self.ledger.version(list_id)
        held = self._signed.get(list_id)
        if held is not None and held[0] == version and now - held[1].signed_at < timedelta(seconds=self.refresh_s):
            return held[1]
        bits, version = self.ledger.bits(list_id)
        url = self.list_url(list_id)
        document = build_list_credential(
            url,
            self.did,
            ["revocation"],
            bits,
            valid_from=now.replace(microsecond=0),
            valid_until=now.replace(microsecond=0) + LIST_LIFE,
            ttl_s=self.refresh_s,
        )
        body = self._sign_list(document, now)
        signed = SignedList(url, body, f'"{hashlib.sha256(body).hexdigest()[:32]}"', now)
        self._signed[list_id] = (version, signed)
        return signed

    def publish(self, folder: Path) -> dict[str, Path]:
        """Write the DID document and every status list as files, laid out as their URLs are.

        Returns:
            URL → file, written so that a reader sees the old content or the new one, whole.
        """
        contents = {self.list_url(list_id): self.signed_list(list_id).body for list_id in self.ledger.lists()}
        contents.update({url: body for url, (body, _) in self.did_files().items()})
        written = {}
        for url, body in contents.items():
            place = folder / urlsplit(url).path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            making = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
            making.write_bytes(body)
            making.replace(place)
            written[url] = place
        return written

    def _sign_list(self, document: dict[str, object], at: datetime) -> bytes:
        secret, method_id = self._signing(at)
        if isinstance(secret, pair.KeyPair):
            return encode(hybrid.add_set(document, secret, method_id, created=at))
        suite = find_suite(secret.public.algorithm.name)
        if suite is None and not secret.public.algorithm.verifies:
            # a key that only selective suites sign with: nothing of a list can be hidden
            signed = derivation.add_base_proof(document, secret, method_id, _BBS, pointers=[""], created=at)
            return encode(derivation.derive(signed, []))
        if suite is None:
            # no Data Integrity suite for this key yet: the list is an SD-JWT credential without disclosures
            claims: dict[str, object] = {"iat": int(at.timestamp())}
            return sd_jwt.issue(document, secret, method_id, claims=claims).encode("ascii")
        return encode(data_integrity.add_proof(document, secret, method_id, suite, created=at))


def _own_key(content: dict[str, Any], keyring: Keyring) -> Signer:
    if "seed" in content:
        return pair.as_signer(pair.load(content["algorithm"], decode_base64url(content["seed"])))
    return keyring.find(decode_jwk(content["public"]), content["reference"])


def _check_above(above: Sequence[Link]) -> None:
    """Hold that what a link shall hang on is one chain of capabilities. Raises `ChainLinkMismatch`, `ChainTooDeep`."""
    chain = [(link.credential, link.capability) for link in above if link.capability is not None]
    if not chain or len(chain) != len(above):
        raise ChainLinkMismatch("expected a chain of capability credentials as the parent")
    check_parents((*above, above[-1]))
    check_connected(chain, Limits(max_chain=HARD_MAX_CHAIN))  # how long a chain may be is each verifier's own to say


def _base_url(did: str, base_url: str | None) -> str:
    if base_url is not None:
        parts = urlsplit(base_url)
        if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
            message = "base_url must be an https URL"
            raise ValueError(message)
        return base_url.rstrip("/")
    if is_webvh(did):
        return parse_identifier(did).base_url.rstrip("/")
    if did.startswith(did_web.PREFIX):
        return did_web.url(did).removesuffix("/did.json").removesuffix("/.well-known")
    # RFC 6761 §6.4: a name that resolves nowhere, so these lists are had from files only
    return f"https://{hashlib.sha256(did.encode()).hexdigest()[:20]}.invalid"


def _status(url: str, index: int) -> dict[str, object]:
    return {
        "id": f"{url}#{index}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": str(index),
        "statusListCredential": url,
    }
