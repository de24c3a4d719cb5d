"""What was learnt from bytes that cannot change: DID documents, did:webvh logs, links and status lists that verified.

It saves work, never a check: a remembered list counts only under the same key it was verified with, and time, status
and policy are judged anew every time.
"""

from __future__ import annotations

from _thread import allocate_lock  # what threading.Lock is, without the millisecond that importing it takes
from collections import OrderedDict
from typing import TYPE_CHECKING, ClassVar, Final, Generic, TypeVar, final

from msgspec import structs

from agentdid.record import Value
from agentdid.secure.mechanism import level_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from agentdid.did.document import DidDocument
    from agentdid.did.webvh.log import History
    from agentdid.keys.public import PublicKey
    from agentdid.secure.mechanism import Signature
    from agentdid.status.bitstring import StatusList
    from agentdid.status.token_list import TokenStatusList
    from agentdid.verify.known_links import KnownLink, Text
    from agentdid.verify.needs import Answer, Resource
    from agentdid.verify.trust_list import KnownTrustList, NewestTrustList

_K = TypeVar("_K")
_V = TypeVar("_V")
_MAX_DOCUMENTS: Final = 4_096  # a few kB each
_MAX_LISTS: Final = 256  # 16 kB each at the usual size, 16 MiB at the largest
_MAX_LOGS: Final = 64  # 4 MiB each at the largest
_MAX_TRUST_LISTS: Final = 64  # some 300 bytes an issuer, so 30 MB for 100,000 of them
_MAX_LINKS: Final = 1_024  # 16 kB of text each at the largest (verify.known_links), and some five times as much parsed
_MAX_MET: Final = 16_384


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
        if self._size == 0:
            return
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._size:
                self._values.popitem(last=False)


@final
class KnownList(Value, frozen=True, eq=False):
    """A status list whose signatures held under certain keys, or whose signatures are still to be checked.

    Attributes:
        url: What it says its own URL is.
        issuer: Who is to have signed it.
        signed_at: When, by its own word; `None` where it does not say.
        ends: When it may no longer be believed.
        signatures: All must hold.
        keys: Those under which they held; none as long as none was checked.
        read: Gives the content, unpacked; not called before the signatures held.
        content: What it gave.
        level: What the signatures withstand.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"read"})

    url: str
    issuer: str
    signed_at: datetime | None
    ends: datetime | None
    signatures: tuple[Signature, ...]
    keys: tuple[PublicKey, ...]
    read: Callable[[], StatusList | TokenStatusList] | None
    content: StatusList | TokenStatusList | None = None
    level: str = ""

    def __post_init__(self) -> None:
        structs.force_setattr(self, "level", level_of(self.signatures))  # it follows from them, whatever was handed in


@final
class NewestList(Value, frozen=True, eq=False):
    """The list of a URL that verified and was signed last of all that were seen."""

    signed_at: datetime
    resource: Resource


@final
class KnownLog(Value, frozen=True, eq=False):
    """A verified did:webvh log, and the digest of the witness file that held against it, if one had to."""

    history: History
    witnessed: bytes | None


@final
class Memory:
    """One verifier's memory; a fresh one gives the same decisions, only slower.

    Args:
        max_links: How many credentials are remembered; with 0 none is, and every one is read and checked every time.
        signatures: Whether it is remembered that the signatures of a chain's links held; if not, only what a
            credential says is, and every signature is checked every time.
    """

    __slots__ = (
        "_met",
        "documents",
        "links",
        "lists",
        "logs",
        "newest",
        "newest_trust_lists",
        "pairs",
        "signatures",
        "trust_lists",
    )

    def __init__(self, *, max_links: int = _MAX_LINKS, signatures: bool = True) -> None:
        self.signatures = signatures
        self.documents: _Recent[bytes, DidDocument] = _Recent(_MAX_DOCUMENTS)
        self.lists: _Recent[bytes, KnownList] = _Recent(_MAX_LISTS)
        self.newest: _Recent[str, NewestList] = _Recent(_MAX_LISTS)
        self.trust_lists: _Recent[bytes, KnownTrustList] = _Recent(_MAX_TRUST_LISTS)
        self.newest_trust_lists: _Recent[str, NewestTrustList] = _Recent(_MAX_TRUST_LISTS)
        self.logs: _Recent[bytes, KnownLog] = _Recent(_MAX_LOGS)
        self.links: _Recent[Text, KnownLink] = _Recent(max_links)
        # child and parent, of which the child is narrower
        self.pairs: _Recent[tuple[Text, Text], bool] = _Recent(max_links)
        self._met: set[int] = set()

    def is_newest(self, answer: Answer) -> bool:
        """Whether no list of an answer's URL has verified but this one; else it is to be seen which is newer."""
        newest = self.newest.find(answer.url)
        return newest is None or newest.resource is answer

    def has_met(self, text: Text) -> bool:
        """Whether a text came before; from now on it has. By its hash, so once in a while one that did not."""
        mark = hash(text)
        if mark in self._met:
            return True
        if len(self._met) >= _MAX_MET:
            self._met.clear()
        self._met.add(mark)
        return False
