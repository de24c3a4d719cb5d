"""did:key documents, both ways, with @digitalbazaar/did-method-key: what either shows of a DID of the other."""

from __future__ import annotations

from typing import Any, Final

from agentdid.codec.base import decode_base58btc, encode_base58btc, encode_base64url
from agentdid.did import key as did_key
from agentdid.did import key_document
from agentdid.errors import AgentdidError
from agentdid.keys.secret import SecretKey
from interop.cell import ACCEPTED, OURS, REFUSED, THEIRS, Cell, refusal
from interop.stack import NodeStack

STACK: Final = NodeStack("digitalbazaar", "@digitalbazaar/did-method-key")
FORMAT: Final = "did:key document"
SEEDS: Final = tuple(bytes((number + at) % 256 for at in range(32)) for number in (1, 2, 3))
_AS_THEY_SHOW_IT: Final = key_document.Options.parse({"enableEncryptionKeyDerivation": False})
_SAYS: Final = "(?i)length|unsupported|invalid|header|fingerprint|multibase|base58|expected|key"


def cells() -> list[Cell]:
    """Return every cell. Raises `StackUnavailable`."""
    return [*_judged_by_them(), *_judged_by_us()]


def _broken(did: str) -> dict[str, str]:
    raw = decode_base58btc(did.removeprefix("did:key:z"))
    return {
        "a byte short": "did:key:z" + encode_base58btc(raw[:-1]),
        "an unknown multicodec": "did:key:z" + encode_base58btc(b"\xff\x7f" + raw[2:]),
        "no multibase": "did:key:" + did.removeprefix("did:key:z"),
    }


def _judged_by_them() -> list[Cell]:
    dids = [did_key.create(SecretKey.from_seed("Ed25519", seed).public) for seed in SEEDS]
    cases = {f"key {number}": did for number, did in enumerate(dids)} | _broken(dids[0])
    answers = STACK.ask([{"op": "resolve", "did": did} for did in cases.values()])
    made = []
    for (case, did), answer in zip(cases.items(), answers, strict=True):
        whole = did in dids
        got = ACCEPTED if answer.ok else refusal(answer.error, "(?!)" if whole else _SAYS)
        if answer.ok and whole and not _same(answer.result, did):
            got = "another document"
        made.append(Cell(STACK.name, OURS, FORMAT, "Ed25519", case, ACCEPTED if whole else REFUSED, got, answer.error))
    return made


def _judged_by_us() -> list[Cell]:
    pairs = STACK.make({str(at): {"op": "key", "seed": encode_base64url(seed)} for at, seed in enumerate(SEEDS)})
    dids = [f"did:key:{pair['publicKeyMultibase']}" for pair in pairs.values()]
    shown = STACK.make({did: {"op": "resolve", "did": did} for did in dids})
    made = []
    for number, (did, seed) in enumerate(zip(dids, SEEDS, strict=True)):
        same = _same(shown[did], did) and did_key.public_key(did) == SecretKey.from_seed("Ed25519", seed).public
        got = ACCEPTED if same else "another document"
        made.append(Cell(STACK.name, THEIRS, FORMAT, "Ed25519", f"key {number}", ACCEPTED, got))
    for case, did in _broken(dids[0]).items():
        try:
            did_key.public_key(did)
            got = ACCEPTED
        except AgentdidError as error:
            got = error.code
        made.append(Cell(STACK.name, THEIRS, FORMAT, "Ed25519", case, "did_invalid", got))
    return made


def _same(theirs: dict[str, Any], did: str) -> bool:
    """Whether two documents say the same, their contexts apart."""
    ours = key_document.document_json(did, _AS_THEY_SHOW_IT)
    names = theirs.keys() - {"@context"}
    return names == ours.keys() - {"@context"} and all(theirs[name] == ours[name] for name in names)
