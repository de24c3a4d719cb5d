"""The JSON-LD contexts that may be used: carried as pinned tables, or registered by the application; never fetched.

* A table that is not the one of this version fails when it is loaded (ATTACKS F19).
* A URL that is neither carried nor registered is `context_load_forbidden`.
* `register` adds a context under a digest that the application states; a URL keeps its first meaning for good, so
  what was decided under it stays decided. It may be called from any thread at any time.
* `ContextRules` say what a document's ``@context`` may look like.
"""

from __future__ import annotations

import hashlib
import threading
from importlib import resources
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

from agentdid.canon.context_pins import PINS, SUPERSEDED
from agentdid.canon.term_table import Layers, Uncovered, compile_context, rebuild_context
from agentdid.codec.strict_json import encode, parse
from agentdid.errors import ContextLoadForbidden, ContextNotAllowed, Malformed, TypeMismatch

if TYPE_CHECKING:
    from agentdid.canon.context_pins import Pin

AGENTDID_V1_URL: Final = "https://w3id.org/agentdid/v1"
AGENTDID_V1_SHA256: Final = "b4cb8423bf34d9fc5c984d1680728814b2c0f6207320924d8dc82ad72f45cbfd"
BASES: Final = frozenset(
    {
        "https://www.w3.org/ns/credentials/v2",
        "https://www.w3.org/2018/credentials/v1",
        "https://www.w3.org/ns/did/v1.1",
        "https://www.w3.org/ns/did/v1",
        "https://www.w3.org/ns/cid/v1",
        "https://w3id.org/did-resolution/v1",
        "https://w3id.org/zcap/v1",
    }
)
"""Contexts that a document may begin with."""


class Digests(NamedTuple):
    """What a context's official file hashes to, hexadecimal."""

    sha256: str
    sha384: str


@final
class ContextRules:
    """What ``@context`` may be.

    Deviation D32: by default contexts stand in one order, and none defines every term.

    Args:
        inline: Objects among the URLs are taken.
        vocabularies: Contexts with ``@vocab``, which define every term, are taken (ATTACKS F08).
        ordered: The first context is one of `BASES` and the rest follow in the order of `context_pins`, registered
            ones last: one set of contexts has one spelling (ATTACKS F07).
        lists: If given, only these exact lists are taken, in any nested place too.
    """

    __slots__ = ("inline", "lists", "ordered", "roots", "vocabularies")

    def __init__(
        self,
        *,
        inline: bool = False,
        vocabularies: bool = False,
        ordered: bool = True,
        lists: frozenset[tuple[str, ...]] | None = None,
    ) -> None:
        self.inline = inline
        self.vocabularies = vocabularies
        self.ordered = ordered
        self.lists = lists
        self.roots: dict[tuple[str, ...], Any] = {}
        """What `jsonld` remembers of lists that these rules have let through."""

    def check(self, local: list[object]) -> None:
        """Hold that a document may carry this list.

        Raises:
            ContextLoadForbidden: A URL is not known.
            ContextNotAllowed: The list is not one that these rules allow.
            TypeMismatch: A member is no context.
        """
        ranks = []
        for each in local:
            if isinstance(each, str):
                ranks.append(rank(each))
                if not self.vocabularies and _defines_everything(each):
                    raise ContextNotAllowed("a context that defines every term is not taken", path="/@context")
            elif not isinstance(each, dict):
                raise TypeMismatch("expected a list of context URLs", path="/@context")
            elif not self.inline:
                raise ContextNotAllowed("an inline context is not taken", path="/@context")
        if self.lists is not None and tuple(local) not in self.lists:
            raise ContextNotAllowed("the list of contexts is not one of those configured", path="/@context")
        if self.ordered:
            if not local or local[0] not in BASES:
                raise ContextNotAllowed("expected a base context first", path="/@context")
            if any(one >= following for one, following in pairwise(ranks[1:])):
                raise ContextNotAllowed("contexts after the first stand in one order, each once", path="/@context")
            if local[0] in local[1:]:
                raise ContextNotAllowed("a context stands once", path="/@context")


STRICT: Final = ContextRules()
"""For what comes from strangers: known URLs in their order, and nothing inline."""
OPEN: Final = ContextRules(inline=True, vocabularies=True, ordered=False)
"""For test instances and other people's examples."""


@final
class _Registry:
    """What is known of each URL; tables are read when they are first needed."""

    __slots__ = ("digests", "documents", "layers", "lock", "pins", "ranks")

    def __init__(self, pins: tuple[Pin, ...]) -> None:
        self.lock = threading.Lock()
        self.pins = {pin.url: pin for pin in pins}
        self.ranks = {pin.url: position for position, pin in enumerate(pins)}
        self.digests = {pin.url: Digests(pin.sha256, pin.sha384) for pin in pins}
        self.layers: dict[str, Layers] = {}
        self.documents: dict[str, dict[str, object] | None] = {}
        """Registered contexts that tables do not cover, for the general processor."""


_KNOWN: Final = _Registry(PINS)


def register(url: str, document: bytes, sha256: str) -> None:
    """Make a context usable under its URL.

    Args:
        url: What documents will write; absolute, and not one that the package carries.
        document: The context file, byte for byte.
        sha256: Its digest, hexadecimal, which the application states by itself and does not compute from `document`.

    Raises:
        ValueError: The digest is another one, the file is no context, or the URL already means something else.
    """
    if hashlib.sha256(document).hexdigest() != sha256.lower():
        message = f"the context for {url} has another SHA-256 than was stated"
        raise ValueError(message)
    try:
        content = parse(document).value
    except Malformed:
        content = None
    if "://" not in url or not isinstance(content, dict) or "@context" not in content:
        message = f"expected an absolute URL and a JSON-LD context file, got {url}"
        raise ValueError(message)
    digests = Digests(sha256.lower(), hashlib.sha384(document).hexdigest())
    with _KNOWN.lock:
        known = _KNOWN.digests.get(url)
        if known == digests:
            return
        if known is not None:
            message = f"{url} is already known with another content"
            raise ValueError(message)
        try:
            _KNOWN.layers[url] = compile_context(content)
        except Uncovered:
            _KNOWN.documents[url] = {"@context": content["@context"]}
        _KNOWN.ranks[url] = len(_KNOWN.ranks)
        _KNOWN.digests[url] = digests


def find_layers(url: str) -> Layers:
    """Return the layers of a known context.

    Raises:
        ContextLoadForbidden: It is not known.
        Uncovered: It was registered and has no layers.
        RuntimeError: The installation has been changed (ATTACKS F19).
    """
    layers = _KNOWN.layers.get(url)
    if layers is None:
        pin = _KNOWN.pins.get(url)
        if pin is None:
            if url in _KNOWN.documents:
                raise Uncovered
            raise ContextLoadForbidden("the URL of a context is neither carried nor registered", path="/@context")
        layers = _KNOWN.layers[url] = _load_table(pin)
    return layers


def find_document(url: str) -> dict[str, object]:
    """Return a known context as an object that any JSON-LD processor reads, rebuilt from its table if it has one.

    Raises:
        ContextLoadForbidden, RuntimeError: As `find_layers`.
    """
    document = _KNOWN.documents.get(url)
    return rebuild_context(find_layers(url)) if document is None else document


def find_digests(url: str) -> Digests | None:
    """Return the digests of a known context's official file, for `relatedResource`."""
    return _KNOWN.digests.get(url)


def is_superseded(digest: str, url: str | None = None) -> bool:
    """Whether a digest, SHA-256 or SHA-384, is that of an older text of a context: recognized, never processed.

    Args:
        digest: Hexadecimal.
        url: If given, whether it is one of this context.
    """
    return digest in SUPERSEDED and url in (None, SUPERSEDED[digest])


def rank(url: str) -> int:
    """Return where a context stands in the order of lists. Raises `ContextLoadForbidden` if it is not known."""
    found = _KNOWN.ranks.get(url)
    if found is None:
        raise ContextLoadForbidden("the URL of a context is neither carried nor registered", path="/@context")
    return found


def load_agentdid_v1() -> bytes:
    """Return the context file, byte for byte as in specs/contexts.

    Raises:
        RuntimeError: The file in the installation is not the one that this version was released with (ATTACKS F19).
    """
    body = resources.files("agentdid.canon").joinpath("agentdid-v1.jsonld").read_bytes()
    if hashlib.sha256(body).hexdigest() != AGENTDID_V1_SHA256:
        message = "the agentdid context of this installation has been changed"
        raise RuntimeError(message)
    return body


def _load_table(pin: Pin) -> Layers:
    body = resources.files("agentdid.canon").joinpath("tables", pin.table).read_bytes()
    if hashlib.sha256(body).hexdigest() != pin.table_sha256:
        message = f"the table of {pin.url} in this installation has been changed"
        raise RuntimeError(message)
    return parse(body).value  # type: ignore[return-value]  # pinned, and a list


def _defines_everything(url: str) -> bool:
    """Whether terms that nobody listed have a meaning under this context."""
    try:
        vocab = None
        for layer in find_layers(url):
            if isinstance(layer, dict):
                vocab = layer.get("vocab", vocab)
    except Uncovered:
        return b'"@vocab":' in encode(_KNOWN.documents[url])
    return vocab is not None
