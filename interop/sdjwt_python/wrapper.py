"""The Python package sd-jwt behind one question a task: tasks on stdin, answers on stdout. Keys come with the task."""

from __future__ import annotations

import json
import sys
from typing import Any

from jwcrypto.common import JWException
from jwcrypto.jwk import JWK
from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

Path = tuple[str | int, ...]


def issue(task: dict[str, Any]) -> str:
    """Return a token in which the paths of the task are hidden, on request among decoys."""
    hidden = {tuple(path) for path in task["hide"]}
    issuer = SDJWTIssuer(
        mark(task["payload"], hidden, ()),
        JWK(**task["key"]),
        sign_alg=task["alg"],
        add_decoy_claims=bool(task["decoys"]),
        extra_header_parameters=task["header"],
    )
    return issuer.sd_jwt_issuance


def mark(value: Any, hidden: set[Path], path: Path) -> Any:  # noqa: ANN401  # any JSON value
    """Return the value with the library's marker around whatever is to be hidden."""
    if isinstance(value, dict):
        return {
            SDObj(name) if (*path, name) in hidden else name: mark(each, hidden, (*path, name))
            for name, each in value.items()
        }
    if isinstance(value, list):
        marked = [mark(each, hidden, (*path, place)) for place, each in enumerate(value)]
        return [SDObj(each) if (*path, place) in hidden else each for place, each in enumerate(marked)]
    return value


def present(task: dict[str, Any]) -> str:
    """Return the token with the disclosures of the kept paths alone."""
    holder = SDJWTHolder(task["token"])
    holder.create_presentation(choice(task["keep"]))
    return holder.sd_jwt_presentation


def choice(paths: list[list[str | int]]) -> Any:  # noqa: ANN401  # nested objects and lists
    """Return the library's way to say which claims to disclose."""
    if paths == [[]]:
        return True
    inner: dict[str | int, list[list[str | int]]] = {}
    for path in paths:
        if path:
            inner.setdefault(path[0], []).append(path[1:])
    if inner and all(isinstance(step, int) for step in inner):
        last = max(int(step) for step in inner)
        return [choice(inner[place]) if place in inner else None for place in range(last + 1)]
    return {step: choice(rest) for step, rest in inner.items()}


def verify(task: dict[str, Any]) -> dict[str, Any]:
    """Return the claims of a token whose signature holds."""
    verifier = SDJWTVerifier(task["token"], lambda _issuer, _header: JWK(**task["key"]))
    return verifier.get_verified_payload()


DOES = {"issue": issue, "present": present, "verify": verify}


def answer(task: dict[str, Any]) -> dict[str, object]:
    """Return what the library made of a task, or why it refused."""
    try:
        return {"ok": True, "result": DOES[task.pop("op")](task)}
    except (JWException, ValueError, KeyError, TypeError, AttributeError) as error:
        return {"ok": False, "error": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    json.dump([answer(task) for task in json.load(sys.stdin)], sys.stdout)
