"""What was learnt from bytes that cannot change: credentials, DID documents, did:webvh logs and status lists.

It saves work, never a check: of a credential its parts are remembered and no verdict, so that its signature is checked
every time; a remembered list counts only under the same key it was verified with; and time, status and policy are
judged anew. Of credentials only those are remembered that passed every check, and came twice: no stranger fills the
memory, and a stream of credentials that each come once does not go through it.
"""

from __future__ import annotations

from _thread import allocate_lock  # what threading.Lock is, without the millisecond that importing it takes
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, Generic, TypeVar, final

from msgspec import structs

from agentdid.record import Value

if TYPE_CHECKING:
    from datetime import datetime

    from msgspec import Raw

    from agentdid.did.document import DidDocument
    from agentdid.did.webvh.log import History
    from agentdid.keys.public import PublicKey
    from agentdid.limits import Limits
    from agentdid.secure.mechanism import Signature
    from agentdid.status.bitstring import StatusList
    from agentdid.verify.states import Link

_K = TypeVar("_K")
_V = TypeVar("_V")
_MAX_CREDENTIALS: Final = 1_024
_MAX_MET: Final = 16_384
_MAX_TEXT: Final = 16_384  # bytes of a credential that is remembered, which takes some five times as many once parsed
_MAX_DOCUMENTS: Final = 4_096  # a few kB each
_MAX_LISTS: Final = 256  # 16 kB each at the usual size, 16 MiB at the largest
_MAX_LOGS: Final = 64  # 4 MiB each at the largest


@final
class _Recent(Generic[_K, _V]):
    """The most recently used values, at most `size` of them; safe among threads."""

    __slots__ = ("_lock", "_size", "_values")

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[_K, _V] = OrderedDict()
        self._lock = allocate_lock()

    def find(self, key: _K) -> _V | None:
        value = self._values.get(key)
        if value is not None:
            try:
                self._values.move_to_end(key)
            except KeyError:  # another thread made room meanwhile
                return value
        return value

    def keep(self, key: _K, value: _V) -> None:
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._size:
                self._values.popitem(last=False)


@final
class KnownCredential(Value, frozen=True, eq=False):
    """A credential's text taken apart.

    Attributes:
        limits: Those it was read under: under others it might be refused.
        link: Its parts, shared by all judgements that meet the text: nobody changes them.
        canonical: The text's RFC 8785 form, if it stood in a presentation that signs it.
    """

    limits: Limits
    link: Link
    canonical: Raw | None

    def at(self, position: int) -> Link:
        """Return the credential as it stands at that place of an input."""
        link = self.link
        return link if link.position == position else structs.replace(link, position=position)


@final
class KnownList(Value, frozen=True):
    """A status list, when it ends, and the keys under which its signatures held; with no keys, none was checked yet."""

    content: StatusList
    ends: datetime | None
    signatures: tuple[Signature, ...]
    keys: tuple[PublicKey, ...]


@final
class KnownLog(Value, frozen=True, eq=False):
    """A verified did:webvh log, and the digest of the witness file that held against it, if one had to."""

    history: History
    witnessed: bytes | None


@final
class Memory:
    """One verifier's memory; a fresh one gives the same decisions, only slower."""

    __slots__ = ("_credentials", "_met", "documents", "lists", "logs")

    def __init__(self) -> None:
        self._met: set[int] = set()  # hashes of texts that came once
        self._credentials: _Recent[bytes | str, KnownCredential] = _Recent(_MAX_CREDENTIALS)
        self.documents: _Recent[bytes, DidDocument] = _Recent(_MAX_DOCUMENTS)
        self.lists: _Recent[bytes, KnownList] = _Recent(_MAX_LISTS)
        self.logs: _Recent[bytes, KnownLog] = _Recent(_MAX_LOGS)

    def find_credential(self, text: bytes | str, limits: Limits) -> KnownCredential | None:
        """Return what is known of a credential's text, JSON in bytes or a token, under the same limits."""
        known = self._credentials.find(text)
        return known if known is not None and known.limits is limits else None

    def keep_credential(self, text: bytes | str, known: KnownCredential) -> None:
        """Remember a credential's text that passed every check, if it came before and is not long."""
        if hash(text) in self._met:
            if len(text) <= _MAX_TEXT:
                self._credentials.keep(text, known)
            return
        if len(self._met) >= _MAX_MET:
            self._met.clear()
        self._met.add(hash(text))
