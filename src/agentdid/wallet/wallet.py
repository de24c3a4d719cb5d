"""An agent's wallet: its keys and credentials under seal; received, shown, presented, delegated."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, final

from msgspec import structs

from agentdid.clock import Clock, SystemClock
from agentdid.codec.strict_json import encode, parse
from agentdid.credential.model import APPROVAL_TYPE
from agentdid.delegation.link import FORMATS as FORMATS_OF_LINKS
from agentdid.delegation.link import GRANTS
from agentdid.did import key as did_key
from agentdid.did.resolve import fragment_of
from agentdid.errors import (
    CapabilityAmbiguous,
    CredentialNotFound,
    HolderBindingFailed,
    QueryNotSatisfied,
    WalletClosed,
)
from agentdid.keys import pair
from agentdid.keys.multikey import decode_multikey, encode_multikey
from agentdid.keys.secret import SecretKey
from agentdid.keystores.keyring import Keyring
from agentdid.keystores.reference import parse_reference
from agentdid.limits import DEFAULT, Limits
from agentdid.present.presentation import FORMATS, make_presentation
from agentdid.proof.jws import is_compact
from agentdid.query.dcql import Query, evaluate, parse_query
from agentdid.record import Value
from agentdid.storage.controlled import is_webvh
from agentdid.trust.anchors import Trust, UnsafeAnyIssuer
from agentdid.verify.case import HttpRequest, Question
from agentdid.verify.flow import candidate
from agentdid.verify.memory import Memory
from agentdid.verify.run import answer_from, run
from agentdid.verify.structure import read_chain
from agentdid.wallet.approve import Asked, approval_of, read_asked, sign_approval
from agentdid.wallet.disclosure import Path, grant_paths, withhold_chain
from agentdid.wallet.lineage import APPROVAL, DELEGATION, Minted, Relinquished, below, end_minted
from agentdid.wallet.passing_on import make_link, minted_capability, wanted_capability
from agentdid.wallet.store import CredentialRecord, WalletStore

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from agentdid.audit.head import Audit
    from agentdid.keys.secret import Signer
    from agentdid.storage.controlled_dids import ControlledDids
    from agentdid.storage.vault import Kdf
    from agentdid.verify.needs import Need, Reply, Source
    from agentdid.verify.states import Link
    from agentdid.wallet.auth import AgentAuth, Approve
    from agentdid.wallet.lineage import Statuses
    from agentdid.wallet.receipts import KeptReceipt

_APPROVAL_LIFE: Final = timedelta(minutes=5)


@final
class Held(Value, frozen=True):
    """One credential in the wallet, with the chain above it.

    Attributes:
        id: The leaf's `id`.
        issuer: Who issued the leaf.
        subject: Which of the wallet's DIDs it is for.
        types: The leaf's types.
        chain: Every link as held, root first; one element for a credential without parents.
        trusted: Whether its root was judged by a trust policy when it was received.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"chain"})

    id: str
    issuer: str
    subject: str
    types: tuple[str, ...]
    chain: tuple[Link, ...]
    trusted: bool

    @property
    def leaf(self) -> Link:
        """The credential itself."""
        return self.chain[-1]

    @property
    def principal(self) -> str | None:
        """For whom it lets the agent act; `None` for what is no capability."""
        capability = self.leaf.capability
        return None if capability is None else capability.principal

    @property
    def wire(self) -> list[str | dict[str, object]]:
        """The chain as it travels, root first, with every disclosure that is held."""
        return [link.secured.wire for link in self.chain]


@final
class Wallet:
    """Keys and credentials of one agent, in one sealed file. Open it with `Wallet.open`, make one with `create`.

    Attributes:
        audit: The log in which every approval stands before it is given, such as `storage.audit_log.AuditLog`.
    """

    def __init__(
        self,
        store: WalletStore,
        *,
        clock: Clock | None = None,
        limits: Limits = DEFAULT,
        keyring: Keyring | None = None,
    ) -> None:
        self._keyring = keyring or Keyring()
        self.audit: Audit | None = None
        self._store = store
        self._clock = clock or SystemClock()
        self._limits = limits

    @classmethod
    def create(
        cls, path: str | pathlib.Path, *, passphrase: str, kdf: Kdf | None = None, clock: Clock | None = None
    ) -> Self:
        """Return a new, empty wallet in the file `path`, which must not exist.

        Raises:
            StoreUnavailable: The file exists or cannot be made.
        """
        return cls(WalletStore.create(path, passphrase.encode(), kdf), clock=clock)

    @classmethod
    def open(
        cls,
        path: str | pathlib.Path,
        *,
        passphrase: str,
        clock: Clock | None = None,
        signers: Iterable[Signer] = (),
        pin: Callable[[], str] | None = None,
    ) -> Self:
        """Return the wallet in the file `path`.

        Args:
            path: The file.
            passphrase: What it was made with.
            clock: Tells the time.
            signers: Of keys that live elsewhere, where the wallet does not know where.
            pin: Asked for a token's PIN, where the wallet knows where a key lives and not where its PIN is.

        Raises:
            StoreLocked: Another passphrase.
            StoreTampered, StoreVersionUnsupported, StoreUnavailable: By the file.
        """
        return cls(WalletStore.open(path, passphrase.encode()), clock=clock, keyring=Keyring(signers, pin))

    def close(self) -> None:
        """Let go of the file, and of the tokens that were opened for it."""
        self._store.close()
        self._keyring.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def create_did(self, algorithm: str = "Ed25519", *, label: str = "") -> str:
        """Return a fresh `did:key` whose key lives in the wallet."""
        secret = SecretKey.generate(algorithm)
        did = did_key.create(secret.public)
        self._store.add_key(did, algorithm, secret.export_seed(), label)
        return did

    def add_key(self, did: str, secret: SecretKey, *, label: str = "") -> None:
        """Keep the key of a DID that was made elsewhere (`did:web`); its method is `did.resolve.fragment_of` it."""
        self._store.add_key(did, secret.public.algorithm.name, secret.export_seed(), label)

    def add_keys(self, did: str, secrets: tuple[SecretKey, ...], *, label: str = "") -> None:
        """Keep the keys of a DID that has one, or the two of `keys.pair`; the second's fragment ends in `-pq`."""
        self._store.add_key(did, pair.name_of(secrets), pair.seed_of(secrets), label)

    def add_signer(self, signer: Signer, *, did: str | None = None, reference: str = "", label: str = "") -> str:
        """Keep where a key lives that is not in the wallet; return its DID.

        Args:
            signer: The key; the caller closes it.
            did: Whose it is (`did:web`); by default the did:key of the key.
            reference: Where it is, a PKCS#11 URI by which it is found again; empty: `open` is given the signer.
            label: The owner's word for it.

        Raises:
            CredentialExists: The wallet holds a key of this DID already.
            KeyInvalid: A key of an algorithm without a multicodec.
            ValueError: `reference` is no PKCS#11 URI, or has a PIN in it.
        """
        if reference:
            parse_reference(reference)
        name = did or did_key.create(signer.public)
        public = encode_multikey(signer.public)
        self._store.add_key(name, signer.public.algorithm.name, b"", label, public=public, reference=reference)
        self._keyring.give(signer)
        return name

    @property
    def dids(self) -> tuple[str, ...]:
        """The DIDs whose keys the wallet holds, oldest first."""
        return (*(record.did for record in self._store.list_keys()), *self._store.controlled.dids())

    def find_did(self, label: str) -> str | None:
        """Return the oldest of the wallet's DIDs that was given this label; `None` where none was."""
        return next((record.did for record in self._store.list_keys() if record.label == label), None)

    @property
    def controlled(self) -> ControlledDids:
        """The wallet's did:webvh DIDs, which it makes, rotates and ends (`storage.controlled.make`)."""
        return self._store.controlled

    def receive(
        self, credential: bytes | str | dict[str, object] | list[object], *, trust: Trust | None = None,
        source: Source | None = None,
    ) -> Held:  # fmt: skip
        """Keep a credential, or a chain of them root first, after verifying it.

        Args:
            credential: An SD-JWT, a Data Integrity credential, or a list of them.
            trust: Whose credentials are taken; by default anybody's, as the holder lends nobody access by keeping one.
            source: Where DID documents and status lists come from; by default the network, through its guard.

        Raises:
            Refused, Malformed, Undecided: It does not verify; nothing was kept.
            HolderBindingFailed: It is for a DID whose key is not here.
        """
        self._check_open()
        policy = trust or UnsafeAnyIssuer()
        if policy.denies:  # the list is the verifier's, who asks it of whatever the wallet presents
            policy = structs.replace(policy, denies=False)
        items = _items(credential, self._limits)
        question = Question(raw=items, holder=False, trust=policy, at=self._clock.now(), keeps=True)
        run(question, Memory(), self._clock, self._answer(source, policy))
        chain = read_chain(items, self._limits)
        leaf = chain[-1]
        if leaf.subject not in self.dids:
            raise HolderBindingFailed("the credential is for a DID whose key is not in this wallet")
        record = CredentialRecord(
            id=leaf.credential.id or f"sha256:{leaf.secured.digest.hex()}",
            issuer=leaf.credential.issuer,
            subject=leaf.subject or "",
            types=leaf.credential.types,
            chain=tuple(_text(link.secured.wire) for link in chain),
            received_at=self._clock.now(),
            valid_until=leaf.credential.valid_until,
            trusted=trust is not None,
        )
        self._store.add_credential(record)
        return _held(record, self._limits)

    def credentials(self) -> tuple[Held, ...]:
        """Return everything that is held, oldest first."""
        return tuple(_held(record, self._limits) for record in self._store.credentials())

    def find(self, credential_id: str) -> Held:
        """Return the credential of that id. Raises `CredentialNotFound`."""
        record = self._store.find_credential(credential_id)
        if record is None:
            raise CredentialNotFound("no credential of this id is in the wallet")
        return _held(record, self._limits)

    def present(
        self,
        *,
        challenge: str,
        audience: str,
        query: Mapping[str, object] | Query | None = None,
        credential_id: str | None = None,
        disclose: Iterable[Path] = (),
        principal: str | None = None,
        http: HttpRequest | None = None,
        form: str | None = None,
        approvals: Sequence[str | dict[str, object]] = (),
        statuses: Iterable[str] = (),
    ) -> str:
        """Return a presentation of what is asked, and of no more.

        Args:
            challenge: The nonce that the verifier handed out.
            audience: What it calls itself.
            query: Its DCQL query; selects the credential and what is disclosed of it.
            credential_id: The credential to present, whether or not a query is given.
            disclose: Paths to disclose beyond the query. Without query and paths to grants, all grants are shown.
            principal: For whom to act, when credentials of several principals fit.
            http: The HTTP request it goes with.
            form: One of `present.presentation.FORMATS`; by default the first, for a pair of keys the last.
            approvals: Credentials by which people approved what is to be done; they go along as they are.
            statuses: Stapled statuses, so that the verifier need not ask for lists (specs/stapled-status.md).

        Raises:
            CredentialNotFound, QueryNotSatisfied: Nothing held fits.
            CapabilityAmbiguous: Credentials of several principals fit, and none was named.
        """
        asked = query if query is None or isinstance(query, Query) else parse_query(query)
        chosen = self._choose(asked, credential_id, principal)
        shown: list[str | dict[str, object]] = []
        for held, paths in chosen:
            keep = paths | frozenset(disclose)
            if asked is None and not any(path[: len(GRANTS)] == GRANTS for path in keep):
                keep |= grant_paths(held.leaf)
            shown.extend(withhold_chain(held.chain, keep, audience=audience, challenge=challenge))
        shown.extend(approvals)
        held, _ = chosen[0]
        signer, method_id = self.signer(held.subject)
        return make_presentation(
            shown,
            holder=held.subject,
            signer=signer,
            method_id=method_id,
            audience=audience,
            challenge=challenge,
            at=self._clock.now(),
            http=http,
            form=form or (FORMATS[-1] if isinstance(signer, pair.KeyPair) else FORMATS[0]),
            statuses=tuple(statuses),
        )

    def delegate(
        self,
        credential_id: str,
        *,
        to: str,
        capability: Mapping[str, object] | None = None,
        narrower: Mapping[str, object] | None = None,
        ttl: timedelta,
        form: str | None = None,
        statuses: Statuses | None = None,
        replaces: str | None = None,
    ) -> list[str | dict[str, object]]:
        """Return a narrower capability for another agent, as a chain root first. Nobody is asked; nothing is sent.

        Only the grants that the new link names in `from` are passed on, and no other claims. The wallet keeps what it
        made (`minted`).

        Args:
            credential_id: The capability to delegate from.
            to: The DID of the agent that may use it.
            capability: PROTOCOL section 1's `capability`, whole; `parent` and `delegation.depth` are filled in.
            narrower: Instead of it, only what differs from the parent (`delegation.narrower.fill_narrower`).
            ttl: How long it is valid; an hour at most without `statuses`, as it cannot be revoked.
            form: By default the parent's, or where the key signs no such suite its own one of the same canonical form;
                a pair of keys signs with both.
            statuses: A status service of the delegator, which gives the link an entry of its own.
            replaces: The `id` of an earlier link that this one is made in place of.

        Raises:
            CredentialNotFound: No such credential.
            CapabilityNotAttenuated, CapabilityExpandedTime: It would not be narrower.
            DelegationForbidden: Too deep, too long for a link without status, or a status service of somebody else.
            TypeMismatch: `capability` has not the form of the specification.
        """
        held = self.find(credential_id)
        wanted = wanted_capability(held, capability, narrower)
        made, minted = make_link(
            held,
            wanted,
            self.signer(held.subject),
            to=to,
            at=self._clock.now(),
            ttl=ttl,
            form=form,
            statuses=statuses,
            limits=self._limits,
        )
        self._store.add_minted(minted if replaces is None else structs.replace(minted, replaces=replaces))
        used = [grant["from"] for grant in wanted["grants"]]  # type: ignore[attr-defined]  # a capability that was made
        return [*withhold_chain(held.chain, grant_paths(held.leaf, used)), made]

    def approve(
        self,
        asked: Mapping[str, object] | Asked,
        *,
        did: str | None = None,
        ttl: timedelta = _APPROVAL_LIFE,
        uses: int = 1,
        form: str = FORMATS_OF_LINKS[0],
    ) -> str | dict[str, object]:
        """Return a credential by which one of the wallet's DIDs approves what an agent asks.

        Show `read_asked(asked).words()` to the person who decides before calling this.

        Args:
            asked: The `approval` of an `approval_required` refusal, or the refusal.
            did: As whom; by default the one of the wallet's DIDs whose approval would count.
            ttl: How long it is valid, 15 minutes at most.
            uses: How often it may be used.
            form: How it is secured.

        Raises:
            TypeMismatch: Not such an object, digests of something else, or too long a life.
            HolderBindingFailed: No DID here whose approval would count, or several and none was named.

        Spec: specs/approval.md.
        """
        read = asked if isinstance(asked, Asked) else read_asked(asked)
        able = [each for each in self.dids if each in read.approvers and did in (None, each)]
        if len(able) != 1:
            raise HolderBindingFailed(
                "several of the wallet's DIDs may approve this; name one"
                if able
                else "no DID of this wallet may approve"
            )
        at = self._clock.now().replace(microsecond=0)
        signer, method_id = self.signer(able[0])
        identifier, made = sign_approval(
            read, signer, method_id, issuer=able[0], at=at, ttl=ttl, uses=uses, form=form, limits=self._limits
        )
        if self.audit is not None:
            self.audit.append(approval_of(read, able[0], identifier, at))
        leaf = read.links[-1][0]
        self._store.add_minted(
            Minted(identifier, APPROVAL, able[0], read.subject, leaf, _text(made), at, at + ttl, revocable=False)
        )
        return made

    def passed_on(self, credential_id: str) -> list[str | dict[str, object]]:
        """Return the chain of a delegation that was minted here, root first, to hand over once more.

        Raises:
            CredentialNotFound: It was not minted here, or what it hangs on is not held any more.
        """
        found = next((each for each in self.minted() if (each.id, each.kind) == (credential_id, DELEGATION)), None)
        if found is None:
            raise CredentialNotFound("no delegation of this id was minted here")
        held, made = self.find(found.parent), minted_capability(found, self._limits)
        used = [str(grant["from"]) for grant in made["grants"]]
        wire: Any = _item(found.wire, self._limits)
        return [*withhold_chain(held.chain, grant_paths(held.leaf, used)), wire]

    def minted(self) -> tuple[Minted, ...]:
        """Return everything that the wallet signed for others, oldest first."""
        return tuple(self._store.minted())

    def relinquish(self, credential_id: str, *, statuses: Statuses | None = None) -> Relinquished:
        """Give up a capability that is held, or end one that was minted here, with all that was minted out of it.

        A held credential is forgotten. What the wallet minted out of it is revoked where a status service is at hand;
        the rest is named: it ends by itself, within the hour.

        Raises:
            CredentialNotFound: Neither held nor minted here.
        """
        at = self._clock.now()
        minted = self.minted()
        record = self._store.find_credential(credential_id)
        own = tuple(each for each in minted if each.id == credential_id)
        if record is None and not own:
            raise CredentialNotFound("no credential of this id is held or was minted here")
        own_and_below = (*own, *below(minted, credential_id))
        ended, standing = end_minted([each for each in own_and_below if each.stands_at(at)], statuses, at)
        for each in ended:
            self._store.add_minted(each)
        if record is not None:  # last: what was interrupted is done again
            self._store.delete_credential(record.issuer, record.id)
        return Relinquished(credential_id, record is not None, tuple(each.id for each in ended), standing)

    def keep_receipt(self, token: str, presentation: str, *, method: str = "", url: str = "") -> KeptReceipt:
        """Keep a verifier's receipt beside what was presented, and return it with what is wrong with it at first sight.

        Args:
            token: The receipt, as it came.
            presentation: What it came for.
            method: Of the HTTP request.
            url: Of the HTTP request.
        """
        from agentdid.wallet import receipts  # noqa: PLC0415  # beside the name below

        kept = receipts.keep(token, presentation, self._clock.now(), method, url, self._limits)
        self._store.add_receipt(kept)
        return kept

    def receipts(self) -> tuple[KeptReceipt, ...]:
        """Return every receipt that was kept, oldest first; `wallet.receipts.check_receipt` holds one."""
        return tuple(self._store.receipts())

    def auth(
        self, *, principal: str | None = None, approve: Approve | None = None, receipts: bool = False
    ) -> AgentAuth:
        """Return the `auth` of an httpx client: it answers partners' challenges with this wallet's credentials.

        Args:
            principal: For whom to act, when the wallet holds capabilities of several.
            approve: Asked when a partner wants an approval, with what is to be approved; returns the approvals that
                people gave, or nothing.
            receipts: Whether the receipts that partners answer with are kept (`receipts`).
        """
        from agentdid.wallet.auth import AgentAuth  # noqa: PLC0415  # httpx is only needed where a client is

        return AgentAuth(self, principal=principal, approve=approve, receipts=receipts)

    def _choose(
        self, query: Query | None, credential_id: str | None, principal: str | None
    ) -> list[tuple[Held, frozenset[Path]]]:
        """Return the credentials to present, all of one subject, each with the paths that the query selects."""
        held = [self.find(credential_id)] if credential_id is not None else self._usable()
        held = [each for each in held if APPROVAL_TYPE not in each.types]  # it goes along, it is not what is asked for
        if principal is not None:
            held = [each for each in held if each.principal in (None, principal)]
        if not held:
            self._check_open()
            raise CredentialNotFound("the wallet holds nothing that fits")
        if query is None:
            return [(_prefer(held), frozenset())]
        match = evaluate(query, [candidate(each.leaf.secured.form, each.leaf.credential.document) for each in held])
        if not match.satisfied:
            raise QueryNotSatisfied("no credential in the wallet answers what is asked")
        chosen: dict[str, tuple[Held, frozenset[Path]]] = {}
        for wanted in _wanted(query, {name for name, hits in match.hits.items() if hits}):
            hits = {held[hit.index].id: hit.paths for hit in match.hits[wanted]}
            best = _prefer([each for each in held if each.id in hits])
            _, paths = chosen.get(best.id, (best, frozenset()))
            chosen[best.id] = (best, paths | hits[best.id])
        if len({each.subject for each, _ in chosen.values()}) > 1:
            raise CapabilityAmbiguous("what is asked is spread over credentials of several of the wallet's DIDs")
        if sum(each.leaf.capability is not None for each, _ in chosen.values()) > 1:
            raise CapabilityAmbiguous("what is asked needs several capabilities, and a presentation carries one")
        # the capability chain first, root first (specs/verification.md V3)
        return sorted(chosen.values(), key=lambda pair: pair[0].leaf.capability is None)

    def _usable(self) -> list[Held]:
        now = self._clock.now()
        return [
            each
            for each in self.credentials()
            if all(link.credential.valid_until is None or link.credential.valid_until > now for link in each.chain)
        ]

    def signer(self, did: str) -> tuple[Signer, str]:
        """Return the key of one of the wallet's DIDs and its method's id; of a hybrid one the pair, and the first's.

        Raises:
            CredentialNotFound: Not one of its DIDs.
            StoreUnavailable, StoreLocked, KeyInvalid: The key lives elsewhere, and cannot be had there.
        """
        (first, method_id), *beside = self.signers(did)
        if not beside:
            return first, method_id
        return pair.KeyPair(first, beside[0][0]), method_id  # type: ignore[arg-type]  # a pair is never elsewhere

    def signers(self, did: str) -> tuple[tuple[Signer, str], ...]:
        """Return every key of one of the wallet's DIDs with its method's id: of a hybrid one two, the classical first.

        Raises as `signer`.
        """
        if is_webvh(did):
            self._check_open()  # its keys outlive the closing, so that the DID can be ended
            held = self._store.controlled.find_keys(did).signer(self._clock.now())
            if held.shown:
                return ((self._keyring.find(held.public(), held.reference), f"{did}#{held.fragment}"),)
            return tuple((key, f"{did}#{name}") for name, key in held.secrets())
        for record in self._store.list_keys():
            if record.did != did:
                continue
            first = fragment_of(did)
            if record.public:
                return ((self._keyring.find(decode_multikey(record.public), record.reference), f"{did}#{first}"),)
            secrets = pair.load(record.algorithm, record.seed)
            return tuple(
                (key, f"{did}#{name}") for name, key in zip(pair.fragments(first, secrets), secrets, strict=True)
            )
        self._check_open()
        raise CredentialNotFound("the wallet holds no key of this DID")

    @property
    def closed_at(self) -> datetime | None:
        """When the wallet was closed for good; `None` while it is open."""
        closing = self._store.find_closing()
        return None if closing is None else closing[0]

    def end(self, *, reason: str = "") -> None:
        """Close for good: keys and credentials are destroyed, and nothing is taken or signed any more.

        What the wallet signed for others stays listed; the keys of a did:webvh stay until that is deactivated, and sign
        nothing else. `lifecycle.retire` does what comes before this.
        """
        self._store.end(self._clock.now(), reason)

    def _check_open(self) -> None:
        if self._store.find_closing() is not None:
            raise WalletClosed("its agent was retired")

    def _answer(self, source: Source | None, trust: Trust) -> partial[Reply]:
        if source is None:
            from agentdid.sources.source import NetworkSource  # noqa: PLC0415  # only where the network is needed

            source = NetworkSource(allow=trust.fetch_allow, ca=trust.fetch_ca, limits=trust.limits, clock=self._clock)
        return partial(_answer, source=source, clock=self._clock)


def _answer(need: Need, *, source: Source, clock: Clock) -> Reply:
    return answer_from(need, source, None, clock)


def _wanted(query: Query, answered: set[str]) -> list[str]:
    """Return the credential queries to answer: all, or of each required set the first option that can be."""
    if not query.credential_sets:
        return [each.id for each in query.credentials]
    wanted: list[str] = []
    for each in query.credential_sets:
        if each.required:
            wanted.extend(next(option for option in each.options if answered.issuperset(option)))
    return list(dict.fromkeys(wanted))


def _prefer(held: Sequence[Held]) -> Held:
    """Return the credential with the shortest chain, of these the longest valid. Raises `CapabilityAmbiguous`."""
    principals = {each.principal for each in held}
    if len(principals) > 1:
        raise CapabilityAmbiguous("credentials of several principals fit; name one with principal=…")
    return min(held, key=lambda each: (len(each.chain), -_until(each)))


def _until(held: Held) -> float:
    until = held.leaf.credential.valid_until
    return float("inf") if until is None else until.timestamp()


def _held(record: CredentialRecord, limits: Limits) -> Held:
    items: list[object] = [_item(each, limits) for each in record.chain]
    return Held(record.id, record.issuer, record.subject, record.types, read_chain(items, limits), record.trusted)


def _items(credential: bytes | str | dict[str, object] | list[object], limits: Limits) -> list[object]:
    if isinstance(credential, bytes):
        credential = credential.decode("utf-8", "surrogateescape")
    if isinstance(credential, str):
        text = credential.strip()
        value = _item(text, limits)
        return value if isinstance(value, list) else [value]
    return credential if isinstance(credential, list) else [credential]


def _item(text: str, limits: Limits) -> object:
    return text if is_compact(text) else parse(text, limits).value


def _text(wire: str | dict[str, object]) -> str:
    return wire if isinstance(wire, str) else encode(wire).decode("utf-8")
