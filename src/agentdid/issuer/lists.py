"""Status lists as they are read by others: signed, never older than what was read before, served or written as files.

Every list of the ledger is published as a Bitstring Status List; a list of revocations that tokens refer to also as a
token status list, in JWT and in CWT form, in which a suspension shows as a value of its own.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, ClassVar, Final, final
from urllib.parse import urlsplit

from agentdid.codec.strict_json import encode
from agentdid.errors import CredentialNotFound, StoreUnavailable
from agentdid.issuer.ledger_tables import REVOCATION, SUSPENSION
from agentdid.issuer.permutation import LIST_SIZE
from agentdid.proof.suites import find_suite
from agentdid.record import Value
from agentdid.secure import data_integrity, derivation, sd_jwt
from agentdid.secure.status_token import sign_cwt, sign_jwt
from agentdid.status.bitstring import build_list_credential
from agentdid.status.staple import sign_staple
from agentdid.status.token_list import build_claims

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agentdid.clock import Clock
    from agentdid.issuer.ledger_tables import KeptList
    from agentdid.issuer.status_ledger import StatusLedger
    from agentdid.keys.secret import Signer

    Signing = Callable[[datetime], tuple[Signer, str]]

LIST_LIFE: Final = timedelta(hours=24)
"""How long a signed list may be believed at most; it is signed anew far more often."""
STAPLE_LIFE: Final = timedelta(minutes=5)
"""How long a stapled status may be carried; a verifier's own bound is mostly less."""
JWT: Final = ".jwt"
CWT: Final = ".cwt"
_BBS: Final = "bbs-2023"
_TRIES: Final = 8
_TOKEN_BITS: Final = 2


@final
class SignedList(Value, frozen=True):
    """A status list as it is published.

    Attributes:
        url: Where it belongs.
        body: The signed list.
        media_type: Of the body.
        etag: A strong validator of `body`.
        signed_at: When it was signed.
        version: Of the bits in it.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"body"})

    url: str
    body: bytes
    media_type: str
    etag: str
    signed_at: datetime
    version: int


@final
class Lists:
    """An issuer's lists. Safe among threads, and among processes on one database.

    Args:
        ledger: Whose entries they are.
        did: Who signs.
        base_url: Under which they are had.
        signing: Gives the key to sign with at an instant, and its method's id.
        clock: Tells the time of signing.
        refresh_s: A list is signed anew when it is older than this.
    """

    def __init__(
        self, ledger: StatusLedger, did: str, base_url: str, signing: Signing, clock: Clock, refresh_s: float
    ) -> None:
        self._ledger = ledger
        self._did = did
        self._base_url = base_url
        self._signing = signing
        self._clock = clock
        self.refresh_s = refresh_s
        self._signed: dict[str, SignedList] = {}
        self._lock = Lock()

    @property
    def aggregation_url(self) -> str:
        """Where the URLs of all token status lists are had (draft-ietf-oauth-status-list section 9)."""
        return f"{self._base_url}/status/aggregation"

    def url(self, name: str) -> str:
        """Return the URL of a list: its id, and for its token forms `.jwt` or `.cwt` behind it."""
        return f"{self._base_url}/status/{name}"

    def names(self) -> list[str]:
        """Return the names of all lists, in all the forms that somebody was told of, sorted."""
        return sorted(name for kept in self._ledger.kept() for name in _forms(kept))

    def versions(self) -> dict[str, int]:
        """Return the version of every list, by the names of all its forms."""
        return {name: kept.version for kept in self._ledger.kept() for name in _forms(kept)}

    def aggregation(self) -> bytes:
        """Return the document that names all token status lists in JWT form (section 9.3)."""
        return encode({"status_lists": [self.url(each) for each in self.names() if each.endswith(JWT)]})

    def signed(self, name: str) -> SignedList:
        """Return a list, signed anew when its bits changed or its signature is older than `refresh_s`.

        Whatever the clocks of the processes say, none is signed as of an earlier time than the last one was.

        Raises:
            CredentialNotFound: No such list, or not in such a form.
            StoreUnavailable: Others sign it again and again.
        """
        held = self._find(name)
        if held is not None:
            return held
        with self._lock:  # whoever waited here finds what was signed meanwhile
            held = self._find(name)
            if held is None:
                held = self._publish(name, None)
                self._signed[name] = held
            return held

    def staple(self, name: str, index: int) -> str:
        """Return the status of one entry of a list as of now, for its holder to carry (specs/stapled-status.md).

        Raises:
            CredentialNotFound: No such list, in such a form, or no such entry.
        """
        list_id, form = _split(name)
        now = self._clock.now()
        signer, method_id = self._signing(now)
        kept = {each.list_id: each for each in self._ledger.kept()}.get(list_id)
        if kept is None or not 0 <= index < LIST_SIZE or (form and kept.purpose != REVOCATION):
            raise CredentialNotFound("no such entry of a status list is kept here")
        revoked, suspended = self._ledger.states(list_id, kept.purpose, index)
        value = (1 if revoked else 2 * suspended) if form else int(suspended if kept.purpose == SUSPENSION else revoked)
        purpose = None if form else kept.purpose
        return sign_staple(self.url(name), index, purpose, value, signer, method_id, at=now, life=STAPLE_LIFE)

    def publish(self, folder: Path) -> dict[str, Path]:
        """Write every list as a file, laid out as its URL is; return URL → file.

        Of two processes that publish into one folder the slower does not overwrite what the faster wrote, and a reader
        sees the old content or the new one, whole.
        """
        written = {}
        names = [name for name in self.names() if not name.endswith(CWT)]  # a CWT is had from the service
        for name in names:
            place = folder / urlsplit(self.url(name)).path.lstrip("/")
            signed = self._publish(name, place)
            written[signed.url] = place
        if any(name.endswith(JWT) for name in names):
            place = folder / urlsplit(self.aggregation_url).path.lstrip("/")
            write_file(place, self.aggregation())
            written[self.aggregation_url] = place
        return written

    def _find(self, name: str) -> SignedList | None:
        list_id, _ = _split(name)
        version = self._ledger.version(list_id)
        held = self._signed.get(name)
        if held is None or held.version != version:
            return None
        age = self._clock.now() - held.signed_at
        return held if timedelta() <= age < timedelta(seconds=self.refresh_s) else None

    def _publish(self, name: str, place: Path | None) -> SignedList:
        list_id, form = _split(name)
        for _ in range(_TRIES):
            _, last = self._ledger.published(list_id)
            now = self._clock.now()
            at = now if last is None or last < now else last
            signed = self._sign(list_id, form, at)
            write = None if place is None else _writer(place, signed.body)
            if self._ledger.record_publication(list_id, signed.version, at, write):
                return signed
        raise StoreUnavailable("other processes publish this list again and again")

    def _sign(self, list_id: str, form: str, at: datetime) -> SignedList:
        url = self.url(list_id + form)
        signer, method_id = self._signing(at)
        whole = at.replace(microsecond=0)
        purpose = self._ledger.purpose(list_id)
        if form:
            if purpose != REVOCATION:
                raise CredentialNotFound("this list has no token form")
            octets, version = self._ledger.token_octets(list_id)
            claims = build_claims(
                url, octets, _TOKEN_BITS, at=whole, expires=whole + LIST_LIFE, ttl_s=max(1, round(self.refresh_s)),
                aggregation_url=self.aggregation_url, binary=form == CWT,
            )  # fmt: skip
            if form == CWT:
                body, media_type = sign_cwt(claims, signer, method_id), "application/statuslist+cwt"
            else:
                body, media_type = sign_jwt(claims, signer, method_id).encode("ascii"), "application/statuslist+jwt"
        else:
            bits, version = self._ledger.bits(list_id)
            document = build_list_credential(
                url, self._did, [purpose], bits, valid_from=whole, valid_until=whole + LIST_LIFE, ttl_s=self.refresh_s
            )
            body, media_type = _secure(document, signer, method_id, at)
        return SignedList(url, body, media_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"', at, version)


def write_file(place: Path, body: bytes) -> None:
    """Write a file so that a reader sees the old content or the new one, whole."""
    place.parent.mkdir(parents=True, exist_ok=True)
    making = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    making.write_bytes(body)
    making.replace(place)


def _writer(place: Path, body: bytes) -> Callable[[], None]:
    return lambda: write_file(place, body)


def _forms(kept: KeptList) -> tuple[str, ...]:
    return (kept.list_id, kept.list_id + JWT, kept.list_id + CWT) if kept.in_tokens else (kept.list_id,)


def _split(name: str) -> tuple[str, str]:
    """The id and the form in a name; an id has no dot."""
    list_id, dot, form = name.partition(".")
    if dot and dot + form not in (JWT, CWT):
        raise CredentialNotFound("no status list of this name is kept here")
    return list_id, dot + form


def _secure(document: dict[str, object], signer: Signer, method_id: str, at: datetime) -> tuple[bytes, str]:
    suite = find_suite(signer.public.algorithm.name)
    if suite is None and not signer.public.algorithm.verifies:
        # a key that only selective suites sign with: nothing of a list can be hidden
        base = derivation.add_base_proof(document, signer, method_id, _BBS, pointers=[""], created=at)
        return encode(derivation.derive(base, [])), "application/vc"
    if suite is None:
        # no Data Integrity suite for this key: the list is an SD-JWT credential without disclosures
        claims: dict[str, object] = {"iat": int(at.timestamp())}
        return sd_jwt.issue(document, signer, method_id, claims=claims).encode("ascii"), sd_jwt.MEDIA_TYPE
    return encode(data_integrity.add_proof(document, signer, method_id, suite, created=at)), "application/vc"
