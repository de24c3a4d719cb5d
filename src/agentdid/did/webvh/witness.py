"""`did-witness.json`: who approved which version, and whether that is enough (did:webvh 1.0, DID Witnesses).

A witness signs `{"versionId": …}`; a proof of one version approves every version before it as well. An entry is
approved by the witnesses that were in force before it, and by its own only where nobody was.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from msgspec import structs

from agentdid.canon.jcs import canonicalize
from agentdid.codec.strict_json import encode, parse
from agentdid.did.webvh.proof import make_proof, read_proof
from agentdid.errors import AgentdidError, DidLogInvalid, DidWitnessThreshold, FetchTooLarge, SignatureInvalid
from agentdid.limits import DEFAULT, Limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from agentdid.did.webvh.log import History
    from agentdid.did.webvh.parameters import WitnessRule
    from agentdid.keys.secret import Signer

_MAX_CHECKS: Final = 512
"""Signature checks of one witness file: two a witness, of as many as a rule may name."""
_MAX_MEMBERS: Final = 200_000  # an unpruned file: ten members a proof, a few thousand entries
_DID_KEY: Final = "did:key:"

Proofs = dict[str, list[tuple[int, str, dict[str, Any]]]]
"""Witness → number, version id and proof, as they stand in the file."""


def check_witnesses(history: History, body: bytes, limits: Limits = DEFAULT) -> None:
    """Hold that every entry that needs approval has that of enough of the witnesses then in force.

    Args:
        history: The log, verified in all else.
        body: The witness file as it was served.
        limits: Of the file.

    Raises:
        DidWitnessThreshold: Too few approved, or the file is not one; proofs that do not hold count for nothing.
        FetchTooLarge: Over the size.

    Spec: did:webvh 1.0, Verifying Witness Proofs During Resolution; ATTACKS J08, J10.
    """
    needed = find_rules(history)
    if not needed:
        return
    proofs = _read(history, body, limits)
    left = _MAX_CHECKS
    approved: dict[str, int] = {}
    for each in {name for rule in needed for name in rule.witnesses}:
        # the newest first: the first that holds says the most
        for number, version_id, proof in sorted(proofs.get(each, ()), key=lambda row: -row[0]):
            left -= 1
            if left < 0:
                raise DidWitnessThreshold("too many proofs that do not hold")
            if _holds(proof, version_id, each):
                approved[each] = number
                break
    for rule, number in needed.items():
        count = sum(approved.get(each, 0) >= number for each in rule.witnesses)
        if count < rule.threshold:
            raise DidWitnessThreshold(
                f"{count} of {rule.threshold} witnesses approved it", path=f"/{number}/parameters/witness"
            )


def find_rules(history: History) -> Mapping[WitnessRule, int]:
    """Return every rule that some entry is under, and the last entry that is: who approved that one approved them all.

    Spec: did:webvh 1.0, Witness Lists.
    """
    found: dict[WitnessRule, int] = {}
    before = None
    for version in history.versions:
        own = version.parameters.witness
        rule = before if before is not None and before.witnesses else own
        if rule.witnesses:
            found[rule] = version.number
        before = own
    return found


def witness_proof(version_id: str, signer: Signer, at: datetime) -> dict[str, object]:
    """Return a witness's approval of a version: `eddsa-jcs-2022` over `{"versionId": …}`."""
    return make_proof({"versionId": version_id}, signer, at)


def add_proofs(body: bytes | None, version_id: str, proofs: Iterable[dict[str, object]], history: History) -> bytes:
    """Return the witness file with proofs of a version that is about to be published.

    Of every witness the newest proof of a published version stays beside it, as the file is published first.

    Args:
        body: The file as it is, or `None`.
        version_id: What the proofs approve.
        proofs: From `witness_proof`.
        history: The published log, with or without the new version.

    Raises:
        DidWitnessThreshold: `body` is no witness file.

    Spec: did:webvh 1.0, The Witness Proofs File.
    """
    kept: dict[str, list[dict[str, object]]] = {}
    added = list(proofs)
    if body is not None:
        for rows in _read(history, body, DEFAULT).values():
            _, newest, proof = max(rows, key=lambda row: row[0])
            if newest != version_id or all(proof["verificationMethod"] != each["verificationMethod"] for each in added):
                kept.setdefault(newest, []).append(proof)
    kept.setdefault(version_id, []).extend(added)
    ordered = sorted(kept, key=lambda name: int(name.partition("-")[0]))
    return encode([{"versionId": name, "proof": kept[name]} for name in ordered if kept[name]])


def _read(history: History, body: bytes, limits: Limits) -> Proofs:
    """Return the proofs of published versions by witness; what is not published approves nothing."""
    if len(body) > limits.max_fetch_bytes:
        raise FetchTooLarge(f"a witness file has at most {limits.max_fetch_bytes} bytes")
    try:
        rows = parse(
            body, structs.replace(limits, max_input_bytes=limits.max_fetch_bytes, max_members=_MAX_MEMBERS)
        ).value
    except AgentdidError as error:
        raise DidWitnessThreshold(f"the witness file is not strict JSON ({error.code})") from None
    if not isinstance(rows, list):
        raise DidWitnessThreshold("the witness file is no array")
    numbers = {version.version_id: version.number for version in history.versions}
    found: Proofs = {}
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("proof", []), list):
            raise DidWitnessThreshold("an entry of the witness file has a versionId and proofs")
        version_id = row.get("versionId")
        number = numbers.get(version_id) if isinstance(version_id, str) else None
        if number is None:
            continue
        for proof in row.get("proof", []):
            method = proof.get("verificationMethod") if isinstance(proof, dict) else None
            if isinstance(method, str):
                found.setdefault(method.partition("#")[0], []).append((number, str(version_id), proof))
    return found


def _holds(proof: dict[str, Any], version_id: str, witness: str) -> bool:
    digest = sha256(canonicalize({"versionId": version_id})).digest()
    try:
        key, signature, message = read_proof(proof, digest, (witness.removeprefix(_DID_KEY),), plain=False)
        key.verify(signature, message)
    except (DidLogInvalid, SignatureInvalid):
        return False
    return True
