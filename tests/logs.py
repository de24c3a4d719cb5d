"""did:webvh logs for tests: honest ones by the library, dishonest ones entry by entry, hashed and signed alike.

A fault goes into an entry before its hash and its signature are made, so that only the fault itself can be why a log
is refused.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from agentdid.did.document import build_document
from agentdid.did.webvh import write
from agentdid.did.webvh.hashes import hash_entry, hash_inception, hash_key
from agentdid.did.webvh.identifier import PLACEHOLDER, STAND_IN, template
from agentdid.did.webvh.proof import make_proof
from agentdid.keys.multikey import encode_multikey
from agentdid.keys.secret import SecretKey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agentdid.did.webvh.log import History

BEGUN = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def secret(number: int) -> SecretKey:
    """Return one of endless fixed Ed25519 keys."""
    return SecretKey.from_seed("Ed25519", number.to_bytes(32, "big"))


def multikey(number: int) -> str:
    """Return the public half of `secret`, as it is written."""
    return encode_multikey(secret(number).public)


def witness_did(number: int) -> str:
    """Return the did:key of `secret`."""
    return f"did:key:{multikey(number)}"


def first_document(key: int = 1, host: str = "acme.example", path: Sequence[str] = ()) -> dict[str, Any]:
    """Return a document with one key and the placeholder for the SCID."""
    named = template(host, None, path).replace(PLACEHOLDER, STAND_IN)
    text = json.dumps(build_document(named, {"key-1": secret(key).public}))
    return json.loads(text.replace(STAND_IN, PLACEHOLDER))  # type: ignore[no-any-return]


def plain(entries: int = 3, **parameters: object) -> History:
    """Return a log without pre-rotation that `secret(1)` updates, an entry an hour."""
    history = write.create(first_document(), secret(1), at=BEGUN, parameters=parameters)
    for number in range(1, entries):
        history = write.update(history, secret(1), at=BEGUN + number * HOUR)
    return history


class Forger:
    """Writes a log entry by entry; a change is made before the entry is hashed and signed."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.entries: list[dict[str, Any]] = []

    @property
    def body(self) -> bytes:
        """The log as it would be served."""
        return b"".join(line + b"\n" for line in self.lines)

    @property
    def did(self) -> str:
        """The DID of the last entry."""
        return str(self.entries[-1]["state"]["id"])

    def begin(
        self,
        signer: int = 1,
        *,
        change: Callable[[dict[str, Any]], object] | None = None,
        seal: Callable[[dict[str, Any]], object] | None = None,
        proof: dict[str, object] | None = None,
        **parameters: object,
    ) -> Forger:
        """Add the first entry.

        Args:
            signer: Which key signs.
            change: Changes the entry before its SCID is made.
            seal: Changes it after that, before its hash.
            proof: Members of the proof to replace after signing.
            parameters: More of them.
        """
        entry: dict[str, Any] = {
            "versionTime": "2026-11-01T00:00:00Z",
            "parameters": {
                "method": "did:webvh:1.0", "scid": PLACEHOLDER, "updateKeys": [multikey(1)], **parameters,
            },
            "state": first_document(),
        }  # fmt: skip
        if change is not None:
            change(entry)
        scid = hash_inception(entry, PLACEHOLDER)
        entry = json.loads(json.dumps(entry).replace(PLACEHOLDER, scid))
        return self._add(entry, scid, signer, seal, proof)

    def then(
        self,
        signer: int = 1,
        *,
        seal: Callable[[dict[str, Any]], object] | None = None,
        proof: dict[str, object] | None = None,
        **parameters: object,
    ) -> Forger:
        """Add a further entry; arguments as `begin`."""
        last = self.entries[-1]
        time = datetime.fromisoformat(last["versionTime"]) + HOUR
        entry: dict[str, Any] = {
            "versionTime": time.isoformat().replace("+00:00", "Z"),
            "parameters": parameters,
            "state": json.loads(json.dumps(last["state"])),
        }
        return self._add(entry, last["versionId"], signer, seal, proof)

    def _add(
        self,
        entry: dict[str, Any],
        predecessor: str,
        signer: int,
        seal: Callable[[dict[str, Any]], object] | None,
        proof: dict[str, object] | None,
    ) -> Forger:
        if seal is not None:
            seal(entry)
        number = len(self.lines) + 1
        numbered = {"versionId": f"{number}-{hash_entry(entry, predecessor)}", **entry}
        signed = make_proof(numbered, secret(signer), BEGUN)
        whole = {**numbered, "proof": [{**signed, **(proof or {})}]}
        self.entries.append(whole)
        self.lines.append(json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode())
        return self


def committed(*numbers: int) -> list[str]:
    """Return the `nextKeyHashes` of keys."""
    return [hash_key(multikey(each)) for each in numbers]
