"""The Python package did-webvh behind one question a task: tasks on stdin, answers on stdout. Keys are seeds."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from did_webvh.askar import AskarSigningKey
from did_webvh.core.proof import di_jcs_sign
from did_webvh.core.resolver import DidResolver
from did_webvh.history import did_history_resolver, update_document_state
from did_webvh.provision import provision_did
from did_webvh.verify import WebvhVerifier

if TYPE_CHECKING:
    from collections.abc import Callable

    from did_webvh.core.state import DocumentState

TIMES = ("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z")
NAME = "did:webvh:{SCID}:their.example:dids"


def begin(keys: list[AskarSigningKey], **parameters: object) -> list[DocumentState]:
    """Return a log of one entry."""
    document = {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": NAME,
        "verificationMethod": [
            {
                "id": f"{NAME}#key-1",
                "type": "Multikey",
                "controller": NAME,
                "publicKeyMultibase": str(keys[3].multikey),
            }
        ],
        "assertionMethod": [f"{NAME}#key-1"],
    }
    state = provision_did(document, params={"updateKeys": [str(keys[0].multikey)], **parameters}, timestamp=TIMES[0])
    state.proofs.append(state.create_proof(keys[0], timestamp=state.timestamp))
    return [state]


def change(
    states: list[DocumentState],
    key: AskarSigningKey,
    document: dict[str, object] | None = None,
    **parameters: object,
) -> list[DocumentState]:
    """Return the log with one more entry."""
    last = states[-1]
    state = update_document_state(
        last, key, document=document, params_update=parameters or None, timestamp=TIMES[len(states)]
    )
    return [*states, state]


def rotation(keys: list[AskarSigningKey]) -> tuple[list[DocumentState], object]:
    """Two rotations."""
    states = change(begin(keys), keys[0], updateKeys=[str(keys[1].multikey)])
    return change(states, keys[1], updateKeys=[str(keys[2].multikey)]), None


def pre_rotation(keys: list[AskarSigningKey]) -> tuple[list[DocumentState], object]:
    """Two rotations to keys that were committed to; the second ends it."""
    states = begin(keys)
    hashes = [states[0].generate_next_key_hash(str(each.multikey)) for each in keys]
    states = begin(keys, nextKeyHashes=[hashes[1]])
    states = change(states, keys[1], updateKeys=[str(keys[1].multikey)], nextKeyHashes=[hashes[2]])
    return change(states, keys[2], updateKeys=[str(keys[2].multikey)], nextKeyHashes=[]), None


def witnesses(keys: list[AskarSigningKey]) -> tuple[list[DocumentState], object]:
    """Two of two approve two entries."""
    names = [f"did:key:{each.multikey}" for each in keys[1:3]]
    rule = {"threshold": 2, "witnesses": [{"id": each} for each in names]}
    states = begin(keys, witness=rule)
    states = change(states, keys[0], {**states[0].document_copy(), "alsoKnownAs": ["did:web:their.example"]})
    proofs = [
        {
            "versionId": state.version_id,
            "proof": [
                di_jcs_sign({"versionId": state.version_id}, key, timestamp=state.timestamp) for key in keys[1:3]
            ],
        }
        for state in states
    ]
    return states, proofs


def moved(keys: list[AskarSigningKey]) -> tuple[list[DocumentState], object]:
    """A portable DID at another host."""
    states = begin(keys, portable=True)
    old = states[0].document_id
    text = json.dumps(states[0].document_copy()).replace("their.example", "moved.example")
    return change(states, keys[0], {**json.loads(text), "alsoKnownAs": [old]}), None


def deactivated(keys: list[AskarSigningKey]) -> tuple[list[DocumentState], object]:
    """A DID at its end."""
    return change(begin(keys), keys[0], deactivated=True, updateKeys=[]), None


SCENARIOS: dict[str, Callable[[list[AskarSigningKey]], tuple[list[DocumentState], object]]] = {
    "rotation": rotation,
    "pre-rotation": pre_rotation,
    "witnesses": witnesses,
    "moved": moved,
    "deactivated": deactivated,
}


def make(task: dict[str, Any]) -> dict[str, object]:
    """Return the log of a scenario."""
    seeds = [base64.urlsafe_b64decode(each + "=" * (-len(each) % 4)) for each in task["seeds"]]
    keys = [AskarSigningKey.from_secret_bytes("ed25519", each) for each in seeds]
    states, proofs = SCENARIOS[task["scenario"]](keys)
    log = "".join(json.dumps(each.history_line(), separators=(",", ":")) + "\n" for each in states)
    return {"did": states[-1].document_id, "log": log, "witness": None if proofs is None else json.dumps(proofs)}


def resolve(task: dict[str, Any]) -> dict[str, object]:
    """Return what a log resolves to. Raises `ValueError`."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "did.jsonl").write_text(task["log"], "utf-8")
        if task["witness"] is not None:
            (Path(folder) / "did-witness.json").write_text(task["witness"], "utf-8")
        source = did_history_resolver(local_history=Path(folder))
        found = asyncio.run(DidResolver(WebvhVerifier()).resolve(task["did"], source)).serialize()
    error = (found["didResolutionMetadata"] or {}).get("error")
    if error:
        raise ValueError(json.dumps(found["didResolutionMetadata"]))
    metadata = found["didDocumentMetadata"]
    return {
        "id": found["didDocument"]["id"],
        "versionId": metadata["versionId"],
        "deactivated": bool(metadata.get("deactivated")),
    }


def main() -> None:
    """Answer every task."""
    answers = []
    for task in json.load(sys.stdin):
        try:
            result = {"make": make, "resolve": resolve}[task["op"]](task)
            answers.append({"ok": True, "result": result})
        except Exception as error:  # noqa: BLE001  # whatever it raises is its answer
            answers.append({"ok": False, "error": f"{type(error).__name__}: {error}"})
    json.dump(answers, sys.stdout)


main()
