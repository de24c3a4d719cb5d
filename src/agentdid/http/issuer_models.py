"""What may be asked of an issuer's service, and what it answers; what the issuer decides itself is in neither."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from agentdid.secure import sd_jwt

if TYPE_CHECKING:
    from agentdid.issuer.ledger_tables import Change, Entry

MAX_BATCH = 1_000
Reason = Annotated[str | None, Field(max_length=512, description="For the history; no verifier sees it.")]


class _Asked(BaseModel):
    """A body: nothing in it is passed over."""

    model_config = ConfigDict(extra="forbid")


class NewCredential(_Asked):
    """What may be asked of an issuer; whatever it decides itself (issuer, status, validity's start) is not here."""

    to: str = Field(description="The DID that may use it.")
    capability: dict[str, object] = Field(description="specs/capability-credential.md")
    claims: dict[str, object] | None = Field(default=None, description="More claims about the subject.")
    disclosable: list[str] = Field(default_factory=list, max_length=64, description="Paths the holder may withhold.")
    parent: list[str | dict[str, object]] | None = Field(
        default=None, max_length=8, description="The chain it hangs on, root first."
    )
    ttl_s: int = Field(default=3_600, ge=1, le=366 * 86_400)
    format: str = sd_jwt.TYP
    statusForm: Literal["bitstring", "token"] = "bitstring"  # noqa: N815  # wire spelling
    suspendable: bool = True


class Batch(_Asked):
    """Credentials that are asked for together."""

    credentials: list[NewCredential] = Field(min_length=1, max_length=MAX_BATCH)


class Act(_Asked):
    """Why something is done to one credential."""

    reason: Reason = None


class ActOnMany(_Asked):
    """The kill switch: what is done, and to which; at least one of the conditions is set, or `everything`."""

    act: Literal["revoke", "suspend", "reinstate"] = "revoke"
    subject: str | None = Field(default=None, min_length=1, description="Whom they were issued to.")
    key: str | None = Field(default=None, min_length=1, description="The verification method that signed them.")
    issuedFrom: AwareDatetime | None = None  # noqa: N815  # wire spelling
    issuedUntil: AwareDatetime | None = None  # noqa: N815  # wire spelling
    credentials: list[str] | None = Field(default=None, min_length=1, max_length=MAX_BATCH)
    everything: Literal[True] | None = Field(default=None, description="All that this issuer ever issued.")
    reason: Reason = None


class MadeCredential(BaseModel):
    """A credential, and the chain it ends, root first."""

    id: str
    credential: str | dict[str, object]
    chain: list[str | dict[str, object]]


class Changed(BaseModel):
    """Whether an act changed anything."""

    id: str
    changed: bool


class ChangedMany(BaseModel):
    """How many credentials an act changed."""

    changed: int


class Past(BaseModel):
    """One act upon a credential."""

    act: str
    at: datetime
    reason: str | None


class Held(BaseModel):
    """What is known of an issued credential."""

    id: str
    subject: str
    state: Literal["good", "suspended", "revoked"]
    issuedAt: datetime  # noqa: N815  # wire spelling
    validUntil: datetime  # noqa: N815  # wire spelling
    key: str
    statusList: str  # noqa: N815  # wire spelling
    statusIndex: int  # noqa: N815  # wire spelling
    history: list[Past] | None = None


class Page(BaseModel):
    """Issued credentials, newest first; `next` gives the page that follows."""

    credentials: list[Held]
    next: int | None


def held_of(entry: Entry, list_url: str, history: list[Change] | None = None) -> Held:
    """Return an entry as it is shown."""
    return Held(
        id=entry.credential_id, subject=entry.subject, state=entry.state,  # type: ignore[arg-type]  # one of the three
        issuedAt=entry.issued_at, validUntil=entry.valid_until, key=entry.key_id, statusList=list_url,
        statusIndex=entry.index,
        history=None if history is None else [Past(act=each.act, at=each.at, reason=each.reason) for each in history],
    )  # fmt: skip
