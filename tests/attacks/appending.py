"""A process that appends to an audit log: ``python -m tests.attacks.appending FOLDER COUNT [durable]``.

It says each entry's index on stdout once the log says that it stands; a count of 0 never ends.
"""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

from tests.audit import open_log, record


def main(folder: str, count: str, *durable: str) -> None:
    """Append."""
    log = open_log(Path(folder), durable=bool(durable), every=7)
    for number in itertools.count() if count == "0" else range(int(count)):
        entry = log.append(record(number))
        os.write(1, f"{entry.index} {entry.leaf.hex()}\n".encode())
    log.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
