"""did:webvh logs, both ways, with didwebvh-ts and the Python package did-webvh: rotated, witnessed, moved, ended."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from agentdid.codec.base import encode_base64url
from agentdid.codec.strict_json import encode
from agentdid.did.document import build_document
from agentdid.did.webvh import write
from agentdid.did.webvh.identifier import PLACEHOLDER, STAND_IN, parse_identifier, template
from agentdid.did.webvh.witness import witness_proof
from agentdid.errors import AgentdidError
from agentdid.keys.multikey import encode_multikey
from agentdid.keys.secret import SecretKey
from agentdid.sources.source import RecordedSource
from agentdid.sources.webvh import resolve
from interop.cell import ACCEPTED, OURS, REFUSED, THEIRS, Cell, refusal
from interop.stack import NodeStack, PythonStack, Stack

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdid.did.webvh.log import History

TYPESCRIPT: Final = NodeStack("didwebvh_ts", "didwebvh-ts")
PYTHON: Final = PythonStack("didwebvh_python", "did-webvh")
FORMAT: Final = "did:webvh 1.0"
AT: Final = datetime(2026, 11, 1, tzinfo=UTC)
NOW: Final = AT + timedelta(days=20)
SEEDS: Final = tuple(bytes((number + at) % 256 for at in range(32)) for number in (1, 2, 3, 4))
SCENARIOS: Final = ("rotation", "pre-rotation", "witnesses", "moved", "deactivated")
REPLACED: Final = "witnesses replaced"
"""Made by us only."""
_DAY: Final = timedelta(days=1)
_KEYS: Final = tuple(SecretKey.from_seed("Ed25519", seed) for seed in SEEDS)
# what a resolver says that looked at the log, and not that the wrapper failed
_SAYS: Final = r"(?i)invalid|not|proof|hash|mismatch|threshold|witness|unexpected|derivation|signature|version|json"

Log = dict[str, Any]
"""`did`, `log` and, or `None`, `witness`: the DID and the text of what it publishes."""


def cells(stack: Stack) -> list[Cell]:
    """Return every cell of one implementation. Raises `StackUnavailable`."""
    ours = {name: _ours(name) for name in _MAKERS}
    theirs = stack.make(
        {name: {"op": "make", "scenario": name, "seeds": [encode_base64url(each) for each in SEEDS]}
         for name in SCENARIOS}
    )  # fmt: skip
    return [
        *_judged_by_them(stack, ours),
        *(cell for name, log in theirs.items() for cell in judge(stack.name, name, log)),
    ]


def judge(implementation: str, name: str, made: Log) -> list[Cell]:
    """Return what we make of a log of theirs, and of what becomes of it when it is spoiled."""
    found = []
    for case, log in _spoilt(name, made).items():
        whole = case == name
        code = {"threshold": "did_witness_threshold"}.get(case.rpartition(" ")[2], "did_log_invalid")
        found.append(
            Cell(implementation, THEIRS, FORMAT, "Ed25519", case, ACCEPTED if whole else code, _resolve(log, name))
        )
    return found


def _judged_by_them(stack: Stack, ours: dict[str, Log]) -> list[Cell]:
    cases = {case: log for name, log in ours.items() for case, log in _spoilt(name, log).items()}
    answers = stack.ask([{"op": "resolve", **log} for log in cases.values()])
    found = []
    for (case, log), answer in zip(cases.items(), answers, strict=True):
        whole = case in _MAKERS
        got = ACCEPTED if answer.ok else refusal(answer.error, "(?!)" if whole else _SAYS)
        if answer.ok and whole:
            last = json.loads(log["log"].splitlines()[-1])
            said = {"id": log["did"], "versionId": last["versionId"], "deactivated": case == "deactivated"}
            got = ACCEPTED if answer.result == said else f"resolves to {answer.result}"
        found.append(Cell(stack.name, OURS, FORMAT, "Ed25519", case, ACCEPTED if whole else REFUSED, got, answer.error))
    return found


def _spoilt(name: str, made: Log) -> dict[str, Log]:
    """Return a log and, by case, what a thief or a broken server would serve in its place."""
    cases = {name: made}
    lines = made["log"].splitlines()
    if name == "rotation":
        last = json.loads(lines[-1])
        value = last["proof"][0]["proofValue"]
        flipped = value[:-1] + ("2" if value[-1] == "1" else "1")
        cases["a proof changed"] = _with(made, lines, re.sub(re.escape(value), flipped, lines[-1]))
        cases["a document changed"] = _with(made, lines, lines[-1].replace("assertionMethod", "authentication", 1))
        cases["an entry left out"] = {**made, "log": "\n".join([lines[0], lines[-1]]) + "\n"}
    if name == "witnesses":
        proofs = json.loads(made["witness"])
        for row in proofs:
            row["proof"] = row["proof"][:1]
        cases["witnesses below the threshold"] = {**made, "witness": json.dumps(proofs)}
    if name == REPLACED:
        # the entry that replaces a list is approved by the list it replaces (Witness Lists), not by its own alone
        proofs = json.loads(made["witness"])
        proofs[-1]["proof"] = proofs[-1]["proof"][:1]
        cases["a list replaced without its own approval"] = {**made, "witness": json.dumps(proofs)}
    return cases


def _with(made: Log, lines: list[str], last: str) -> Log:
    return {**made, "log": "\n".join([*lines[:-1], last]) + "\n"}


def _resolve(made: Log, name: str) -> str:
    answers: dict[str, object] = {made["did"]: made["log"]}
    if made["witness"] is not None:
        answers[parse_identifier(made["did"]).witness_url] = made["witness"]
    try:
        found = resolve(made["did"], RecordedSource.load(answers, NOW), at=datetime.now(UTC))
    except AgentdidError as error:
        return error.code
    same = found.document["id"] == made["did"] and found.metadata["deactivated"] is (name == "deactivated")
    return ACCEPTED if same else "another document"


def _ours(name: str) -> Log:
    history, witness = _MAKERS[name]()
    return {"did": history.latest.did, "log": write.encode_log(history).decode(), "witness": witness}


def _begin(**options: Any) -> History:  # noqa: ANN401  # handed on to `create`
    named = template("our.example", None, ["dids"]).replace(PLACEHOLDER, STAND_IN)
    text = encode(build_document(named, {"key-1": _KEYS[3].public})).decode().replace(STAND_IN, PLACEHOLDER)
    return write.create(json.loads(text), _KEYS[0], at=AT, **options)


def _rotation() -> tuple[History, None]:
    history = write.rotate(_begin(), _KEYS[0], at=AT + _DAY, next_keys=[_KEYS[1].public])
    return write.rotate(history, _KEYS[1], at=AT + 2 * _DAY, next_keys=[_KEYS[2].public]), None


def _pre_rotation() -> tuple[History, None]:
    history = _begin(next_keys=[_KEYS[1].public])
    history = write.rotate(history, _KEYS[1], at=AT + _DAY, next_keys=[_KEYS[2].public])
    return write.rotate(history, _KEYS[2], at=AT + 2 * _DAY, next_keys=[], pre_rotate=False), None


def _witnesses() -> tuple[History, str]:
    names = [f"did:key:{encode_multikey(each.public)}" for each in _KEYS[1:3]]
    history = _begin(parameters={"witness": {"threshold": 2, "witnesses": [{"id": each} for each in names]}})
    history = write.update(history, _KEYS[0], at=AT + _DAY)
    # the newest proof of each witness approves what is before it, so the file is pruned to that
    version = history.latest.version_id
    rows = [{"versionId": version, "proof": [witness_proof(version, each, AT + _DAY) for each in _KEYS[1:3]]}]
    return history, json.dumps(rows)


def _replaced() -> tuple[History, str]:
    names = [f"did:key:{encode_multikey(each.public)}" for each in _KEYS[1:3]]
    history = _begin(parameters={"witness": {"threshold": 2, "witnesses": [{"id": each} for each in names]}})
    fewer = {"threshold": 1, "witnesses": [{"id": names[0]}]}
    after = write.update(history, _KEYS[0], at=AT + _DAY, parameters={"witness": fewer})
    versions = [each.latest.version_id for each in (history, after)]
    rows = [{"versionId": each, "proof": [witness_proof(each, key, AT + _DAY) for key in _KEYS[1:3]]}
            for each in versions]  # fmt: skip
    return after, json.dumps(rows)


def _moved() -> tuple[History, None]:
    history = _begin(parameters={"portable": True})
    return write.move(history, _KEYS[0], history.latest.did.replace("our", "moved"), at=AT + _DAY), None


def _deactivated() -> tuple[History, None]:
    return write.deactivate(_begin(next_keys=[_KEYS[1].public]), _KEYS[1], at=AT + _DAY), None


_MAKERS: Final[dict[str, Callable[[], tuple[History, str | None]]]] = {
    "rotation": _rotation,
    "pre-rotation": _pre_rotation,
    "witnesses": _witnesses,
    REPLACED: _replaced,
    "moved": _moved,
    "deactivated": _deactivated,
}
