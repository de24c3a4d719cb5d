"""A did:webvh log of a thousand entries, beside its signature checks alone: bytes in, verified history out.

Nothing is remembered of the log. Checks are spread over the processors, so on one that has no second to itself the
figure is what the parsing adds; the floor is one libsodium verification an entry, one after the other.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair

from agentdid.codec.strict_json import encode
from agentdid.did.document import build_document
from agentdid.did.webvh import write
from agentdid.did.webvh.identifier import PLACEHOLDER, STAND_IN, template
from agentdid.did.webvh.log import parse_log
from agentdid.keys.secret import SecretKey
from bench.measure import Row, Work, compare

if TYPE_CHECKING:
    from agentdid.did.webvh.log import History

ENTRIES: Final = 1_000
BAR: Final = 1.5
_ROUNDS: Final = 9
_BEGUN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_HOUR: Final = timedelta(hours=1)


def rows() -> list[Row]:
    """Return the row of a log of updates and that of one that rotates, with pre-rotation, at every entry."""
    public, secret = crypto_sign_seed_keypair(bytes(32))
    signed = crypto_sign(bytes(64), secret)

    def floor(_: object) -> None:
        for _ in range(ENTRIES):
            crypto_sign_open(signed, public)

    def resolve(body: bytes) -> None:
        parse_log(body)

    works = {
        f"resolve a webvh log of {ENTRIES} {kind}": Work(lambda body=body: [body], resolve, BAR)  # type: ignore[misc]
        for kind, body in (("updates", updates()), ("rotations", rotations()))
    }
    return compare(Work(lambda: [None], floor, 0), works, _ROUNDS)


def updates() -> bytes:
    """Return a log that one key updates."""
    history = _begin()
    for number in range(1, ENTRIES):
        history = write.update(history, _key(0), at=_BEGUN + number * _HOUR)
    return write.encode_log(history)


def rotations() -> bytes:
    """Return a log that rotates to a key that was committed to, at every entry."""
    history = _begin(next_key=1)
    for number in range(1, ENTRIES):
        history = write.rotate(history, _key(number), at=_BEGUN + number * _HOUR, next_keys=[_key(number + 1).public])
    return write.encode_log(history)


def _begin(next_key: int | None = None) -> History:
    named = template("issuer.example", None, ["dids"]).replace(PLACEHOLDER, STAND_IN)
    document = build_document(named, {"key-1": _key(ENTRIES + 2).public})
    text = encode(document).decode().replace(STAND_IN, PLACEHOLDER)
    next_keys = () if next_key is None else (_key(next_key).public,)
    return write.create(json.loads(text), _key(0), at=_BEGUN, next_keys=next_keys)


def _key(number: int) -> SecretKey:
    return SecretKey.from_seed("Ed25519", number.to_bytes(32, "big"))
