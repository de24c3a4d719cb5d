"""Bare signatures of ML-DSA and its composites with Ed25519, both ways, with @noble/post-quantum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentdid.codec.base import decode_base64url, encode_base64url
from agentdid.errors import AgentdidError
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.public import load_public
from agentdid.keys.secret import SecretKey
from interop.cell import ACCEPTED, OURS, REFUSED, THEIRS, Cell, refusal
from interop.stack import NodeStack

if TYPE_CHECKING:
    from collections.abc import Callable

STACK: Final = NodeStack("noble", "@noble/post-quantum")
FORMAT: Final = "bare signature"
NAMES: Final = tuple(name for name, row in ALGORITHMS.items() if row.kty == "AKP")
_MESSAGE: Final = b"invoice.read"
_SAYS: Final = "does not hold|length|expected"


def _flip(raw: bytes, at: int) -> bytes:
    changed = bytearray(raw)
    changed[at] ^= 1
    return bytes(changed)


# what becomes of (message, signature, another key's signature); the first is to be accepted
_CASES: Final[dict[str, Callable[[bytes, bytes, bytes], tuple[bytes, bytes]]]] = {
    "signature": lambda message, signature, _: (message, signature),
    "message changed": lambda message, signature, _: (message + b"!", signature),
    "first byte changed": lambda message, signature, _: (message, _flip(signature, 0)),
    "last byte changed": lambda message, signature, _: (message, _flip(signature, -1)),
    "a byte added": lambda message, signature, _: (message, signature + b"\0"),
    "a byte short": lambda message, signature, _: (message, signature[:-1]),
    "signed with another key": lambda message, _, other: (message, other),
}


def cells() -> list[Cell]:
    """Return every cell. Raises `StackUnavailable`."""
    return [cell for name in NAMES for cell in (*_judged_by_them(name), *_judged_by_us(name))]


def seed_of(name: str, number: int = 0) -> bytes:
    """Return a fixed seed of an algorithm's length."""
    return bytes((number + at) % 256 for at in range(ALGORITHMS[name].seed_len))


def _judged_by_them(name: str) -> list[Cell]:
    secret, other = (SecretKey.from_seed(name, seed_of(name, number)) for number in (0, 1))
    tasks: list[dict[str, object]] = []
    for change in _CASES.values():
        message, signature = change(_MESSAGE, secret.sign(_MESSAGE), other.sign(_MESSAGE))
        tasks.append(
            {
                "op": "verify",
                "name": name,
                "publicKey": encode_base64url(secret.public.raw),
                "message": encode_base64url(message),
                "signature": encode_base64url(signature),
            }
        )
    made = []
    for case, answer in zip(_CASES, STACK.ask(tasks), strict=True):
        whole = case == "signature"
        got = ACCEPTED if answer.ok else refusal(answer.error, "(?!)" if whole else _SAYS)
        made.append(Cell(STACK.name, OURS, FORMAT, name, case, ACCEPTED if whole else REFUSED, got, answer.error))
    return made


def _judged_by_us(name: str) -> list[Cell]:
    task = {"op": "sign", "name": name, "message": encode_base64url(_MESSAGE)}
    signed = STACK.make(
        {number: {**task, "seed": encode_base64url(seed_of(name, at))} for at, number in enumerate(("first", "other"))}
    )
    key = load_public(name, decode_base64url(signed["first"]["publicKey"]))
    first, other = (decode_base64url(signed[number]["signature"]) for number in ("first", "other"))
    same = key == SecretKey.from_seed(name, seed_of(name)).public
    made = [Cell(STACK.name, THEIRS, FORMAT, name, "key of a seed", ACCEPTED, ACCEPTED if same else "another key")]
    for case, change in _CASES.items():
        message, signature = change(_MESSAGE, first, other)
        try:
            key.verify(signature, message)
            got = ACCEPTED
        except AgentdidError as error:
            got = error.code
        expected = ACCEPTED if case == "signature" else "signature_invalid"
        made.append(Cell(STACK.name, THEIRS, FORMAT, name, case, expected, got))
    return made
