"""`relatedResource`: what a credential says about the bytes of other resources (VCDM 2.0 section 5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast, final

from agentdid.canon.contexts import find_digests, is_superseded
from agentdid.credential.digests import Digest, parse_multibase, parse_sri
from agentdid.errors import RelatedResourceMismatch, TypeMismatch
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

_BARE: Final = "expected a multihash: 32 bytes without a header do not say of which algorithm they are"


@final
class Related(Value, frozen=True):
    """One related resource.

    Attributes:
        url: Where it is had.
        digests: Sets of digests, each of which the resource has one of.
        path: Where it stands in the credential.
    """

    url: str
    digests: tuple[tuple[Digest, ...], ...]
    path: str

    def check(self, body: bytes) -> None:
        """Hold that `body` is the resource. Raises `RelatedResourceMismatch`."""
        if not all(any(each.is_of(body) for each in group) for group in self.digests):
            raise RelatedResourceMismatch("the resource has another digest", path=self.path)

    def check_context(self) -> bool:
        """Hold that a context which the package carries is the one that is meant; return whether it carries it.

        The digest of a superseded text is taken too: it is known which text that was, and what is processed is the
        one of today.

        Raises:
            RelatedResourceMismatch: Another text is meant.
        """
        known = find_digests(self.url)
        if known is None:
            return False
        for group in self.digests:
            if not any(_is_known(each, self.url, known._asdict()) for each in group):
                raise RelatedResourceMismatch("the context has another digest", path=self.path)
        return True


def parse_related(document: Mapping[str, object], *, bare: bool = False) -> tuple[Related, ...]:
    """Return the related resources of a well-formed credential.

    Args:
        document: The credential.
        bare: Whether 32 bytes without a multihash header are SHA-256.

    Raises:
        TypeMismatch: A digest without header, where that is not taken.
    """
    value = document.get("relatedResource")
    if value is None:
        return ()
    found = []
    for position, each in enumerate(cast("list[dict[str, Any]]", value)):
        path = f"/relatedResource/{position}"
        groups = []
        if each.get("digestSRI") is not None:
            groups.append(parse_sri(each["digestSRI"]))
        if each.get("digestMultibase") is not None:
            digest = parse_multibase(each["digestMultibase"])
            if digest.bare and not bare:
                raise TypeMismatch(_BARE, path=f"{path}/digestMultibase")
            groups.append((digest,))
        found.append(Related(each["id"], tuple(groups), path))
    return tuple(found)


def check_known(document: Mapping[str, object], *, bare: bool = False) -> tuple[Related, ...]:
    """Hold the digests of all contexts that the package carries; return the resources that it does not carry.

    Raises:
        RelatedResourceMismatch: One is the digest of something else; and the errors of `parse_related`.
    """
    return tuple(each for each in parse_related(document, bare=bare) if not each.check_context())


def _is_known(digest: Digest, url: str, known: Mapping[str, str]) -> bool:
    written = digest.value.hex()
    return known.get(digest.algorithm) == written or is_superseded(written, url)
