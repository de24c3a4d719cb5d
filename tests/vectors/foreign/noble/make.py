"""Make mldsa.json, what @noble/post-quantum signed and accepted: ``python tests/vectors/foreign/noble/make.py``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent.parent


def main() -> None:
    """Sign, let the other implementation verify and sign, and write what both say."""
    sys.path.insert(0, str(ROOT))
    from agentdid.codec.base import encode_base64url  # noqa: PLC0415  # after the path is set
    from agentdid.keys.algorithms import ALGORITHMS  # noqa: PLC0415
    from agentdid.keys.secret import SecretKey  # noqa: PLC0415
    from interop.ml_dsa import NAMES, STACK  # noqa: PLC0415

    rows = []
    for name in NAMES:
        secret = SecretKey.from_seed(name, os.urandom(ALGORITHMS[name].seed_len))
        for message in (b"", b"invoice.read", os.urandom(200)):
            row: dict[str, object] = {
                "name": name,
                "seed": encode_base64url(secret.export_seed()),
                "message": encode_base64url(message),
                "signature": encode_base64url(secret.sign(message)),
            }
            signed = STACK.make({"signed": {"op": "sign", **row}})["signed"]
            (answer,) = STACK.ask([{"op": "verify", **row, "publicKey": signed["publicKey"]}])
            row |= {"publicKey": signed["publicKey"], "accepted": answer.ok, "noble": signed["signature"]}
            rows.append(row)
    (HERE / "mldsa.json").write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
