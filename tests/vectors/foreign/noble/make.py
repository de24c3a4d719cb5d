"""Make mldsa.json, signatures both ways between agentdid and @noble/post-quantum.

In an empty folder: `npm install @noble/post-quantum@0.7.1 @noble/curves`, then there
`python .../tests/vectors/foreign/noble/make.py`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from agentdid.codec.base import encode_base64url
from agentdid.keys.algorithms import ALGORITHMS
from agentdid.keys.secret import SecretKey

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Sign, let the other implementation verify and sign, and write what both say."""
    rows = []
    for name, row in ALGORITHMS.items():
        if row.kty == "AKP":
            secret = SecretKey.from_seed(name, os.urandom(row.seed_len))
            rows.extend(
                {
                    "name": name,
                    "seed": encode_base64url(secret.export_seed()),
                    "message": encode_base64url(message),
                    "signature": encode_base64url(secret.sign(message)),
                }
                for message in (b"", b"invoice.read", os.urandom(200))
            )
    # a module is looked up from where its importer lies, so the script goes where the packages are
    script = Path("noble.mjs")
    script.write_text((HERE / "noble.mjs").read_text())
    done = subprocess.run(
        [shutil.which("node") or "node", script],
        input=json.dumps(rows),
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    (HERE / "mldsa.json").write_text(done.stdout)


if __name__ == "__main__":
    main()
