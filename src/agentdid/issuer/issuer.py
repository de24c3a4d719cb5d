"""An issuer: its DID and key under seal, credentials minted with a status, revoked, and lists signed and published."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, final
from urllib.parse import urlsplit

from agentdid.clock import Clock, SystemClock
from agentdid.codec.strict_json import encode
from agentdid.delegation.link import ParentLink, build_link, secure_link
from agentdid.did import key as did_key
from agentdid.did import web as did_web
from agentdid.did.document import build_document
from agentdid.did.syntax import check_did
from agentdid.errors import ChainLinkMismatch, CredentialNotFound, DidMethodUnsupported
from agentdid.issuer.status_ledger import StatusLedger
from agentdid.keys.secret import SecretKey
from agentdid.limits import DEFAULT, Limits
from agentdid.proof.suites import SUITES
from agentdid.secure import data_integrity, sd_jwt
from agentdid.status.bitstring import build_list_credential
from agentdid.verify.structure import read_chain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentdid.storage.vault import Kdf

_FRAGMENT: Final = "key-1"
DEFAULT_TTL: Final = timedelta(hours=1)
LIST_LIFE: Final = timedelta(hours=24)
"""How long a signed list may be believed at most, whatever a verifier's own bound; it is re-signed far more often."""


@final
@dataclass(frozen=True, slots=True)
class Issued:
    """A freshly minted credential.

    Attributes:
        id: The credential's `id`, by which it is revoked.
        credential: Compact text, or an object with its proof.
        chain: It and every link above it, root first.
        list_url: The status list that speaks of it.
        index: Its entry there.
    """

    id: str
    credential: str | dict[str, object] = field(repr=False)
    chain: tuple[str | dict[str, object], ...] = field(repr=False)
    list_url: str
    index: int


@final
@dataclass(frozen=True, slots=True)
class SignedList:
    """A status list as it is published.

    Attributes:
        url: Where it belongs.
        body: The signed credential, JSON.
        etag: A strong validator of `body`.
        signed_at: When it was signed.
    """

    url: str
    body: bytes = field(repr=False)
    etag: str
    signed_at: datetime
