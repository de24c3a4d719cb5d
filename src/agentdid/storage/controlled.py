"""The did:webvh DIDs that a store controls: their logs, and every key, under its seal.

* A row is read, changed and written in one write transaction: two processes that rotate make two entries, not a fork.
* A fresh signing key is listed for `LEAD` before anything is signed with it, as verifiers believe a document that is
  so old; the key before it stays listed as long as anything that it signed may be shown.
* A key that was compromised is listed as `revoked`, for good, and its successor signs at once.
* The update key is committed to one entry ahead (pre-rotation), so that whoever steals the present one owns nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, final

from msgspec import structs
from msgspec.json import decode
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, insert, inspect, select, update

from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.codec.instant import encode_instant
from agentdid.codec.strict_json import encode
from agentdid.did.document import ALL_RELATIONSHIPS, build_document
from agentdid.did.webvh import write
from agentdid.did.webvh.hashes import hash_key
from agentdid.did.webvh.identifier import PLACEHOLDER, PREFIX, STAND_IN, parse_identifier, template
from agentdid.did.webvh.log import History, parse_log
from agentdid.did.webvh.witness import add_proofs, check_witnesses
from agentdid.errors import (
    CredentialExists,
    CredentialNotFound,
    DidDeactivated,
    DidWitnessThreshold,
    StoreUnavailable,
)
from agentdid.keys import pair
from agentdid.keys.multikey import decode_multikey, encode_multikey
from agentdid.keys.secret import SecretKey
from agentdid.limits import DEFAULT
from agentdid.record import Value
from agentdid.storage.engine import reading, transaction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.engine import Connection, Engine

    from agentdid.keys.public import PublicKey
    from agentdid.keys.secret import Signer
    from agentdid.storage.vault import Vault

LEAD: Final = timedelta(seconds=DEFAULT.max_key_age_s)
"""How long a key is listed before it signs: as long as a verifier may believe an older document."""
GRACE: Final = timedelta(minutes=10)
"""How long a key stays listed after it last signed anything: status lists and presentations live a minute."""
_MARGIN: Final = timedelta(minutes=1)  # clocks of processes that share a store
MAX_LISTED: Final = 64
"""Keys in one document: beyond, rotate less often than credentials expire."""
_WAITING: Final = datetime(9000, 1, 1, tzinfo=UTC)  # of a key whose entry waits for witnesses
_OWN: Final = frozenset({"id", "verificationMethod", *ALL_RELATIONSHIPS})
_FRAGMENT: Final = re.compile(r"key-([0-9]{1,9})")

NeededUntil = Callable[[datetime, datetime], datetime | None]
"""From when a key began and ceased to sign to when what it signed is at its end; `None`: it signed nothing."""
MakeKey = Callable[["HeldKey", str], tuple["PublicKey", str]]
"""From the newest key and the fragment of its successor to a fresh key that lives elsewhere, and where that is."""


def add_table(tables: MetaData) -> Table:
    """Declare the table, to be called once for a sealed store's tables."""
    return Table(
        "webvh",
        tables,
        Column("number", Integer, primary_key=True),
        Column("did_index", LargeBinary, nullable=False, unique=True),
        Column("held_keys", LargeBinary, nullable=False),
        Column("log", LargeBinary, nullable=False),
    )


_TABLE: Final = add_table(MetaData())


@final
class HeldKey(Value, frozen=True):
    """A signing key of a DID.

    Attributes:
        fragment: Of its method's id.
        algorithm: Its own; `keys.pair.HYBRID` where there are two, and the second's fragment ends in `-pq`.
        seed: The key itself; empty where it lives elsewhere.
        since: Since when it is listed.
        revoked: Since when it is compromised, or `None`.
        shown: The Multikey of a key that lives elsewhere.
        reference: The PKCS#11 URI of such a key; empty where its signer is given each time.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"seed"})

    fragment: str
    algorithm: str
    seed: bytes
    since: datetime
    revoked: datetime | None = None
    shown: str = ""
    reference: str = ""

    @classmethod
    def elsewhere(cls, fragment: str, public: PublicKey, since: datetime, reference: str = "") -> Self:
        """Return the record of a key that lives elsewhere."""
        return cls(fragment, public.algorithm.name, b"", since, None, encode_multikey(public), reference)

    def publics(self) -> tuple[tuple[str, PublicKey], ...]:
        """Return the public half, or both of two, each with its fragment."""
        if self.shown:
            return ((self.fragment, decode_multikey(self.shown)),)
        return tuple((name, key.public) for name, key in self.secrets())

    def public(self) -> PublicKey:
        """Return the public half; of two that of the first."""
        return self.publics()[0][1]

    def secrets(self) -> tuple[tuple[str, SecretKey], ...]:
        """Return the key itself, or both of two, each with its fragment. Raises `StoreUnavailable`: elsewhere."""
        if self.shown:
            raise StoreUnavailable("the key lives elsewhere")
        found = pair.load(self.algorithm, self.seed)
        return tuple(zip(pair.fragments(self.fragment, found), found, strict=True))

    def secret(self) -> SecretKey:
        """Return the key itself; of two the first. Raises `StoreUnavailable`: it lives elsewhere."""
        return self.secrets()[0][1]


@final
class Keys(Value, frozen=True):
    """The keys of a DID.

    Attributes:
        did: Whose they are.
        update_seed: Of the key that signed the last entry.
        next_seed: Of the key that the last entry commits to; empty without pre-rotation or at the end.
        signing: What the document lists, the oldest first.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"update_seed", "next_seed"})

    did: str
    update_seed: bytes
    next_seed: bytes
    signing: tuple[HeldKey, ...]

    def signer(self, at: datetime) -> HeldKey:
        """Return the key to sign with: the newest that was listed long enough. Raises `CredentialNotFound`."""
        usable = [each for each in self.signing if each.revoked is None]
        if not usable:
            raise CredentialNotFound("the DID has no key to sign with")
        return next((each for each in reversed(usable) if each.since + LEAD <= at), usable[0])


@final
class Controlled(Value, frozen=True, eq=False):
    """A DID as its store has it.

    Attributes:
        history: Its log.
        witnesses: Its witness file, if it has one.
        keys: Its keys.
    """

    history: History
    witnesses: bytes | None
    keys: Keys

    @property
    def did(self) -> str:
        """The DID."""
        return self.keys.did

    def check_publishable(self) -> None:
        """Hold that enough witnesses approved the last entry. Raises `DidWitnessThreshold`."""
        check_witnesses(self.history, self.witnesses if self.witnesses is not None else b"[]")

    def published(self) -> History:
        """Return the log as it may be seen: without its last entry while that waits for its witnesses.

        Raises:
            DidWitnessThreshold: It is the first that waits.
        """
        try:
            self.check_publishable()
        except DidWitnessThreshold:
            if len(self.history.versions) == 1:
                raise
            return History(self.history.content.rpartition(b"\n")[0], self.history.versions[:-1])
        return self.history

    def files(self) -> dict[str, bytes]:
        """Return what is published, URL → body, in the order in which it is to be: the witnesses' proofs first.

        Raises:
            DidWitnessThreshold: The first entry is not approved yet.

        Spec: did:webvh 1.0, The Witness Proofs File.
        """
        history = self.published()
        named = parse_identifier(history.latest.did)  # a move that waits for witnesses has not happened yet
        proofs = {} if self.witnesses is None else {named.witness_url: self.witnesses}
        return {**proofs, named.log_url: write.encode_log(history)}


@final
class ControlledDids:
    """The table of one sealed store. Safe among threads and processes."""

    __slots__ = ("_engine", "_known", "_vault")

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault
        self._known: dict[str, History] = {}
        if not inspect(engine).has_table(_TABLE.name):  # a store from before there were such DIDs
            with transaction(engine) as connection:
                _TABLE.create(connection, checkfirst=True)

    def dids(self) -> tuple[str, ...]:
        """Return the DIDs, the oldest first. Raises `StoreTampered`."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(_TABLE.c.did_index, _TABLE.c.held_keys).order_by(_TABLE.c.number)).all()
        return tuple(self._read_keys(row.did_index, row.held_keys).did for row in rows)

    def find_keys(self, did: str) -> Keys:
        """Return the keys of a DID. Raises `CredentialNotFound`, `StoreTampered`."""
        index = self._vault.index("webvh", did)
        with reading(self._engine) as connection:
            row = connection.execute(select(_TABLE.c.held_keys).where(_TABLE.c.did_index == index)).first()
        if row is None:
            raise CredentialNotFound("the store does not control this DID")
        return self._read_keys(index, row.held_keys)

    def find(self, did: str) -> Controlled:
        """Return a DID with its log. Raises `CredentialNotFound`, `StoreTampered`."""
        with reading(self._engine) as connection:
            return self._find(connection, did)

    def create(self, made: Controlled) -> None:
        """Keep a DID from `make`. Raises `CredentialExists`."""
        with transaction(self._engine) as connection:
            self.insert(connection, self._vault, made)

    @staticmethod
    def insert(connection: Connection, vault: Vault, made: Controlled) -> None:
        """Keep a DID in a transaction of the caller's. Raises `CredentialExists`."""
        index = vault.index("webvh", made.did)
        if connection.execute(select(_TABLE.c.number).where(_TABLE.c.did_index == index)).first() is not None:
            raise CredentialExists("the store controls this DID already")
        connection.execute(insert(_TABLE).values(did_index=index, **_seal(vault, index, made)))

    def rotate(
        self,
        did: str,
        *,
        at: datetime,
        needed_until: NeededUntil | None = None,
        compromised: bool = False,
        make_key: MakeKey | None = None,
    ) -> Controlled:
        """Return the DID with a fresh signing key and fresh update keys, written before it is returned.

        Args:
            did: Which.
            at: The instant of the rotation.
            needed_until: Until when what a key signed is shown; by default nothing outlives `GRACE`.
            compromised: Whether the keys until now are: they are revoked, and what they signed dies with them.
            make_key: Makes the fresh signing key elsewhere; needed where the one until now lives there.

        Raises:
            CredentialNotFound, DidDeactivated: It is not there, or at its end.
            DidWitnessThreshold: The last entry was not approved yet.
            StoreUnavailable: The key until now lives elsewhere, and nothing was given that makes one there.
            ValueError: More keys would be listed than a document holds.
        """
        return self._change(did, lambda held: _rotate(held, at, needed_until, compromised, make_key))

    def deactivate(self, did: str, *, at: datetime) -> Controlled:
        """Return the DID at its end, for ever. Raises as `rotate`."""
        return self._change(did, lambda held: _deactivate(held, at))

    def update(self, did: str, members: Mapping[str, object], *, at: datetime) -> Controlled:
        """Return the DID with other members of its document; keys and identity are not among them.

        Args:
            did: Which.
            members: What they are from now on (`service`, `alsoKnownAs`, `controller`, …); `None`: no longer there.
            at: The instant of the update.

        Raises:
            CredentialNotFound, DidDeactivated, DidWitnessThreshold: As `rotate`.
            ValueError: A member that a rotation alone changes.
        """
        own = _OWN & members.keys()
        if own:
            message = f"{', '.join(sorted(own))}: keys change by a rotation, the name by a move"
            raise ValueError(message)
        return self._change(did, lambda held: _update(held, members, at))

    def move(self, did: str, to: str, *, at: datetime) -> Controlled:
        """Return the DID at another place, where alone it is found from now on; it stays known as what it was.

        Args:
            did: Which.
            to: The same SCID at the other place (`did.webvh.identifier`).
            at: The instant of the move.

        Raises:
            CredentialNotFound, DidDeactivated, DidWitnessThreshold: As `rotate`.
            DidLogInvalid: It is not portable, or `to` has another SCID.
            CredentialExists: The store controls a DID of that name.
        """
        parse_identifier(to)
        return self._change(did, lambda held: _move(held, to, at))

    def add_proofs(self, did: str, proofs: Sequence[dict[str, object]], *, at: datetime) -> Controlled:
        """Return the DID with more approvals of its last entry; it is published when there are enough.

        Raises:
            CredentialNotFound: It is not there.
        """

        def add(held: Controlled) -> Controlled:
            version = held.history.latest.version_id
            more = structs.replace(held, witnesses=add_proofs(held.witnesses, version, proofs, held.history))
            return _listed_from(more, at) if more.published() is more.history else more

        return self._change(did, add, pending=True)

    def _change(self, did: str, change: Callable[[Controlled], Controlled], *, pending: bool = False) -> Controlled:
        index = self._vault.index("webvh", did)
        with transaction(self._engine) as connection:
            held = self._find(connection, did)
            if held.history.deactivated:
                raise DidDeactivated("the DID is deactivated, for ever")
            if not pending:
                held.check_publishable()
            made = change(held)
            place = self._vault.index("webvh", made.did)
            taken = select(_TABLE.c.number).where(_TABLE.c.did_index == place)
            if place != index and connection.execute(taken).first() is not None:
                raise CredentialExists("the store controls a DID of that name already")
            row = {"did_index": place, **_seal(self._vault, place, made)}
            connection.execute(update(_TABLE).where(_TABLE.c.did_index == index).values(**row))
        self._known[made.did] = made.history
        return made

    def _find(self, connection: Connection, did: str) -> Controlled:
        index = self._vault.index("webvh", did)
        row = connection.execute(select(_TABLE).where(_TABLE.c.did_index == index)).first()
        if row is None:
            raise CredentialNotFound("the store does not control this DID")
        content = decode(self._vault.unseal(row.log, _place(index, "log")))
        history = parse_log(content["log"].encode(), known=self._known.get(did))
        self._known[did] = history
        proofs = content["witnesses"]
        return Controlled(history, None if proofs is None else proofs.encode(), self._read_keys(index, row.held_keys))

    def _read_keys(self, index: bytes, sealed: bytes) -> Keys:
        content = decode(self._vault.unseal(sealed, _place(index, "held_keys")))
        return Keys(
            content["did"],
            decode_base64url(content["update"]),
            decode_base64url(content["next"]),
            tuple(_decode_key(each) for each in content["signing"]),
        )


def make(
    host: str,
    port: int | None = None,
    path: Sequence[str] = (),
    *,
    at: datetime,
    algorithm: str = "Ed25519",
    parameters: Mapping[str, object] | None = None,
    pre_rotation: bool = True,
    signer: Signer | None = None,
    reference: str = "",
) -> Controlled:
    """Return a new did:webvh with fresh keys; nobody has them but the caller.

    Args:
        host: Where its log will be served.
        port: If not 443.
        path: Path segments.
        at: The instant of creation.
        algorithm: Of the signing key; the update keys are Ed25519.
        parameters: `portable`, `witness`, `watchers`, `ttl`.
        pre_rotation: Whether the next update key is committed to.
        signer: The signing key, where it lives elsewhere; `algorithm` is then its own.
        reference: Where that is (`keystores.reference`); empty: whoever opens the store gives the signer.

    Raises:
        DidInvalid: The place is none for a did:webvh.
        DidLogInvalid: A parameter is none of the method's.
    """
    named = template(host, port, path).replace(PLACEHOLDER, STAND_IN)
    if signer is None:
        signing = HeldKey("key-1", algorithm, pair.seed_of(pair.generate(algorithm)), at - LEAD)
    else:
        signing = HeldKey.elsewhere("key-1", signer.public, at - LEAD, reference)
    upcoming, following = SecretKey.generate(), SecretKey.generate()
    text = encode(_document(named, (signing,))).decode().replace(STAND_IN, PLACEHOLDER)
    history = write.create(
        decode(text), upcoming, at=at, next_keys=(following.public,) if pre_rotation else (), parameters=parameters
    )
    following_seed = following.export_seed() if pre_rotation else b""
    return Controlled(history, None, Keys(history.latest.did, upcoming.export_seed(), following_seed, (signing,)))


def _rotate(
    held: Controlled, at: datetime, needed_until: NeededUntil | None, compromised: bool, make_key: MakeKey | None
) -> Controlled:
    keys = held.keys
    newest = keys.signing[-1]
    number = max(int(found[1]) for each in keys.signing if (found := _FRAGMENT.fullmatch(each.fragment))) + 1
    # a key that replaces a compromised one cannot wait until every document is fresh
    since = at - LEAD if compromised else at
    fresh = _fresh(f"key-{number}", newest, since, make_key)
    if compromised:
        kept = tuple(structs.replace(each, revoked=each.revoked or at) for each in keys.signing)
    else:
        kept = _still_needed(keys.signing, at, needed_until)
    signing = (*kept, fresh)
    if len(signing) > MAX_LISTED:
        message = f"{len(signing)} keys would be listed, of at most {MAX_LISTED}: rotate when credentials have expired"
        raise ValueError(message)
    document = _document(keys.did, signing, held.history.latest.state)
    following = SecretKey.generate()
    if keys.next_seed:
        signer = SecretKey.from_seed("Ed25519", keys.next_seed)
        update_seed, next_seed = keys.next_seed, following.export_seed()
    else:
        signer = SecretKey.from_seed("Ed25519", keys.update_seed)
        update_seed, next_seed = following.export_seed(), b""
    history = write.rotate(held.history, signer, at=at, next_keys=(following.public,), document=document)
    made = Controlled(history, held.witnesses, Keys(keys.did, update_seed, next_seed, signing))
    return made if made.published() is history else _listed_from(made, _WAITING)


def _fresh(fragment: str, newest: HeldKey, since: datetime, make_key: MakeKey | None) -> HeldKey:
    """Return a fresh key where the newest one lives, and of its algorithm."""
    if make_key is not None:
        public, reference = make_key(newest, fragment)
        return HeldKey.elsewhere(fragment, public, since, reference)
    if newest.shown:
        raise StoreUnavailable("the key lives elsewhere, and nothing was given that makes another one there")
    return HeldKey(fragment, newest.algorithm, pair.seed_of(pair.generate(newest.algorithm)), since)


def _listed_from(held: Controlled, since: datetime) -> Controlled:
    """Return the DID with its newest key listed from an instant: witnesses decide when an entry is published."""
    *others, newest = held.keys.signing
    if not others:
        return held  # the first key has no predecessor to sign meanwhile
    keys = structs.replace(held.keys, signing=(*others, structs.replace(newest, since=since)))
    return structs.replace(held, keys=keys)


def _still_needed(signing: tuple[HeldKey, ...], at: datetime, needed_until: NeededUntil | None) -> tuple[HeldKey, ...]:
    """Return the keys that signed, or may yet sign, something that is still shown.

    Of keys that do not sign yet only the first stays: who rotates faster than a key may begin to sign would otherwise
    list them without end, and without a first one nothing new would ever sign.
    """
    waiting = [each for each in signing if each.since + LEAD > at + _MARGIN]
    signing = tuple(each for each in signing if each not in waiting[1:])
    kept = []
    for each, successor in zip(signing, (*signing[1:], None), strict=True):
        if each.revoked is None and successor is not None:
            begun, ceased = each.since, successor.since + LEAD + GRACE
            end = None if needed_until is None else needed_until(begun, ceased)
            if ceased <= at and (end is None or end + GRACE <= at):
                continue
        kept.append(each)
    return tuple(kept)


def _update(held: Controlled, members: Mapping[str, object], at: datetime) -> Controlled:
    state = {**held.history.latest.state, **members}
    document = {name: value for name, value in state.items() if value is not None}
    signer, parameters, keys = _authorize(held.keys)
    history = write.update(held.history, signer, at=at, document=document, parameters=parameters)
    return Controlled(history, held.witnesses, keys)


def _move(held: Controlled, to: str, at: datetime) -> Controlled:
    signer, parameters, keys = _authorize(held.keys)
    history = write.move(held.history, signer, to, at=at, parameters=parameters)
    return Controlled(history, held.witnesses, structs.replace(keys, did=to))


def _authorize(keys: Keys) -> tuple[SecretKey, dict[str, object] | None, Keys]:
    """Return the key that signs the next entry, what it says of update keys, and the keys after it.

    With pre-rotation every entry uses up the key that the one before committed to.
    """
    if not keys.next_seed:
        return SecretKey.from_seed("Ed25519", keys.update_seed), None, keys
    signer, following = SecretKey.from_seed("Ed25519", keys.next_seed), SecretKey.generate()
    parameters: dict[str, object] = {
        "updateKeys": [encode_multikey(signer.public)],
        "nextKeyHashes": [hash_key(encode_multikey(following.public))],
    }
    return signer, parameters, structs.replace(keys, update_seed=keys.next_seed, next_seed=following.export_seed())


def _deactivate(held: Controlled, at: datetime) -> Controlled:
    keys = held.keys
    signer = SecretKey.from_seed("Ed25519", keys.next_seed or keys.update_seed)
    history = write.deactivate(held.history, signer, at=at)
    return Controlled(history, held.witnesses, Keys(keys.did, keys.update_seed, b"", ()))


def _document(did: str, signing: Sequence[HeldKey], state: Mapping[str, Any] | None = None) -> dict[str, object]:
    """Return the document of the keys, with whatever else it said."""
    good = {name: key for each in signing if each.revoked is None for name, key in each.publics()}
    bad = {name: (key, each.revoked) for each in signing if each.revoked is not None for name, key in each.publics()}
    built = build_document(did, good)
    revoked = build_document(did, {name: key for name, (key, _) in bad.items()})
    times = {f"{did}#{name}": since for name, (_, since) in bad.items()}
    listed: list[Any] = revoked["verificationMethod"]  # type: ignore[assignment]  # as build_document makes it
    dead = [{**each, "revoked": encode_instant(times[each["id"]])} for each in listed]
    built["verificationMethod"] = [*built["verificationMethod"], *dead]  # type: ignore[misc]  # as above
    return {**(state or {}), **built}


def _seal(vault: Vault, index: bytes, made: Controlled) -> dict[str, bytes]:
    keys = made.keys
    content = {
        "did": keys.did,
        "update": encode_base64url(keys.update_seed),
        "next": encode_base64url(keys.next_seed),
        "signing": [_encode_key(each) for each in keys.signing],
    }
    log = {
        "log": made.history.content.decode(),
        "witnesses": None if made.witnesses is None else made.witnesses.decode(),
    }
    return {
        "held_keys": vault.seal(encode(content), _place(index, "held_keys")),
        "log": vault.seal(encode(log), _place(index, "log")),
    }


def _encode_key(key: HeldKey) -> dict[str, object]:
    return {
        "fragment": key.fragment,
        "algorithm": key.algorithm,
        "seed": encode_base64url(key.seed),
        "since": key.since.isoformat(),
        "revoked": None if key.revoked is None else key.revoked.isoformat(),
        "public": key.shown,
        "reference": key.reference,
    }


def _decode_key(row: dict[str, Any]) -> HeldKey:
    revoked = row["revoked"]
    return HeldKey(
        row["fragment"],
        row["algorithm"],
        decode_base64url(row["seed"]),
        datetime.fromisoformat(row["since"]),
        None if revoked is None else datetime.fromisoformat(revoked),
        row.get("public", ""),  # a store from before keys could live elsewhere
        row.get("reference", ""),
    )


def _place(index: bytes, column: str) -> tuple[str, ...]:
    return ("webvh", f"did_index={index.hex()}", column)


def is_webvh(did: str) -> bool:
    """Whether a DID is of this method."""
    return did.startswith(PREFIX)
