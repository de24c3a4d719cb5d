"""What needs an extra says so."""

from __future__ import annotations

import subprocess
import sys


def test_bbs_names_its_extra() -> None:
    """Without the curve's library a bbs-2023 proof is refused with the extra's name, and ecdsa-sd-2023 is unmoved."""
    program = (
        "import sys; sys.modules['py_arkworks_bls12381'] = None\n"
        "from agentdid.proof import bbs2023, ecdsa_sd\n"
        "from agentdid.errors import ExtraMissing\n"
        "try:\n"
        "    from agentdid.proof import bbs\n"
        "except ExtraMissing as error:\n"
        "    print(error.code, error.detail)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert "extra_missing BBS needs the extra bbs: pip install 'agentdid[bbs]'" == done.stdout.strip()
