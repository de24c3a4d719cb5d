"""A real PKCS#11 token for tests: SoftHSM, over a folder of the test's own."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PIN = "2468"
MODULES = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
           "/usr/lib64/pkcs11/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so"]  # fmt: skip


@contextmanager
def soft_tokens(folder: Path, *labels: str) -> Iterator[str]:
    """Yield the path of SoftHSM's library, over empty tokens of these labels; skip where it is not installed."""
    tool = shutil.which("softhsm2-util")
    found = [path for path in MODULES if Path(path).exists()]
    if tool is None or not found:
        pytest.skip("SoftHSM is not here; on Debian: apt-get install softhsm2")
    (folder / "tokens").mkdir()
    config = folder / "softhsm2.conf"
    config.write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(config))
        for label in labels:
            subprocess.run(
                [tool, "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "13579"],
                check=True, capture_output=True, timeout=30,
            )  # fmt: skip
        yield found[0]


def uri(module: str, label: str, *, pin_source: Path | None = None) -> str:
    """Return the PKCS#11 URI of a key."""
    pin = "" if pin_source is None else f"&pin-source=file:{quote(str(pin_source))}"
    return f"pkcs11:token=agentdid;object={quote(label)}?module-path={quote(module)}{pin}"
