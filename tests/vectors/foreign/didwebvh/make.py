"""did:webvh logs by foreign implementations, kept for tests that have none of them.

``python tests/vectors/foreign/didwebvh/make.py`` writes one file an implementation: scenario → DID, log, witness file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[3]


def main() -> int:
    """Run every implementation; write its file, or say why it could not be run."""
    sys.path.insert(0, str(ROOT))
    from agentdid.codec.base import encode_base64url  # noqa: PLC0415  # after the path is set
    from interop.did_webvh import PYTHON, SCENARIOS, SEEDS, TYPESCRIPT  # noqa: PLC0415
    from interop.stack import StackUnavailable  # noqa: PLC0415

    failed = 0
    seeds = [encode_base64url(each) for each in SEEDS]
    for stack in (TYPESCRIPT, PYTHON):
        try:
            made = stack.make({name: {"op": "make", "scenario": name, "seeds": seeds} for name in SCENARIOS})
        except StackUnavailable as error:
            sys.stderr.write(f"{stack.package}: not run: {error}\n")
            failed = 1
            continue
        text = json.dumps({"implementation": stack.name, "logs": made}, indent=1, sort_keys=True)
        (HERE / f"{stack.package}.json").write_text(text + "\n", "utf-8")
    return failed


if __name__ == "__main__":
    sys.exit(main())
