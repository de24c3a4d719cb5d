"""A progress bar on stderr, where that is a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Callable


@final
class Bar:
    """Shows how far something is; used as a context that gives the function to say so."""

    def __init__(self, title: str, total: int, *, quiet: bool) -> None:
        self._title = title
        self._total = max(total, 1)
        self._bar: Any = None
        if sys.stderr.isatty() and not quiet:
            from rich.console import Console  # noqa: PLC0415  # only where it is seen
            from rich.progress import Progress  # noqa: PLC0415

            self._bar = Progress(console=Console(stderr=True))

    def __enter__(self) -> Callable[[int], None]:
        if self._bar is None:
            return lambda _: None
        self._bar.start()
        task = self._bar.add_task(self._title, total=self._total)
        return lambda done: self._bar.update(task, completed=done)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
