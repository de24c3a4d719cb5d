"""A log of decisions: one evidence bundle a line, appended whole, readable by its owner alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from threading import Lock
from typing import Final, final

from agentdid.codec.strict_json import encode
from agentdid.errors import StoreUnavailable

_MODE: Final = stat.S_IRUSR | stat.S_IWUSR


@final
class DecisionLog:
    """Appends bundles to a JSON Lines file; several processes may append to one."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._lock = Lock()

    def append(self, bundle: dict[str, object]) -> None:
        """Write one bundle and have it on disk before returning.

        Raises:
            StoreUnavailable: It could not be written, so the decision has no record and must not stand.
        """
        try:
            line = encode(bundle) + b"\n"
        except RecursionError:
            raise StoreUnavailable("the bundle is nested too deep to be written") from None
        try:
            with self._lock:
                descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _MODE)
                try:
                    if os.fstat(descriptor).st_mode & 0o077:
                        os.fchmod(descriptor, _MODE)  # a bundle holds what was presented
                    # one write to a file in append mode: lines of several processes do not mix
                    if os.write(descriptor, line) != len(line):
                        raise StoreUnavailable("the decision log took only part of a bundle")
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
        except OSError as error:
            raise StoreUnavailable(f"the decision log cannot be written ({error.strerror})") from None
