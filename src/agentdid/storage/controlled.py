"""A did:webvh that is controlled here: its log with its keys, and the log after each change.

The update key is committed to one entry ahead (pre-rotation), so that whoever steals the present one owns nothing.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, final

from msgspec import structs
from msgspec.json import decode

from agentdid.codec.instant import encode_instant
from agentdid.codec.strict_json import encode
from agentdid.did.document import ALL_RELATIONSHIPS, build_document
from agentdid.did.webvh import write
from agentdid.did.webvh.hashes import hash_key
from agentdid.did.webvh.identifier import PLACEHOLDER, PREFIX, STAND_IN, parse_identifier, template
from agentdid.did.webvh.log import History
from agentdid.did.webvh.witness import add_proofs, check_witnesses
from agentdid.errors import DidWitnessThreshold
from agentdid.keys import pair
from agentdid.keys.multikey import encode_multikey
from agentdid.keys.secret import SecretKey
from agentdid.record import Value
from agentdid.storage.held_keys import LEAD, HeldKey, Keys, make_fresh, still_needed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentdid.keys.secret import Signer
    from agentdid.storage.held_keys import MakeKey, NeededUntil

MAX_LISTED: Final = 64
"""Keys in one document: beyond, rotate less often than credentials expire."""
_WAITING: Final = datetime(9000, 1, 1, tzinfo=UTC)  # of a key whose entry waits for witnesses
_OWN: Final = frozenset({"id", "verificationMethod", *ALL_RELATIONSHIPS})
_FRAGMENT: Final = re.compile(r"key-([0-9]{1,9})")


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


def rotate(
    held: Controlled, at: datetime, needed_until: NeededUntil | None, compromised: bool, make_key: MakeKey | None
) -> Controlled:
    """Return the DID with a fresh signing key and fresh update keys; see `ControlledDids.rotate`."""
    keys = held.keys
    newest = keys.signing[-1]
    number = max(int(found[1]) for each in keys.signing if (found := _FRAGMENT.fullmatch(each.fragment))) + 1
    # a key that replaces a compromised one cannot wait until every document is fresh
    since = at - LEAD if compromised else at
    fresh = make_fresh(f"key-{number}", newest, since, make_key)
    if compromised:
        kept = tuple(structs.replace(each, revoked=each.revoked or at) for each in keys.signing)
    else:
        kept = still_needed(keys.signing, at, needed_until)
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


def update(held: Controlled, members: Mapping[str, object], at: datetime) -> Controlled:
    """Return the DID with other members of its document. Raises `ValueError`: one that a rotation alone changes."""
    own = _OWN & members.keys()
    if own:
        message = f"{', '.join(sorted(own))}: keys change by a rotation, the name by a move"
        raise ValueError(message)
    state = {**held.history.latest.state, **members}
    document = {name: value for name, value in state.items() if value is not None}
    signer, parameters, keys = _authorize(held.keys)
    history = write.update(held.history, signer, at=at, document=document, parameters=parameters)
    return Controlled(history, held.witnesses, keys)


def move(held: Controlled, to: str, at: datetime) -> Controlled:
    """Return the DID at another place. Raises `DidLogInvalid`: it is not portable, or the SCID is another."""
    signer, parameters, keys = _authorize(held.keys)
    history = write.move(held.history, signer, to, at=at, parameters=parameters)
    return Controlled(history, held.witnesses, structs.replace(keys, did=to))


def deactivate(held: Controlled, at: datetime) -> Controlled:
    """Return the DID at its end."""
    keys = held.keys
    signer = SecretKey.from_seed("Ed25519", keys.next_seed or keys.update_seed)
    history = write.deactivate(held.history, signer, at=at)
    return Controlled(history, held.witnesses, Keys(keys.did, keys.update_seed, b"", ()))


def approve(held: Controlled, proofs: Sequence[dict[str, object]], at: datetime) -> Controlled:
    """Return the DID with more approvals of its last entry; its newest key is listed from when there are enough."""
    version = held.history.latest.version_id
    more = structs.replace(held, witnesses=add_proofs(held.witnesses, version, proofs, held.history))
    return _listed_from(more, at) if more.published() is more.history else more


def _listed_from(held: Controlled, since: datetime) -> Controlled:
    """Return the DID with its newest key listed from an instant: witnesses decide when an entry is published."""
    *others, newest = held.keys.signing
    if not others:
        return held  # the first key has no predecessor to sign meanwhile
    keys = structs.replace(held.keys, signing=(*others, structs.replace(newest, since=since)))
    return structs.replace(held, keys=keys)


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


def is_webvh(did: str) -> bool:
    """Whether a DID is of this method."""
    return did.startswith(PREFIX)
