"""An issuer: its DID and key under seal, credentials minted with a status, revoked, and lists signed and published."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self, cast, final
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
from agentdid.errors import (
    AgentdidError,
    ChainLinkMismatch,
    CredentialExists,
    DidMethodUnsupported,
    StoreUnavailable,
    TypeMismatch,
)
from agentdid.issuer.ledger_tables import REVOCATION, SUSPENSION, Entry, add_tables
from agentdid.issuer.lists import JWT, Lists, SignedList, write_file
from agentdid.issuer.orders import BITSTRING, DEFAULT_TTL, TOKEN_LIST, Blank, Draft, Issued, Order, chunks
from agentdid.issuer.status_ledger import StatusLedger, Wanted, Which
from agentdid.keys import pair
from agentdid.keys.jwk import decode_jwk, encode_jwk
from agentdid.keystores.keyring import Keyring
from agentdid.keystores.reference import successor
from agentdid.limits import DEFAULT, HARD_MAX_CHAIN, Limits
from agentdid.status.token_list import build_reference
from agentdid.storage.controlled import Controlled, is_webvh
from agentdid.storage.controlled_dids import ControlledDids, add_table
from agentdid.storage.engine import reading
from agentdid.storage.sealed import create_sealed, header_table, open_sealed
from agentdid.verify.structure import check_parents, read_chain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy.engine import Connection, Engine

    from agentdid.audit.head import Audit
    from agentdid.keys.public import PublicKey
    from agentdid.keys.secret import SecretKey, Signer
    from agentdid.storage.held_keys import HeldKey, MakeKey
    from agentdid.storage.vault import Kdf, Vault
    from agentdid.verify.states import Link

_KIND: Final = "issuer"
_FRAGMENT: Final = "key-1"
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
class Issuer:
    """One issuer: open it with `Issuer.open`, make one with `Issuer.create`. Safe among threads.

    Attributes:
        audit: The log in which every issuance, revocation, suspension, reinstatement and rotation stands before it is
            answered, such as `storage.audit_log.AuditLog`; may be set at any time.
    """

    def __init__(
        self,
        engine: Engine,
        vault: Vault,
        *,
        clock: Clock | None = None,
        refresh_s: float = REFRESH_S,
        limits: Limits = DEFAULT,
        keyring: Keyring | None = None,
        audit: Audit | None = None,
    ) -> None:
        self._engine = engine
        self.audit = audit
        self._keyring = keyring or Keyring()
        self._clock = clock or SystemClock()
        self._limits = limits
        self._vault = vault
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
        self.lists = Lists(self.ledger, self.did, self.base_url, self._signing, self._clock, refresh_s)

    @property
    def clock(self) -> Clock:
        """What tells the time of issue."""
        return self._clock

    @property
    def refresh_s(self) -> float:
        """A list is signed anew when it is older than this."""
        return self.lists.refresh_s

    @refresh_s.setter
    def refresh_s(self, seconds: float) -> None:
        """Sign lists anew when they are older than this."""
        self.lists.refresh_s = seconds

    @classmethod
    def create(
        cls,
        path: str | Path,
        *,
        passphrase: str,
        did: str | None = None,
        webvh: Controlled | None = None,
        algorithm: str = "Ed25519",
        secret: SecretKey | None = None,
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
            secret: The key, where the DID has one already: a wallet's DID whose delegations shall have a status.
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
            ValueError: `base_url` is not an https URL; a reference without a signer.
        """
        if reference and signer is None:
            raise ValueError("a reference goes with the signer that it names")
        secrets: tuple[SecretKey, ...] = ()
        if signer is None:
            secrets = pair.generate(algorithm) if secret is None else (secret,)
        public = secrets[0].public if signer is None else signer.public
        if len(secrets) > 1:
            if did is None and webvh is None:
                raise DidMethodUnsupported("two keys need a DID that lists both; give a did:web")
        else:
            algorithm = public.algorithm.name
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
        audit: Audit | None = None,
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
            audit: The log in which its acts stand.

        Raises:
            StoreLocked, StoreTampered, StoreUnavailable: By the file, or by the token that the key lives in.
            KeyInvalid: The token has another key in its place.
        """
        engine, vault = open_sealed(path, _KIND, passphrase.encode())
        keyring = Keyring(() if signer is None else (signer,), pin)
        try:
            return cls(engine, vault, clock=clock, refresh_s=refresh_s, limits=limits, keyring=keyring, audit=audit)
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
        if self.audit is not None:
            from agentdid.issuer.accounts import rotation_of  # noqa: PLC0415  # who keeps no log needs no records

            self.audit.append(rotation_of(self.did, at, compromised=compromised))

    def _make_key(self, newest: HeldKey, fragment: str) -> tuple[PublicKey, str]:
        reference = successor(newest.reference, fragment)
        return self._keyring.make(newest.algorithm, reference), reference

    def signing_key(self, at: datetime | None = None) -> tuple[Signer, str]:
        """Return the key that signs at an instant, by default now, and its method's id: for what no ledger mints."""
        return self._signing(self._clock.now() if at is None else at)

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
        status: str = BITSTRING,
        suspendable: bool = True,
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
            status: Where its status stands: in a `bitstring` list, or in a `token` status list (SD-JWTs only).
            suspendable: Whether it can be suspended and reinstated, and not only revoked.
            idempotency_key: The same key with the same order gives the same credential again, and no second entry.

        Raises:
            TypeMismatch, CapabilityUnknownCaveat: The capability has not the form of the specification.
            CapabilityNotAttenuated, CapabilityExpandedTime, DelegationForbidden, ChainLinkMismatch: Not narrower.
            SdClaimNotAllowed, ValueError: Disclosable paths that may not be, an unknown form, no positive ttl.
            CredentialExists: The idempotency key was used for another order.
        """
        return self.issue_order(
            Order(to, capability, parent, claims, disclosable, ttl, form, status, suspendable, idempotency_key)
        )

    def issue_order(self, order: Order) -> Issued:
        """As `issue`, of what is asked for in one value."""
        known = self._find_issued(order)
        if known is not None and isinstance(known, Issued):
            self._record_issued([known])  # again: the record of the first time may be what failed
            return known
        draft = self._draft(order)
        entry = known or self.ledger.allot_wanted(draft.wanted)
        made = self._mint(draft, entry)
        self._record_issued([made])
        return made

    def issue_many(self, orders: Iterable[Order], *, chunk: int = 100) -> Iterator[Issued | AgentdidError]:
        """Issue a batch; yield for each order, in their order, what was issued or why it was not.

        Orders are taken, and entries allotted, `chunk` at a time: memory does not grow with their number, and what was
        yielded stands whatever comes after. What is refused burns no entry.

        Args:
            orders: Any number, asked for as they are needed.
            chunk: How many share a commit.
        """
        for some in chunks(orders, chunk):
            answers: list[Issued | AgentdidError | Draft] = []
            for order in some:
                try:
                    known = self._find_issued(order)
                    answers.append(known if isinstance(known, Issued) else self._draft(order))
                except AgentdidError as error:
                    answers.append(error)
                except ValueError as error:
                    answers.append(TypeMismatch(str(error)))
            drafts = [each for each in answers if isinstance(each, Draft)]
            entries = iter(self.ledger.allot_many([each.wanted for each in drafts]))
            if self.audit is None:
                for each in answers:
                    yield self._mint(each, next(entries)) if isinstance(each, Draft) else each
                continue
            made = [self._mint(each, next(entries)) if isinstance(each, Draft) else each for each in answers]
            self._record_issued([each for each in made if isinstance(each, Issued)])
            yield from made

    def revoke(self, credential_id: str, *, reason: str | None = None) -> bool:
        """Revoke a credential for ever; return whether it was good until now. Raises `CredentialNotFound`."""
        return self._act("revoke", credential_id, reason)

    def suspend(self, credential_id: str, *, reason: str | None = None) -> bool:
        """Suspend a credential until it is reinstated; return whether it was not suspended until now.

        Raises:
            CredentialNotFound, RevocationFinal, CredentialNotSuspendable: As `StatusLedger.suspend`.
        """
        return self._act("suspend", credential_id, reason)

    def reinstate(self, credential_id: str, *, reason: str | None = None) -> bool:
        """End a suspension; return whether there was one. Raises as `suspend`."""
        return self._act("reinstate", credential_id, reason)

    def change_all(self, act: str, which: Which, *, reason: str | None = None) -> int:
        """`revoke`, `suspend` or `reinstate` all that is meant, at once: the kill switch. Return how many changed."""
        at = self._clock.now()
        changed = self.ledger.change_all(act, which, at=at, reason=reason)
        if self.audit is not None:
            from agentdid.issuer.accounts import acts_of  # noqa: PLC0415  # who keeps no log needs no records

            self.audit.append(acts_of(act, self.did, which, at, changed))
        return changed

    def _act(self, act: str, credential_id: str, reason: str | None) -> bool:
        at = self._clock.now()
        change: Callable[..., bool] = getattr(self.ledger, act)
        changed = change(credential_id, at=at, reason=reason)
        if self.audit is not None:
            from agentdid.issuer.accounts import act_of  # noqa: PLC0415  # as above

            # also where nothing changed: the record of the first time may be what failed
            self.audit.append(act_of(act, self.did, self.ledger.find(credential_id), at, changed=changed))
        return changed

    def _record_issued(self, made: Sequence[Issued]) -> None:
        if self.audit is not None:
            from agentdid.issuer.accounts import issuance_of  # noqa: PLC0415  # as above

            at = self._clock.now()
            self.audit.append_many([issuance_of(each, at, self._limits) for each in made])

    def list_url(self, list_id: str) -> str:
        """Return the URL of a status list."""
        return self.lists.url(list_id)

    def signed_list(self, name: str) -> SignedList:
        """Return a status list, signed anew when its bits changed or its signature is too old; see `Lists.signed`."""
        return self.lists.signed(name)

    def staple(self, credential_id: str) -> list[str]:
        """Return the statuses of a credential as of now, one for each of its entries, for its holder to carry.

        Raises:
            CredentialNotFound: No such credential was issued here.
        """
        entry = self.ledger.find(credential_id)
        names = [(entry.list_id, entry.index)]
        if any(kept.in_tokens for kept in self.ledger.kept() if kept.list_id == entry.list_id):
            names.append((entry.list_id + JWT, entry.index))
        if entry.suspension is not None:
            names.append((entry.suspension.list_id, entry.suspension.index))
        return [self.lists.staple(name, index) for name, index in names]

    def publish(self, folder: Path) -> dict[str, Path]:
        """Write the DID document and every status list as files, laid out as their URLs are; return URL → file."""
        written = self.lists.publish(folder)
        for url, (body, _) in self.did_files().items():
            place = folder / urlsplit(url).path.lstrip("/")
            write_file(place, body)
            written[url] = place
        return written

    def _find_issued(self, order: Order) -> Issued | Entry | None:
        """What the order's idempotency key named before: the credential, or an entry that nothing was signed for."""
        if order.idempotency_key is None:
            return None
        known = self.ledger.find_key(order.idempotency_key)
        if known is None:
            return None
        entry, request, sealed = known
        if (entry.subject, request) != (order.to, order.digest()):
            raise CredentialExists("the idempotency key was used for another subject or request")
        return entry if sealed is None else self._open_kept(entry, sealed)

    def _draft(self, order: Order) -> Draft:
        """What is needed to mint, all that could be refused having been tried."""
        if order.ttl <= timedelta(0):
            message = "ttl must be positive"
            raise ValueError(message)
        if order.status not in (BITSTRING, TOKEN_LIST):
            message = f"status is {BITSTRING} or {TOKEN_LIST}, got {order.status!r}"
            raise ValueError(message)
        check_did(order.to)
        now = self._clock.now()
        signer, method_id = self._signing(now)
        at = now.replace(microsecond=0)
        above = () if order.parent is None else read_chain(list(order.parent), self._limits)
        leaf = above[-1] if above else None
        if order.parent is not None:
            _check_above(above)
        hangs_on = None
        if leaf is not None and leaf.capability is not None:
            hangs_on = ParentLink(leaf.credential, leaf.capability, leaf.secured.digest)
        wanted = Wanted(
            f"urn:uuid:{uuid.uuid4()}", order.to, at, at + order.ttl, order.suspendable or order.status == TOKEN_LIST,
            method_id, order.idempotency_key, order.digest() if order.idempotency_key is not None else b"",
            order.status == TOKEN_LIST,
        )  # fmt: skip
        draft = Draft(order, wanted, signer, method_id, above, hangs_on)
        # what is refused burns no index, and asks no key that lives elsewhere for a signature
        blank = signer.public.algorithm.verifies and not isinstance(signer, pair.KeyPair)
        tried = Blank(signer.public) if blank else signer
        self._secure(draft, self._build(draft, wanted.credential_id, at), at, None, tried)
        return draft

    def _build(self, draft: Draft, credential_id: str, at: datetime) -> dict[str, object]:
        order = draft.order
        return build_link(
            issuer=self.did, subject=order.to, capability=order.capability, at=at, ttl=order.ttl,
            parent=draft.hangs_on, claims=order.claims, credential_id=credential_id, limits=self._limits,
        )  # fmt: skip

    @staticmethod
    def _secure(
        draft: Draft, document: dict[str, object], at: datetime, status: Mapping[str, object] | None, signer: Signer
    ) -> str | dict[str, object]:
        order = draft.order
        if status is None and order.status == TOKEN_LIST:
            status = {}  # the dry run, before there is an entry
        form = order.form or default_form(draft.signer)
        return secure_link(
            document, signer, draft.method_id, form=form, at=at, disclosable=order.disclosable, status=status
        )

    def _mint(self, draft: Draft, entry: Entry) -> Issued:
        """The credential for an entry, signed; kept under seal where an idempotency key may ask for it again."""
        at = entry.issued_at
        document = self._build(draft, entry.credential_id, at)
        url = self.list_url(entry.list_id)
        status: dict[str, object] | None = None
        if draft.order.status == TOKEN_LIST:
            url = self.list_url(entry.list_id + JWT)
            status = build_reference(url, entry.index)
        else:
            document["credentialStatus"] = self._entries(entry)
        credential = self._secure(draft, document, at, status, draft.signer)
        chain = (*(link.secured.wire for link in draft.above), credential)
        made = Issued(entry.credential_id, credential, chain, url, entry.index)
        if draft.order.idempotency_key is None:
            return made
        content = encode({"credential": credential, "chain": list(chain), "list_url": url})
        sealed = self._vault.seal(content, ("issued", entry.credential_id, "sealed"))
        kept = self.ledger.keep(entry.credential_id, sealed)
        return made if kept == sealed else self._open_kept(entry, kept)

    def allot_status(
        self, credential_id: str, subject: str, *, issued_at: datetime, valid_until: datetime
    ) -> dict[str, object]:
        """Return a fresh `credentialStatus` entry for a credential that somebody else signs (`Wallet.delegate`).

        Raises:
            CredentialExists: The id has an entry.
        """
        entry = self.ledger.allot(credential_id, subject, issued_at=issued_at, valid_until=valid_until)
        return _status(self.list_url(entry.list_id), entry.index, REVOCATION)

    def _open_kept(self, entry: Entry, sealed: bytes) -> Issued:
        content = decode(self._vault.unseal(sealed, ("issued", entry.credential_id, "sealed")))
        return Issued(
            entry.credential_id, content["credential"], tuple(content["chain"]), content["list_url"], entry.index, True
        )  # fmt: skip

    def _entries(self, entry: Entry) -> dict[str, object] | list[dict[str, object]]:
        revocation = _status(self.list_url(entry.list_id), entry.index, REVOCATION)
        if entry.suspension is None:
            return revocation
        suspended = entry.suspension
        return [revocation, _status(self.list_url(suspended.list_id), suspended.index, SUSPENSION)]


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


def _status(url: str, index: int, purpose: str) -> dict[str, object]:
    return {
        "id": f"{url}#{index}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": purpose,
        "statusListIndex": str(index),
        "statusListCredential": url,
    }
