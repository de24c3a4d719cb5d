"""Term tables from the official context files: ``python -m tools.compile_contexts [--check]``.

Reads ``contexts/index.json`` of the official vectors (AGENTDID_VECTORS) and our own ``specs/contexts``, writes
``src/agentdid/canon/tables/*.json`` in the form of ``agentdid.canon.term_table`` and ``canon/context_pins.py``: for
each URL the digests of the official file and of the table. With ``--check``: whether they are what it would write.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Final

from agentdid.canon.term_table import compile_context

ROOT: Final = Path(__file__).resolve().parent.parent
CANON: Final = ROOT / "src" / "agentdid" / "canon"
TABLES: Final = CANON / "tables"
PINS: Final = CANON / "context_pins.py"
OWN_URL: Final = "https://w3id.org/agentdid/v1"
OWN_FILE: Final = ROOT / "specs" / "contexts" / "agentdid-v1.jsonld"

# The order in which a document lists its contexts: what everything stands on, ours, vocabularies, keys and proofs.
ORDER: Final = (
    "https://www.w3.org/ns/credentials/v2",
    "https://www.w3.org/2018/credentials/v1",
    "https://www.w3.org/ns/did/v1.1",
    "https://www.w3.org/ns/did/v1",
    "https://www.w3.org/ns/cid/v1",
    "https://w3id.org/did-resolution/v1",
    "https://identity.foundation/.well-known/did-configuration/v1",
    "https://w3id.org/zcap/v1",
    OWN_URL,
    "https://w3id.org/citizenship/v1",
    "https://w3id.org/citizenship/v2",
    "https://w3id.org/citizenship/v3",
    "https://w3id.org/citizenship/v4rc1",
    "https://w3id.org/vdl/v1",
    "https://w3id.org/vdl/aamva/v1",
    "https://www.w3.org/2018/credentials/examples/v1",
    "https://www.w3.org/ns/credentials/examples/v2",
    "https://www.w3.org/ns/credentials/undefined-terms/v2",
    "https://www.w3.org/ns/credentials/status/v1",
    "https://w3id.org/vc/status-list/2021/v1",
    "https://w3id.org/security/multikey/v1",
    "https://w3id.org/security/jwk/v1",
    "https://w3id.org/security/suites/jws-2020/v1",
    "https://w3id.org/security/suites/ed25519-2020/v1",
    "https://w3id.org/security/suites/x25519-2020/v1",
    "https://w3id.org/security/bbs/v1",
    "https://w3id.org/webkms/v1",
    "https://w3id.org/security/data-integrity/v2",
    "https://w3id.org/security/data-integrity/v1",
    "https://w3id.org/security/v2",
    "https://w3id.org/security/v1",
)
# Texts that a URL once answered with and that published digests still name: known by digest, never processed.
SUPERSEDED: Final = {"credentials-v2-2024-07-CR.jsonld": "https://www.w3.org/ns/credentials/v2"}
WIDTH: Final = 121  # of a line, with its end
# Of two files for one URL, the one that the URL does not answer with: a draft in a working group's repository.
NOT_SERVED: Final = frozenset({"ed25519-2020-v1-w3c-repo.jsonld"})


def sources(vectors: Path) -> dict[str, Path]:
    """Return the official file of each URL, in the order of the pins."""
    index = json.loads((vectors / "contexts" / "index.json").read_text("utf-8"))["contexts"]
    found = {row["url"]: vectors / "contexts" / row["file"] for row in index if row["file"] not in NOT_SERVED}
    found[OWN_URL] = OWN_FILE
    missing = set(ORDER) ^ set(found)
    if missing:
        message = f"contexts without a place, or places without a context: {sorted(missing)}"
        raise SystemExit(message)
    return {url: found[url] for url in ORDER}


def build(vectors: Path) -> dict[Path, bytes]:
    """Return every file that this tool writes."""
    files: dict[Path, bytes] = {}
    rows = []
    for url, source in sources(vectors).items():
        official = source.read_bytes()
        layers = compile_context(json.loads(official))
        table = json.dumps(layers, separators=(",", ":"), ensure_ascii=False, sort_keys=True).encode() + b"\n"
        name = f"{source.stem}.json"
        files[TABLES / name] = table
        rows.append(
            f"    Pin(\n        {json.dumps(url)},\n        {json.dumps(name)},\n"
            f"        {json.dumps(hashlib.sha256(official).hexdigest())},\n"
            f"        {json.dumps(hashlib.sha384(official).hexdigest())},\n"
            f"        {json.dumps(hashlib.sha256(table).hexdigest())},\n    ),\n"
        )
    old = []
    for name, url in SUPERSEDED.items():
        official = (vectors / "contexts" / name).read_bytes()
        for digest in (hashlib.sha256(official).hexdigest(), hashlib.sha384(official).hexdigest()):
            row = f"    {json.dumps(digest)}: {json.dumps(url)},\n"
            fits = len(row) <= WIDTH
            old.append(row if fits else f"    {json.dumps(digest)}: (\n        {json.dumps(url)}\n    ),\n")
    files[PINS] = (HEAD + "".join(rows) + ")\n\n" + MIDDLE + "".join(old) + "}\n").encode()
    return files


HEAD: Final = '''"""The contexts that the package carries, in the order of lists. Made by `tools.compile_contexts`."""

from __future__ import annotations

from typing import Final, NamedTuple


class Pin(NamedTuple):
    """One context.

    Attributes:
        url: What stands in `@context`.
        table: Our table of it, a file in `canon/tables`.
        sha256: The digest of the official file, hexadecimal.
        sha384: The same under SHA-384.
        table_sha256: The digest of the table.
    """

    url: str
    table: str
    sha256: str
    sha384: str
    table_sha256: str


PINS: Final = (
'''
MIDDLE: Final = """# Texts that published digests still name; they are recognized and never processed.
SUPERSEDED: Final = {
"""


def main(arguments: list[str]) -> int:
    """Write the files, or say which are not what they should be."""
    vectors = Path(os.environ.get("AGENTDID_VECTORS", ROOT.parent / "shared" / "vectors"))
    files = build(vectors)
    if "--check" in arguments:
        stale = [path.name for path, body in files.items() if not path.exists() or path.read_bytes() != body]
        stale += [path.name for path in TABLES.glob("*") if path not in files]
        if stale:
            sys.stderr.write(f"not up to date: {', '.join(stale)}; run python -m tools.compile_contexts\n")
        return 1 if stale else 0
    TABLES.mkdir(exist_ok=True)
    for path, body in files.items():
        path.write_bytes(body)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
