"""Stores for tests: as in life, but with a passphrase that is quick to try."""

from __future__ import annotations

from agentdid.storage.vault import Kdf

PASSPHRASE = "correct horse battery staple"
CHEAP = Kdf(passes=1, memory_bytes=8 * 1024 * 1024)
"""The floor of what `Kdf` takes: 8 MiB, once."""
