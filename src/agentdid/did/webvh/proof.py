"""The one kind of proof in did:webvh 1.0: `eddsa-jcs-2022`, `assertionMethod`, by a key named as did:key."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from agentdid.canon.jcs import canonicalize
from agentdid.codec.base import decode_multibase, encode_multibase
from agentdid.codec.instant import encode_instant, parse_instant
from agentdid.errors import AgentdidError, DidLogInvalid
from agentdid.keys.multikey import decode_multikey, encode_multikey
from agentdid.proof.hash_data import hash_data
from agentdid.proof.suites import JCS_SHA256, SUITES

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from agentdid.keys.many import Claim
    from agentdid.keys.secret import Signer

SUITE: Final = SUITES["eddsa-jcs-2022"]
(ALGORITHM,) = SUITE.algorithms
_DID_KEY: Final = "did:key:"
_USUAL: Final = frozenset({"created", "cryptosuite", "proofPurpose", "proofValue", "type", "verificationMethod"})
_BETWEEN: Final = f'"cryptosuite":"{SUITE.name}","proofPurpose":"assertionMethod","type":"DataIntegrityProof"'


@lru_cache(maxsize=256)
def read_time(text: str) -> datetime:
    """Return the instant that UTC text names; a proof's `created` mostly repeats its entry's `versionTime`.

    Raises:
        DidLogInvalid: Not an `xsd:dateTimeStamp` in UTC.
    """
    try:
        time = parse_instant(text, "")
    except AgentdidError as error:
        raise DidLogInvalid(error.detail) from None
    if not text.endswith(("Z", "+00:00")):
        raise DidLogInvalid("expected an instant in UTC")
    return time


def read_proof(proof: object, document_hash: bytes, keys: Collection[str], *, plain: bool) -> Claim:
    """Return what a proof claims: that one of `keys` signed the document; whether it did is for the key to say.

    Args:
        proof: As it stands in the log or the witness file.
        document_hash: SHA-256 of the canonical document without `proof`.
        keys: Multikeys that may sign.
        plain: What the strict parser found of the text that it comes from.

    Raises:
        DidLogInvalid: Another type, suite or purpose, or another key.

    Spec: did:webvh 1.0, Read (Resolve) step 2 and Authorized Keys; vc-di-eddsa section 3.3.2; ATTACKS J05, J13.
    """
    if type(proof) is not dict:
        raise DidLogInvalid("expected a proof object")
    if proof.get("type") != "DataIntegrityProof" or proof.get("cryptosuite") != SUITE.name:
        raise DidLogInvalid(f"expected a DataIntegrityProof of {SUITE.name}")
    if proof.get("proofPurpose") != "assertionMethod":
        raise DidLogInvalid("expected the purpose assertionMethod")
    # No document here has a context, a predecessor or an end that a proof could speak of.
    if "@context" in proof or "previousProof" in proof or "expires" in proof:
        raise DidLogInvalid("a proof here has no @context, previousProof or expires")
    method, value = proof.get("verificationMethod"), proof.get("proofValue")
    if type(method) is not str or type(value) is not str or value[:1] != "z":
        raise DidLogInvalid("expected a verification method and a proof value in base58btc")
    multikey = method[len(_DID_KEY) : method.find("#")]
    if multikey not in keys or method != f"did:key:{multikey}#{multikey}":
        raise DidLogInvalid("signed by a key that may not sign")
    try:
        if "created" in proof:
            read_time(_text(proof["created"]))
        key = decode_multikey(multikey)
        signature = decode_multibase(value)
    except AgentdidError as error:
        raise DidLogInvalid(f"a proof that cannot be read ({error.code})") from None
    if key.algorithm.name != ALGORITHM:
        raise DidLogInvalid(f"expected a key of {ALGORITHM}")
    if proof.keys() == _USUAL:
        # All but two members are of known text, and these two of ASCII without anything to escape, by what was read
        # above: the canonical form is written down, which takes a tenth of the time.
        usual = f'{{"created":"{proof["created"]}",{_BETWEEN},"verificationMethod":"{method}"}}'
        return key, signature, sha256(usual.encode()).digest() + document_hash
    config = dict(proof)
    del config["proofValue"]
    return key, signature, hash_data(config, document_hash, JCS_SHA256, plain=plain)


def _text(value: object) -> str:
    if type(value) is not str:
        raise DidLogInvalid("expected a string")
    return value


def make_proof(document: dict[str, object], signer: Signer, at: datetime) -> dict[str, object]:
    """Return a proof of a document without one. Raises `ValueError` where the key is not of the suite's algorithm."""
    SUITE.find_transform(signer.public.algorithm.name)
    multikey = encode_multikey(signer.public)
    config: dict[str, object] = {
        "type": "DataIntegrityProof",
        "cryptosuite": SUITE.name,
        "verificationMethod": f"did:key:{multikey}#{multikey}",
        "created": encode_instant(at),
        "proofPurpose": "assertionMethod",
    }
    signed = hash_data(config, sha256(canonicalize(document)).digest(), JCS_SHA256, plain=False)
    return {**config, "proofValue": encode_multibase(signer.sign(signed), SUITE.signature_base)}
