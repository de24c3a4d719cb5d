"""The next line of a log: a DID made, updated, rotated, moved, brought to its end.

What is written is read back by `log` before it is returned, so nothing leaves here that would be refused elsewhere.
Keys come in as signers and go nowhere.

Spec: did:webvh 1.0, Create (Register), Update (Rotate), Deactivate (Revoke).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from msgspec.json import decode

from agentdid.codec.instant import encode_instant
from agentdid.codec.strict_json import encode
from agentdid.did.webvh.hashes import hash_entry, hash_inception, hash_key
from agentdid.did.webvh.identifier import PLACEHOLDER
from agentdid.did.webvh.log import History, parse_log
from agentdid.did.webvh.parameters import METHOD
from agentdid.did.webvh.proof import make_proof
from agentdid.keys.multikey import encode_multikey
from agentdid.limits import DEFAULT, Limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from agentdid.keys.public import PublicKey
    from agentdid.keys.secret import Signer

# Whole seconds: not every implementation keeps the fraction as it is written, and the text is what is hashed.
_TICK: Final = timedelta(seconds=1)


def create(
    document: Mapping[str, object],
    signer: Signer,
    *,
    at: datetime,
    next_keys: Sequence[PublicKey] = (),
    parameters: Mapping[str, object] | None = None,
) -> History:
    """Return the log of a new DID.

    Args:
        document: Its first document, with `{SCID}` wherever the SCID goes (`identifier.template`).
        signer: The Ed25519 key that may update it.
        at: The instant of creation.
        next_keys: The keys that may update it after this one; with any, pre-rotation is on.
        parameters: More of them: `portable`, `witness`, `watchers`, `ttl`, further `updateKeys`.

    Raises:
        DidLogInvalid: The document or a parameter is none of the method's.
        ValueError: The signer is of another algorithm.
    """
    own = encode_multikey(signer.public)
    time = at.replace(microsecond=0)
    merged = {"method": METHOD, "scid": PLACEHOLDER, "updateKeys": [own], **(parameters or {})}
    if next_keys:
        merged["nextKeyHashes"] = _hashes(next_keys)
    draft: dict[str, object] = {
        "versionTime": encode_instant(time),
        "parameters": merged,
        "state": dict(document),
    }
    scid = hash_inception(draft, PLACEHOLDER)
    entry = cast("dict[str, Any]", decode(encode(draft).decode().replace(PLACEHOLDER, scid)))
    return parse_log(_line(entry, scid, 1, signer, time))


def update(
    history: History,
    signer: Signer,
    *,
    at: datetime,
    document: Mapping[str, object] | None = None,
    parameters: Mapping[str, object] | None = None,
    limits: Limits = DEFAULT,
) -> History:
    """Return the log with one more entry.

    Args:
        history: The log as it is published.
        signer: A key that may update it: of the entry before, or, with pre-rotation, one that it committed to.
        at: The instant of the update; where the one before is not earlier, the entry is dated a second after it.
        document: By default as it was.
        parameters: What changes.
        limits: Of the log.

    Raises:
        DidLogInvalid: The result would not be a valid log.
        DidDeactivated: The DID is at its end.
        ValueError: The signer is of another algorithm, or the last entry is dated over a minute later.
    """
    last = history.latest
    time = max(at.replace(microsecond=0), last.time.replace(microsecond=0) + _TICK)
    if time - at > timedelta(seconds=limits.leeway_s):
        message = "a log takes an entry a second: its last one is dated too far ahead"
        raise ValueError(message)
    entry: dict[str, Any] = {
        "versionTime": encode_instant(time),
        "parameters": dict(parameters or {}),
        "state": last.state if document is None else dict(document),
    }
    line = _line(entry, last.version_id, last.number + 1, signer, time)
    return parse_log(history.content + b"\n" + line, known=history, limits=limits)


def rotate(
    history: History,
    signer: Signer,
    *,
    at: datetime,
    next_keys: Sequence[PublicKey],
    document: Mapping[str, object] | None = None,
    pre_rotate: bool = True,
) -> History:
    """Return the log with the update keys rotated.

    With pre-rotation active, `signer` is a key that was committed to and becomes the update key, and `next_keys` are
    committed to. Without, `signer` is the present update key; `next_keys` become the update keys.

    Args:
        history: The log as it is published.
        signer: As said.
        at: The instant of the rotation.
        next_keys: As said.
        document: By default as it was.
        pre_rotate: With pre-rotation active, `False` ends it: nothing is committed to.

    Raises:
        DidLogInvalid, DidDeactivated, ValueError: As `update`.
    """
    if history.latest.parameters.next_key_hashes:
        own = encode_multikey(signer.public)
        changes = {"updateKeys": [own], "nextKeyHashes": _hashes(next_keys) if pre_rotate else []}
    else:
        changes = {"updateKeys": [encode_multikey(each) for each in next_keys]}
    return update(history, signer, at=at, document=document, parameters=changes)


def deactivate(history: History, signer: Signer, *, at: datetime) -> History:
    """Return the log brought to its end: no key may update it, and no key of its document remains.

    With pre-rotation that takes two entries: the first ends pre-rotation, and so `signer` has to be committed to.

    Raises:
        DidLogInvalid, DidDeactivated, ValueError: As `update`.

    Spec: did:webvh 1.0, Deactivate (Revoke).
    """
    if history.latest.parameters.next_key_hashes:
        history = rotate(history, signer, at=at, next_keys=(), pre_rotate=False)
    state = history.latest.state
    document: dict[str, object] = {name: state[name] for name in ("@context", "id", "alsoKnownAs") if name in state}
    return update(history, signer, at=at, document=document, parameters={"deactivated": True, "updateKeys": []})


def move(
    history: History,
    signer: Signer,
    did: str,
    *,
    at: datetime,
    parameters: Mapping[str, object] | None = None,
) -> History:
    """Return the log with the DID moved to another place; it stays known as what it was.

    Args:
        history: Of a portable DID.
        signer: As `update`.
        did: What it is called from now on: the same SCID, another place.
        at: The instant of the move.
        parameters: As `update`; with pre-rotation the keys rotate as well.

    Raises:
        DidLogInvalid, DidDeactivated, ValueError: As `update`.

    Spec: did:webvh 1.0, DID Portability.
    """
    last = history.latest
    text = encode(last.state).decode()
    # at a quote or a fragment: a DID whose name this one begins is another
    for end in ('"', "#", "/", "?"):
        text = text.replace(last.did + end, did + end)
    document = cast("dict[str, Any]", decode(text))
    document["alsoKnownAs"] = list(dict.fromkeys([*last.state.get("alsoKnownAs", []), last.did]))
    return update(history, signer, at=at, document=document, parameters=parameters)


def encode_log(history: History) -> bytes:
    """Return the log as it is published."""
    return history.content + b"\n"


def _hashes(keys: Sequence[PublicKey]) -> list[str]:
    return [hash_key(encode_multikey(each)) for each in keys]


def _line(entry: dict[str, Any], predecessor: str, number: int, signer: Signer, at: datetime) -> bytes:
    numbered = {"versionId": f"{number}-{hash_entry(entry, predecessor)}", **entry}
    return encode({**numbered, "proof": [make_proof(numbered, signer, at)]})
