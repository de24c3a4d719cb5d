"""The signing keys of a DID that a store controls: what is listed, what signs, and how long each stays.

* A fresh signing key is listed for `LEAD` before anything is signed with it, as verifiers believe a document that is
  so old; the key before it stays listed as long as anything that it signed may be shown.
* A key that was compromised is listed as `revoked`, for good, and its successor signs at once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, final

from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.errors import CredentialNotFound, StoreUnavailable
from agentdid.keys import pair
from agentdid.keys.multikey import decode_multikey, encode_multikey
from agentdid.limits import DEFAULT
from agentdid.record import Value

if TYPE_CHECKING:
    from agentdid.keys.public import PublicKey
    from agentdid.keys.secret import SecretKey

LEAD: Final = timedelta(seconds=DEFAULT.max_key_age_s)
"""How long a key is listed before it signs: as long as a verifier may believe an older document."""
GRACE: Final = timedelta(minutes=10)
"""How long a key stays listed after it last signed anything: status lists and presentations live a minute."""
_MARGIN: Final = timedelta(minutes=1)  # clocks of processes that share a store

NeededUntil = Callable[[datetime, datetime], datetime | None]
"""From when a key began and ceased to sign to when what it signed is at its end; `None`: it signed nothing."""
MakeKey = Callable[["HeldKey", str], tuple["PublicKey", str]]
"""From the newest key and the fragment of its successor to a fresh key that lives elsewhere, and where that is."""


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

    def encode(self) -> dict[str, object]:
        """Return it as JSON, secret and all: to be sealed."""
        return {
            "fragment": self.fragment,
            "algorithm": self.algorithm,
            "seed": encode_base64url(self.seed),
            "since": self.since.isoformat(),
            "revoked": None if self.revoked is None else self.revoked.isoformat(),
            "public": self.shown,
            "reference": self.reference,
        }

    @classmethod
    def decode(cls, row: dict[str, Any]) -> Self:
        """Return what `encode` wrote."""
        revoked = row["revoked"]
        return cls(
            row["fragment"],
            row["algorithm"],
            decode_base64url(row["seed"]),
            datetime.fromisoformat(row["since"]),
            None if revoked is None else datetime.fromisoformat(revoked),
            row.get("public", ""),  # a store from before keys could live elsewhere
            row.get("reference", ""),
        )


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

    def encode(self) -> dict[str, object]:
        """Return them as JSON, secrets and all: to be sealed."""
        return {
            "did": self.did,
            "update": encode_base64url(self.update_seed),
            "next": encode_base64url(self.next_seed),
            "signing": [each.encode() for each in self.signing],
        }

    @classmethod
    def decode(cls, content: dict[str, Any]) -> Self:
        """Return what `encode` wrote."""
        return cls(
            content["did"],
            decode_base64url(content["update"]),
            decode_base64url(content["next"]),
            tuple(HeldKey.decode(each) for each in content["signing"]),
        )


def make_fresh(fragment: str, newest: HeldKey, since: datetime, make_key: MakeKey | None) -> HeldKey:
    """Return a fresh key where the newest one lives, and of its algorithm. Raises `StoreUnavailable`: nothing can."""
    if make_key is not None:
        public, reference = make_key(newest, fragment)
        return HeldKey.elsewhere(fragment, public, since, reference)
    if newest.shown:
        raise StoreUnavailable("the key lives elsewhere, and nothing was given that makes another one there")
    return HeldKey(fragment, newest.algorithm, pair.seed_of(pair.generate(newest.algorithm)), since)


def still_needed(signing: tuple[HeldKey, ...], at: datetime, needed_until: NeededUntil | None) -> tuple[HeldKey, ...]:
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
