"""openvc-core behind one question a task: tasks on stdin, answers on stdout. Keys and the time come with the task."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from typing import Any

from openvc.errors import OpenvcError
from openvc.keys import Ed25519SigningKey, P256SigningKey
from openvc.proof.sd_jwt import SdJwtVcProofSuite

SUITE = SdJwtVcProofSuite()
KEYS = {"OKP": Ed25519SigningKey, "EC": P256SigningKey}


def issue(task: dict[str, Any]) -> str:
    """Return an SD-JWT VC whose named claims can be withheld."""
    key = KEYS[task["key"]["kty"]].from_jwk(task["key"], task["kid"])
    return SUITE.issue(task["claims"], signing_key=key, disclosable=task["hide"], holder_jwk=task["holder"])


def present(task: dict[str, Any]) -> str:
    """Return the SD-JWT with a key binding."""
    key = KEYS[task["key"]["kty"]].from_jwk(task["key"], task["kid"])
    return SUITE.create_presentation(task["token"], holder_key=key, audience=task["audience"], nonce=task["nonce"])


def verify(task: dict[str, Any]) -> dict[str, Any]:
    """Return the claims of a presentation that holds, its key binding with it."""
    verified = SUITE.verify(
        task["token"],
        public_key_jwk=task["key"],
        audience=task["audience"],
        nonce=task["nonce"],
        require_key_binding=True,
        now=datetime.fromtimestamp(task["now"], UTC),
    )
    return dict(verified.claims)


DOES = {"issue": issue, "present": present, "verify": verify}


def answer(task: dict[str, Any]) -> dict[str, object]:
    """Return what the library made of a task, or why it refused."""
    if "now" in task:
        time.time = lambda now=float(task["now"]): now  # type: ignore[assignment]  # it takes no other clock
    try:
        return {"ok": True, "result": DOES[task.pop("op")](task)}
    except (OpenvcError, ValueError, KeyError, TypeError) as error:
        return {"ok": False, "error": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    json.dump([answer(each) for each in json.load(sys.stdin)], sys.stdout)
