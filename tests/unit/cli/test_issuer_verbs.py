"""The issuer's verbs about what was issued: suspend, reinstate, revoke many, list, show, batches from files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.test_cli import AUDIENCE, Shell, Walk, capability, quick, shell, walk, write

__all__ = ["quick", "shell", "walk"]  # fixtures

ACT = ("--action", "invoice.read", "--resource", f"{AUDIENCE}/v1/invoices/7")
DB = ("--db", "issuer.db")


def judged(walk: Walk, code: int) -> str | None:
    """The code of the agent's presentation under the lists as they are published now."""
    walk.publish()
    found: str | None = walk.verify(walk.present(), "--challenge", "c", *ACT, code=code)["code"]
    return found


def test_suspend_reinstate_revoke(walk: Walk) -> None:
    """Each takes effect with the next publication; a revocation is the last of them."""
    this = ("--credential", walk.issued["id"])
    found: list[object] = [judged(walk, 0)]
    found.append(walk.shell("issuer", "suspend", *DB, *this, "--reason", "audit")["changed"])
    found.append(judged(walk, 1))
    found.append([walk.shell("issuer", "reinstate", *DB, *this)["changed"] for _ in range(2)])
    found.append(judged(walk, 0))
    found.append(walk.shell("issuer", "revoke", *DB, *this)["changed"])
    found.append(judged(walk, 1))
    refused = [walk.shell("issuer", act, *DB, *this, code=1)["code"] for act in ("suspend", "reinstate")]
    shown = walk.shell("issuer", "show", *DB, *this)

    assert [None, True, "status_suspended", [True, False], None, True, "status_revoked"] == found
    assert ["revocation_final"] * 2 == refused
    assert ("revoked", ["suspend", "reinstate", "revoke"]) == (
        shown["state"], [each["act"] for each in shown["history"]],
    )  # fmt: skip
    assert walk.issued["status"] == {name: shown[name] for name in ("statusListCredential", "statusListIndex")}


def test_the_kill_switch(walk: Walk) -> None:
    """By subject, by key, by time, or all; one of them must be said, and only one kind."""
    key = f"{walk.issuer}#{walk.issuer.removeprefix('did:key:')}"
    counts = [
        walk.shell("issuer", "suspend", *DB, "--key", key)["changed"],
        walk.shell("issuer", "revoke", *DB, "--subject", "did:key:zNobody")["changed"],
        walk.shell("issuer", "revoke", *DB, "--issued-until", "2020-01-01T00:00:00Z")["changed"],
        walk.shell("issuer", "revoke", *DB, "--subject", walk.agent)["changed"],
        walk.shell("issuer", "revoke", *DB, "--all")["changed"],
    ]
    listed = walk.shell("issuer", "list", *DB, "--state", "revoked")

    assert [1, 0, 0, 1, 0] == counts
    assert (1, [walk.issued["id"]]) == (listed["total"], [each["id"] for each in listed["credentials"]])
    for wrong in ((), ("--all", "--subject", "x"), ("--credential", "x", "--all")):
        walk.shell("issuer", "revoke", *DB, *wrong, code=2)
    walk.shell("issuer", "list", *DB, "--state", "lost", code=2)


def test_a_token_status(walk: Walk) -> None:
    """With `--status token` the SD-JWT has a `status` claim, and its list is published as a token."""
    made = walk.shell(
        "issuer", "issue", *DB, "--to", walk.agent, "--capability", "cap.json", "--status", "token", "--out", "t.vc"
    )
    files = walk.shell("issuer", "publish", *DB, "--out", "site")["files"]
    (url,) = [each for each in files if each.endswith(".jwt")]
    write("sources.json", {each: Path(place).read_text("utf-8") for each, place in files.items()})
    accepted = walk.verify("t.vc", "--credential")
    walk.shell("issuer", "suspend", *DB, "--credential", made["id"])
    files = walk.shell("issuer", "publish", *DB, "--out", "site")["files"]
    write("sources.json", {each: Path(place).read_text("utf-8") for each, place in files.items()})
    refused = walk.verify("t.vc", "--credential", code=1)

    assert url == made["status"]["statusListCredential"]
    assert ("accepted", "status_suspended") == (accepted["outcome"], refused["code"])
    walk.shell(
        "issuer", "issue", *DB, "--to", walk.agent, "--capability", "cap.json", "--status", "token", "--format",
        "eddsa-jcs-2022", code=2,
    )  # fmt: skip


def test_the_same_idempotency_key(walk: Walk) -> None:
    """N19: repeated, the same credential; for another order, a refusal."""
    ask = ("issuer", "issue", *DB, "--to", walk.agent, "--capability", "cap.json", "--idempotency-key", "k")
    first, second = walk.shell(*ask), walk.shell(*ask)

    assert first == second
    assert "credential_exists" == walk.shell(*ask, "--ttl", "2h", code=1)["code"]


def rows(name: str = "made.jsonl") -> list[Any]:
    """What a batch wrote."""
    return [json.loads(line) for line in Path(name).read_text("utf-8").splitlines()]


def test_a_batch_of_json_lines(shell: Shell) -> None:
    """A line for each order, in their order; what is refused has its code, and the run says so with exit 1."""
    issuer = shell("issuer", "init", *DB)["did"]
    write("cap.json", capability(issuer))
    agents = [shell("did", "create")["did"] for _ in range(3)]
    orders: list[dict[str, object]] = [{"to": each, "claims": {"n": n}} for n, each in enumerate(agents)]
    orders[1] |= {"ttl": "2d", "format": "eddsa-jcs-2022", "capability": capability(issuer), "key": "mine"}
    orders.append({"to": "nobody"})
    write("orders.jsonl", "\n".join(json.dumps(each) for each in orders) + "\n\n")
    ask = ("issuer", "batch", "orders.jsonl", *DB, "--capability", "cap.json", "--out", "made.jsonl", "--batch", "b1")
    first = shell(*ask, code=1)
    made = rows()
    second = shell(*ask, code=1)

    assert (3, 1, {"did_invalid": 1}) == (first["issued"], first["refused"], first["codes"])
    assert first == second
    assert [0, 1, 2, 3] == [row["position"] for row in made]
    assert [row.get("credential") for row in made] == [row.get("credential") for row in rows()]
    assert [True] * 3 == [row["repeated"] for row in rows()[:3]]
    assert 3 == shell("issuer", "list", *DB)["total"]
    assert "DataIntegrityProof" == made[1]["credential"]["proof"]["type"]


def test_a_batch_of_csv(shell: Shell) -> None:
    """Columns that are no order's own are claims; a byte order mark and quotes are what spreadsheets write."""
    issuer = shell("issuer", "init", *DB)["did"]
    write("cap.json", capability(issuer))
    agents = [shell("did", "create")["did"] for _ in range(2)]
    write("orders.csv", f'\ufeffto,ttl,name\n{agents[0]},10m,"Ada, Countess"\n{agents[1]},,\n')
    found = shell("issuer", "batch", "orders.csv", *DB, "--capability", "cap.json", "--out", "made.jsonl")
    listed = shell("issuer", "list", *DB, "--limit", "1")
    more = shell("issuer", "list", *DB, "--limit", "1", "--before", str(listed["next"]))

    assert (2, 0) == (found["issued"], found["refused"])
    assert agents[::-1] == [listed["credentials"][0]["subject"], more["credentials"][0]["subject"]]
    assert 2 == listed["total"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("o.jsonl", "[]\n"), ("o.jsonl", '{"to":"did:web:a.example","issuer":"x"}\n'), ("o.jsonl", "{\n"),
        ("o.jsonl", '{"claims":{}}\n'), ("o.csv", "to,name\na\n"), ("o.csv", "to\na,b\n"),
        ("o.jsonl", '{"to":"did:web:a.example","ttl":"soon"}\n'),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_meant(shell: Shell, name: str, text: str) -> None:
    """Usage, exit 2, with the line; nothing was issued."""
    issuer = shell("issuer", "init", *DB)["did"]
    write("cap.json", capability(issuer))
    shell("issuer", "batch", write(name, text), *DB, "--capability", "cap.json", "--out", "made.jsonl", code=2)

    assert 0 == shell("issuer", "list", *DB)["total"]
