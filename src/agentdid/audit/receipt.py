"""Receipts: a verifier's signed word on one decision, for the agent that presented.

A compact JWT. It names the presentation, the request, every link by its digest, the policy, and the entry of the
verifier's log, so that an agent can hold the verifier to it; it repeats no claim and no argument's value.

Spec: specs/decision-receipt.md.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  # msgspec reads the annotation as it runs
from functools import lru_cache
from typing import TYPE_CHECKING, Final, final

import msgspec

from agentdid.audit.record import Call, Named, Text  # noqa: TC001  # as above
from agentdid.codec.base import encode_base64url
from agentdid.errors import AgentdidError, AlgKeyMismatch, ReceiptInvalid
from agentdid.limits import DEFAULT, Limits
from agentdid.proof.jws import parse_jws
from agentdid.record import Value
from agentdid.secure.claims import check_header, signature_of

if TYPE_CHECKING:
    from agentdid.keys.algorithms import Algorithm
    from agentdid.keys.secret import Signer
    from agentdid.secure.mechanism import Signature

_encode: Final = msgspec.json.Encoder().encode
TYP: Final = "agentdid-receipt+jwt"
HEADER: Final = "Agent-Receipt"
"""The HTTP header in which a receipt comes."""
MAX_RECEIPT: Final = 12_288
"""Characters of a receipt that goes in a header: some clients take 16 kB of headers, and no more."""


@final
class Logged(Value, frozen=True, forbid_unknown_fields=True):
    """The entry of the verifier's log.

    Attributes:
        origin: Of the log, as its checkpoints name it.
        index: Of the entry.
        leaf: Its leaf hash, in base64url, by which its inclusion is proved.
    """

    origin: Text
    index: int
    leaf: Text


@final
class Statement(Value, frozen=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """What a receipt says.

    Attributes:
        iss: The verifier's DID.
        sub: The DID that presented.
        iat: When it was decided, in whole seconds.
        outcome: `accepted`, `refused`, `malformed` or `undecided`.
        policy: The digest of the trust policy.
        links: The id and the digest of each credential, a chain root first: whoever holds them sees the rest there.
        code: Of what is no yes: why.
        safe_until: Until when the evidence of a yes may be relied upon.
        audience: As the presentation names it.
        nonce: Which it answered.
        presentation: The multihash of its first signature.
        request: What was asked to be done.
        exercised: The id of the grant used at each link.
        policies: The names of the policies that decided, beside the trust policy.
        log: Where it is recorded.
    """

    iss: Text
    sub: Text
    iat: int
    outcome: Text
    policy: Text
    links: tuple[Named, ...]
    code: Text | None = None
    safe_until: datetime | None = None
    audience: Text | None = None
    nonce: Text | None = None
    presentation: Text | None = None
    request: Call | None = None
    exercised: tuple[Text, ...] = ()
    policies: tuple[Text, ...] = ()
    log: Logged | None = None


@final
class ReceiptKey(Value, frozen=True):
    """The key by which a verifier signs receipts.

    Attributes:
        signer: The key.
        method_id: Its absolute DID URL: a method of the verifier's DID, in `assertionMethod`.
    """

    signer: Signer
    method_id: str

    @property
    def did(self) -> str:
        """Whose it is."""
        return self.method_id.partition("#")[0]

    def sign(self, statement: Statement) -> str:
        """Return the receipt (specs/decision-receipt.md R1-R3)."""
        head = _protected(self.signer.public.algorithm, self.method_id)
        signing_input = f"{head}.{encode_base64url(_encode(statement))}"
        return f"{signing_input}.{encode_base64url(self.signer.sign(signing_input.encode('ascii')))}"


@lru_cache(maxsize=64)
def _protected(algorithm: Algorithm, method_id: str) -> str:
    """Return the header segment of a key's receipts. Raises `AlgKeyMismatch`: JOSE has no such algorithm."""
    if not algorithm.jose:
        raise AlgKeyMismatch(f"no JOSE algorithm signs with a key of {algorithm.name}")
    return encode_base64url(_encode({"alg": algorithm.jose[0], "typ": TYP, "kid": method_id}))


@final
class Receipt(Value, frozen=True, eq=False):
    """A receipt taken apart; its signature has not been checked.

    Attributes:
        statement: What it says.
        signature: What must hold, under a key of the DID that the statement names.
    """

    statement: Statement
    signature: Signature


def read_receipt(token: object, limits: Limits = DEFAULT) -> Receipt:
    """Return the parts of a receipt.

    Raises:
        ReceiptInvalid: Not a token of this type, or a claim is absent, unknown or of another form.

    Spec: specs/decision-receipt.md R4-R5.
    """
    if not isinstance(token, str):
        raise ReceiptInvalid("expected a compact token")
    try:
        jws = parse_jws(token, limits)
        did = check_header(jws.header, TYP)
        statement = msgspec.convert(jws.claims, Statement)
    except (AgentdidError, msgspec.ValidationError):
        raise ReceiptInvalid("not a receipt") from None
    if statement.iss != did:
        raise ReceiptInvalid("the receipt is not signed by who it says decided", path="/iss")
    return Receipt(statement, signature_of(jws, did, "assertionMethod"))
