"""Every number that bounds work, size or time, in one frozen object, each with its reason.

A document's sender chooses its size, its depth and its counts; `Limits` says how far that goes, and a `Budget`
counts the work that is left. A limit is never raised by what it limits.
"""

from __future__ import annotations

from typing import Final, Self, final

from msgspec import Struct

from agentdid.errors import CanonicalizationLimit, InputTooLarge
from agentdid.record import Value

HARD_MAX_CHAIN: Final = 8
"""Links that no policy can exceed: each costs the verifier a signature and a status (specs/delegation.md)."""


@final
class Limits(Value, frozen=True):
    """The bounds of one verifier, wallet or issuer. Sizes in bytes, times in seconds (`_s`)."""

    max_input_bytes: int = 262_144
    """One document or token: 8 links of 16 kB, twice over. Read before anything is decoded."""
    max_header_bytes: int = 32_768
    """One `Authorization` value: what common servers accept when asked to (specs/presentation-over-http.md)."""
    max_depth: int = 64
    """Nested arrays and objects. Real credentials stay under 12; Python's own stack holds far more."""
    max_members: int = 20_000
    """Array elements plus object members of one JSON text: bounds the walk over it."""
    max_chain: int = 5
    """Links of a delegation chain, root included; never over `HARD_MAX_CHAIN`."""
    max_credentials: int = 16
    """Credentials in one presentation."""
    max_proofs: int = 8
    """Proofs on one document."""
    max_disclosures: int = 512
    """Disclosures of one SD-JWT: each costs a hash and a parse."""
    max_grants: int = 64
    """Grants of one capability; each is compared with one parent grant."""
    max_signatures: int = 64
    """Signature checks one input may cause, status lists included."""
    max_fetches: int = 48
    """Documents one input may make us ask for: a DID and a list for each of 16 credentials, and some."""
    max_statements: int = 1_024
    """Statements under selective proofs, hidden ones included: each costs about a signature check."""
    max_rdfc_steps: int = 100_000
    """Quads that canonical labelling may look at (RDFC-1.0 section 7.1): half a second."""
    leeway_s: int = 60
    """Clock skew between honest parties, counted against now only (RFC 7519 section 4.1.4)."""
    max_presentation_life_s: int = 60
    """From `iat` to `exp` of a presentation: it answers one challenge and is not kept."""
    max_kb_age_s: int = 300
    """How old a key binding JWT may be: it has no end of its own (RFC 9901 section 7.3)."""
    max_key_age_s: int = 300
    """How old a DID document may be when a key in it is believed."""
    min_key_refetch_s: int = 60
    """A DID document younger than this is not asked for again because it lacks a key (ATTACKS I18)."""
    max_statusless_life_s: int = 3_600
    """Lifetime of a delegated link that cannot be revoked."""
    status_staleness_s: int = 60
    """How old a status list may be, counted from its signature."""
    min_status_ttl_s: int = 60
    """An issuer's `ttl` below this is read as this, so that it cannot cause a storm of fetches."""
    max_status_ttl_s: int = 86_400
    """An issuer's `ttl` above this is read as this, so that it cannot freeze a status."""
    min_status_entries: int = 131_072
    """Bitstring Status List v1.0 section 3.4: fewer entries give no herd privacy."""
    max_status_list_bytes: int = 16_777_216
    """A decoded list: 134 million entries of one bit."""
    max_fetch_bytes: int = 4_194_304
    """One fetched body, as sent and as decoded."""
    max_trust_lists: int = 8
    """Trust lists that are asked about one credential, those that lists name included."""
    max_trust_list_members: int = 2_000_000
    """As `max_members`, of a trust list that the policy or a list under it names: 100,000 entries, each its own."""
    max_registry_queries: int = 8
    """Questions to one trust registry about one credential: one for each action that a chain would grant."""
    max_log_entries: int = 4_096
    """Entries of a did:webvh log, each a signature check: a rotation a day for eleven years, checked in 0.3 s."""
    fetch_timeout_s: float = 5.0
    """One fetch from name look-up to last byte."""
    nonce_life_s: int = 120
    """How long a challenge can be answered."""
    max_nonces: int = 100_000
    """Consumed nonces kept at once in memory; when full, new ones are refused, not old ones forgotten."""
    max_counted: int = 1_000_000
    """Counted calls, budgets and request ids kept at once: each call of a window is kept for its length."""
    request_id_life_s: int = 86_400
    """How long a request's id names what was charged: a client that retries does so within a day."""
    max_approval_life_s: int = 900
    """From `validFrom` to `validUntil` of an approval: it is given for what is about to be done."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
                message = f"limit {name} must be a positive number, got {value!r}"
                raise ValueError(message)
        if self.max_chain > HARD_MAX_CHAIN:
            message = f"max_chain is at most {HARD_MAX_CHAIN}, got {self.max_chain}"
            raise ValueError(message)


DEFAULT: Final = Limits()


@final
class Budget(Struct, eq=False):
    """The work that one input may still cause.

    One budget goes through the whole judgement of an input, nested status lists included, so that
    parts cannot each be cheap and the sum dear.

    Attributes:
        signatures: Signature checks left; `Limits.max_signatures` at first.
        fetches: Outside documents left; `Limits.max_fetches` at first.
        rdfc_steps: Labelling steps left; `Limits.max_rdfc_steps` at first.
        statements: Statements left that a selective proof signs one by one; `Limits.max_statements` at first.
    """

    signatures: int
    fetches: int
    rdfc_steps: int
    statements: int

    @classmethod
    def of(cls, limits: Limits) -> Self:
        """Return the whole budget of one input."""
        return cls(limits.max_signatures, limits.max_fetches, limits.max_rdfc_steps, limits.max_statements)

    def spend_signature(self) -> None:
        """Pay for one signature check. Raises `InputTooLarge` when nothing is left."""
        self.signatures -= 1
        if self.signatures < 0:
            raise InputTooLarge("more signatures to check than the limit allows")

    def spend_fetch(self) -> None:
        """Pay for one outside document. Raises `InputTooLarge` when nothing is left."""
        self.fetches -= 1
        if self.fetches < 0:
            raise InputTooLarge("more outside documents needed than the limit allows")

    def spend_statements(self, count: int) -> None:
        """Pay for statements that are checked one by one. Raises `InputTooLarge` when nothing is left."""
        self.statements -= count
        if self.statements < 0:
            raise InputTooLarge("more statements under selective proofs than the limit allows")

    def spend_rdfc(self, steps: int) -> None:
        """Pay for looking at quads to label blank nodes. Raises `CanonicalizationLimit` when nothing is left."""
        self.rdfc_steps -= steps
        if self.rdfc_steps < 0:
            raise CanonicalizationLimit("labelling blank nodes takes more steps than the limit allows")
