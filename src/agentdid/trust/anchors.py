"""A verifier's trust: who owns which resources, and who else may issue what. Whatever is not said here is no.

`Trust.load` reads `trust.toml` (`trust.trust_file`); the same policy travels in evidence bundles (`trust.encoding`).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final, final

from msgspec import structs

from agentdid.delegation.resources import is_below
from agentdid.limits import DEFAULT, Limits
from agentdid.record import Value
from agentdid.trust.content import IGNORED, Content
from agentdid.trust.profile import STRICT, Profile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agentdid.canon.contexts import ContextRules
    from agentdid.credential.type_metadata import HeldType
    from agentdid.did.universal import UniversalResolver
    from agentdid.policy.rules import Rules
    from agentdid.trust.anchor import Anchor
    from agentdid.trust.denied import DenyEntry
    from agentdid.trust.registry import Registry
    from agentdid.trust.trust_list import ListRef

_BASE_TYPES: Final = frozenset({"VerifiableCredential"})


@final
class Trust(Value, frozen=True):
    """The whole policy of one verifier.

    Attributes:
        audience: What presentations must name, byte for byte.
        did: The verifier's own DID, which `capability.audience` must include.
        resources: Resource prefix → the DID of its owner; the longest prefix decides.
        anchors: Never merged: one anchor alone must allow what is claimed.
        limits: The bounds of this verifier.
        fetch_allow: Addresses or networks that may be fetched from though they are not public.
        fetch_ca: A file of certificates to trust beside the system's.
        any_issuer: Set only by `UnsafeAnyIssuer`.
        types: The types of SD-JWT VCs whose metadata is held, by `vct`.
        resolver: Who is believed about DIDs of methods that are not built here; by default nobody.
        content: What is asked about documents beside a credential.
        presentation_proofs: If not empty, which proofs of a presentation count, as `Anchor.required_proofs`.
        profile: What is asked beyond what specifications ask. Of it a trust file sets `vc_claims` (`vc_jwt_1_1`); all
            else only test instances have otherwise.
        policy: What is wanted of requests beyond what is true (`policy.table`); `None` for nothing.
        lists: The trust lists that are asked, in this order, where no anchor covers what is claimed.
        registries: The trust registries that are asked after them.
        store: Where nonces and counters are kept (`storage.takes.open_takes`); by default this process's memory.
        denied: What is denied whatever else holds, by name (`trust.denied`).
        denies: Whether a deny list is asked beside it, too; by default where `store` names where it is.
        by_issuer: The anchors of each issuer with their types, in their order; follows from `anchors`, whatever was
            handed in.
        names_domain: Whether an anchor has a `linked_domain`; follows likewise.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"by_issuer", "names_domain", "store"})

    audience: str
    did: str
    resources: Mapping[str, str]
    anchors: tuple[Anchor, ...] = ()
    limits: Limits = DEFAULT
    fetch_allow: tuple[str, ...] = ()
    fetch_ca: str | None = None
    any_issuer: bool = False
    resolver: UniversalResolver | None = None
    content: Content = IGNORED
    presentation_proofs: tuple[str, ...] = ()
    profile: Profile = STRICT
    types: Mapping[str, HeldType] = MappingProxyType({})
    store: str | None = None
    policy: Rules | None = None
    denied: Mapping[str, DenyEntry] = MappingProxyType({})
    denies: bool = False
    lists: tuple[ListRef, ...] = ()
    registries: tuple[Registry, ...] = ()
    by_issuer: Mapping[str, tuple[tuple[frozenset[str], Anchor], ...]] = MappingProxyType({})
    names_domain: bool = False

    def __post_init__(self) -> None:
        by_issuer: dict[str, tuple[tuple[frozenset[str], Anchor], ...]] = {}
        for anchor in self.anchors:
            by_issuer[anchor.did] = (*by_issuer.get(anchor.did, ()), (frozenset(anchor.types), anchor))
        structs.force_setattr(self, "by_issuer", MappingProxyType(by_issuer))
        structs.force_setattr(self, "names_domain", any(each.linked_domain is not None for each in self.anchors))

    @property
    def context_rules(self) -> ContextRules | None:
        """What `@context` may be, where statements are signed; `None` for `canon.contexts.STRICT`."""
        if not self.profile.any_context:
            return None
        from agentdid.canon.contexts import OPEN  # noqa: PLC0415  # most policies are strict

        return OPEN

    @classmethod
    def load(cls, path: str | Path) -> Trust:
        """Return the policy in a `trust.toml`; relative file names in it are relative to it.

        Raises:
            ValueError: An unknown or missing key, a wrong type, or a value that cannot be meant.
            OSError: The file cannot be read.
        """
        from agentdid.trust.trust_file import load_trust  # noqa: PLC0415  # which stands on this

        return load_trust(path)

    @classmethod
    def parse(cls, table: Mapping[str, object], beside: str | Path | None = None) -> Trust:
        """Return the policy that a parsed TOML table says.

        Args:
            table: As `tomllib` reads it.
            beside: The file to whose folder relative file names belong.

        Raises:
            ValueError: An unknown or missing key, a wrong type, or a value that cannot be meant.
        """
        from agentdid.trust.trust_file import parse_trust  # noqa: PLC0415  # as above

        return parse_trust(table, beside)

    @classmethod
    def nobody(cls) -> Trust:
        """Return the policy that believes nobody: what a verifier without a trust file has."""
        return cls(audience="", did="", resources=MappingProxyType({}))

    def encode(self) -> dict[str, object]:
        """Return the policy as JSON: all that bears on a decision, nothing of how documents are fetched."""
        from agentdid.trust.encoding import encode_trust  # noqa: PLC0415  # as above

        return encode_trust(self)

    @classmethod
    def decode(cls, value: object) -> Trust:
        """Return the policy that `encode` wrote.

        Raises:
            TypeMismatch: It did not write this.
        """
        from agentdid.trust.encoding import decode_trust  # noqa: PLC0415  # as above

        return decode_trust(value)

    def find_root(self, resource: str) -> str | None:
        """Return the DID that owns a normalized resource, by the longest configured prefix; `None` for nobody."""
        best: str | None = None
        for prefix in self.resources:
            if is_below(resource, prefix) and (best is None or len(prefix) > len(best)):
                best = prefix
        return None if best is None else self.resources[best]

    def find_required(self, document: dict[str, object]) -> tuple[str, ...]:
        """Return by which names the proofs of a credential count; none where some anchor for it has all proofs count.

        Nothing of the document's shape is known yet: what is wrong with it is said where its shape is checked.
        """
        issuer, types = document.get("issuer"), document.get("type")
        did = issuer.get("id") if isinstance(issuer, dict) else issuer
        named = tuple(each for each in (types if isinstance(types, list) else [types]) if isinstance(each, str))
        anchors = self.find_anchors(did, named) if isinstance(did, str) else ()
        if not all(anchor.required_proofs for anchor in anchors):
            return ()
        return tuple(dict.fromkeys(name for anchor in anchors for name in anchor.required_proofs))

    def find_anchors(self, issuer: str, types: tuple[str, ...]) -> tuple[Anchor, ...]:
        """Return the anchors under which `issuer` may issue a credential of these types.

        Exact strings only (ATTACKS A16, V08): an anchor fits when it lists every type but `VerifiableCredential`.
        """
        named = named_types(types)
        return tuple([anchor for allowed, anchor in self.by_issuer.get(issuer, ()) if named and named <= allowed])


def named_types(types: tuple[str, ...]) -> frozenset[str]:
    """Return the types of a credential that somebody must be allowed to issue: all but `VerifiableCredential`."""
    return frozenset(types) - _BASE_TYPES


class UnsafeAnyIssuer:
    """A trust policy that believes every issuer: for a wallet that keeps what it was sent and lends nobody access.

    A verifier built on it authorizes whoever can sign. The name is meant to stand out in a review.
    """

    def __new__(cls, audience: str = "", did: str = "", limits: Limits = DEFAULT) -> Trust:  # type: ignore[misc]
        """Return the policy; it is an ordinary `Trust` whose `any_issuer` is set."""
        return Trust(audience, did, MappingProxyType({}), limits=limits, any_issuer=True)
