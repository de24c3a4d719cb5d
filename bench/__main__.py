"""`python -m bench [topic…] [--json] [--peers]`: figures, spread and bar; exit 1 if a bar was missed."""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from typing import TYPE_CHECKING, Final

from bench import chain, did, issue, ledger, policy, rdfc, selective, start, status, suites, tokens, verify, webvh

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.measure import Row

TOPICS: Final[dict[str, tuple[Callable[[], list[Row]], ...]]] = {
    "verify": (verify.rows, start.rows),
    "did": (did.rows, webvh.rows),
    "issue": (issue.rows, ledger.rows),
    "proofs": (suites.rows, rdfc.rows, selective.rows),
    "chain": (chain.rows, policy.rows),
    "tokens": (tokens.rows, status.rows),
}

PEERS: Final[dict[str, tuple[Callable[[], list[Row]], ...]]] = {"proofs": (selective.peers,)}
"""What `--peers` measures beside them, for comparison: nobody else's time passes or fails."""


def main(arguments: list[str]) -> int:
    """Measure the topics that are named, by default all, and print a row a figure."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("topics", nargs="*", choices=[*TOPICS, []], help=f"any of {', '.join(TOPICS)}; by default all")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--peers", action="store_true", help="foreign implementations beside them, where they install")
    options = parser.parse_args(arguments)
    if options.peers:
        TOPICS["tokens"] = (partial(tokens.rows, with_peers=True),)
    rows = [row for topic in options.topics or TOPICS for measure in TOPICS[topic] for row in measure()]
    if options.peers:
        rows += [row for topic in options.topics or PEERS for measure in PEERS.get(topic, ()) for row in measure()]
    if options.json:
        print(json.dumps({"rows": [row.encode() for row in rows], "ok": all(row.ok for row in rows)}, indent=2))
    else:
        print(f"{'row':64} {'figure':>8} {'p10':>7} {'p90':>7} {'bar':>6}  unit, verdict")
        for row in rows:
            verdict = "ok" if row.ok else "MISSED"
            print(f"{row.name:64} {row.figure:8.4g} {row.low:7.3g} {row.high:7.3g} {row.bar:6g}  {row.unit}, {verdict}")
    return 0 if all(row.ok for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
