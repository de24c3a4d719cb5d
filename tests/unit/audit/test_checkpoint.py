"""Checkpoints: signed notes as transparency logs read them."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentdid.audit.checkpoint import Checkpoint
from agentdid.errors import AuditLogInvalid
from agentdid.keys.secret import SecretKey

KEY = SecretKey.from_seed("Ed25519", bytes(32))
OTHER = SecretKey.from_seed("Ed25519", bytes([1]) * 32)
ORIGIN = "partner.example/audit"
MADE = Checkpoint(ORIGIN, 12, sha256(b"root").digest())
NOTE = MADE.sign(KEY)


def test_the_form_of_a_note() -> None:
    """The lines, the key id and the signed text, as C2SP signed-note section "Format" and "Ed25519" say."""
    text, _, signature = NOTE.rpartition("\n\n")
    name, encoded = signature.removeprefix("\u2014 ").rstrip("\n").split(" ")
    raw = base64.b64decode(encoded)

    assert [ORIGIN, "12", base64.b64encode(MADE.root).decode()] == text.split("\n")
    assert ORIGIN == name
    assert sha256(ORIGIN.encode() + b"\n\x01" + KEY.public.raw).digest()[:4] == raw[:4]
    KEY.public.verify(raw[4:], f"{text}\n".encode())


def test_a_note_opens() -> None:
    """By its key for its origin; a witness's line and an extension line change nothing."""
    assert MADE == Checkpoint.open(NOTE, ORIGIN, KEY.public)
    witnessed = f"{NOTE}\u2014 witness.example {base64.b64encode(b'abcd' + bytes(64)).decode()}\n"
    assert MADE == Checkpoint.open(witnessed, ORIGIN, KEY.public)


@given(st.integers(0, len(NOTE) * 8 - 1))
def test_a_flipped_bit(at: int) -> None:
    """No bit of a note can change unseen."""
    octets = bytearray(NOTE.encode())
    at %= len(octets) * 8
    octets[at >> 3] ^= 1 << (at & 7)
    try:
        changed = octets.decode()
    except UnicodeDecodeError:
        return
    if changed.rstrip("\n") == NOTE.rstrip("\n"):
        return
    with pytest.raises(AuditLogInvalid):
        Checkpoint.open(changed, ORIGIN, KEY.public)


def test_of_another() -> None:
    """Another log's note, another key, no signature, no note."""
    for note, origin, key in (
        (NOTE, "other.example/audit", KEY),
        (NOTE, ORIGIN, OTHER),
        (NOTE.rpartition("\n\n")[0], ORIGIN, KEY),
        ("", ORIGIN, KEY),
        (f"{ORIGIN}\n012\n{base64.b64encode(MADE.root).decode()}\n\n", ORIGIN, KEY),
    ):
        with pytest.raises(AuditLogInvalid):
            Checkpoint.open(note, origin, key.public)


def test_what_cannot_be_signed() -> None:
    """Another algorithm, or a name that a note cannot carry."""
    with pytest.raises(ValueError, match="Ed25519"):
        MADE.sign(SecretKey.generate("P-256"))
    with pytest.raises(ValueError, match="plus"):
        Checkpoint("a b", 1, MADE.root).sign(KEY)
