"""What foreign implementations signed, kept for tests that have none of them: ``python tests/vectors/foreign/make.py``.

One file an implementation, a row a case: the question as `interop.judge.judge` takes it and the answer that is
expected. The keys are those of `interop.parties`. Salts and ECDSA signatures are fresh each time, and so are the files.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent


def main() -> int:
    """Run every implementation; write its file, or say why it could not be run."""
    sys.path.insert(0, str(ROOT))
    from interop.__main__ import run  # noqa: PLC0415  # after the path is set
    from interop.cell import THEIRS  # noqa: PLC0415

    cells, unavailable = run()
    for package, reason in unavailable.items():
        sys.stderr.write(f"{package}: not run: {reason}\n")
    rows: dict[str, list[str]] = {}
    for cell in cells:
        if cell.direction == THEIRS and cell.question is not None:  # noble/ has its own
            row = {**cell.encode(), "question": cell.question}
            for name in ("detail", "verdict", "reason"):
                del row[name]
            rows.setdefault(cell.implementation, []).append(json.dumps(row, sort_keys=True))
    for implementation, lines in rows.items():
        name = implementation.rpartition(" ")[0].replace("@", "").replace("/", "-")
        text = ",\n ".join(lines)
        (HERE / f"{name}.json").write_text(f"[{text}]\n", "utf-8")
    return 1 if unavailable else 0


if __name__ == "__main__":
    sys.exit(main())
