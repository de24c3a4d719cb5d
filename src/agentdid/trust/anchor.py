"""Anchors: one issuer that is believed about one set of things."""

from __future__ import annotations

import re
from typing import Final, cast, final

from agentdid.record import Value

SECURITY: Final = ("classical-ok", "hybrid-if-declared", "hybrid-required", "pq-required")
"""PROTOCOL section 5, weakest first."""
DEFAULT_SECURITY: Final = "hybrid-if-declared"
# https, a host and at most a port: RFC 6454 §6.2. The default port is not written, so that one origin has one spelling.
ORIGIN: Final = re.compile(r"https://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?!443$)[1-9][0-9]{0,4})?")
KEYS_AT: Final = ("decision", "signing")
"""PROTOCOL section 3.3, the default first."""


@final
class Anchor(Value, frozen=True):
    """One issuer that is believed about one set of things.

    Attributes:
        did: The issuer.
        types: Exact credential types it may issue.
        roots: Owners on whose behalf it may start a capability chain.
        actions: What such a chain may grant; a trailing `.*` stands for everything below.
        principals: For whom such a chain may act, beside its issuer and its subject.
        status_issuers: Who else may sign its status lists.
        keys: If not empty, the RFC 7638 thumbprints of the only keys that are taken.
        security: What its signatures must be made of.
        linked_domain: The https origin that must say it is this issuer's (`trust.linkage`); `None`: none.
        keys_at: By which keys of a did:webvh its credentials are judged: those it has at the `decision`, or, for a
            credential that says it is older, those it had at the `signing`. The latter believes the time that the
            signer claims, so whoever finds a key that was retired can sign for the past; a key that a later version
            lists as `revoked` is taken for nothing.
        required_proofs: If not empty, which proofs of a Data Integrity credential count, each name one of them: a
            proof's verification method, the DID of it, or, of the issuer's own, its `id` or its suite. Others are not
            looked at.
    """

    did: str
    types: tuple[str, ...]
    roots: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    principals: tuple[str, ...] = ()
    status_issuers: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    security: str = DEFAULT_SECURITY
    linked_domain: str | None = None
    keys_at: str = "decision"
    required_proofs: tuple[str, ...] = ()

    def covers_action(self, action: str) -> bool:
        """Whether a chain under this anchor may grant `action`."""
        return covers(self.actions, action)

    def encode(self) -> dict[str, object]:
        """Return it as JSON."""
        return {name: _plain(getattr(self, name)) for name in self.__struct_fields__}

    @classmethod
    def decode(cls, value: object) -> Anchor:
        """Return what `encode` wrote. Raises `TypeError` or `AttributeError` for anything else."""
        row = cast("dict[str, object]", value)
        return cls(**{name: tuple(each) if isinstance(each, list) else each for name, each in row.items()})  # type: ignore[arg-type]


def covers(patterns: tuple[str, ...], action: str) -> bool:
    """Whether one of some patterns stands for an action; a trailing `.*` stands for everything below."""
    return any(action.startswith(pattern[:-1]) if pattern.endswith(".*") else action == pattern for pattern in patterns)


def is_pattern(text: str) -> bool:
    """Whether it is an action, or one with a trailing `.*` as its only wildcard."""
    return text != ".*" and "*" not in text.removesuffix(".*")


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
