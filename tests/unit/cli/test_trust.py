"""`agentdid trust …`: policies read and written, who lets an issuer, and lists that are published and believed."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.cli.test_cli import AUDIENCE, PARTNER, Walk, quick, shell, walk, write

__all__ = ["quick", "shell", "walk"]  # fixtures

LIST = "https://registry.example/trust/agents"
CAPABILITY = "AgentCapabilityCredential"
ACT = ("--action", "invoice.read", "--resource", f"{AUDIENCE}/v1/invoices/7")


class Registry:
    """A registry that publishes a list, and the policy of a verifier that believes it alone."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.did = walk.shell("issuer", "init", "--db", "registry.db")["did"]
        write(
            "owners.toml",
            f'audience = "{AUDIENCE}"\ndid = "{PARTNER}"\n[[resource]]\nprefix = "{AUDIENCE}/"\nroot = "{PARTNER}"\n',
        )
        write(
            "list.toml",
            f'id = "{LIST}"\n[[entries]]\nissuers = ["{walk.issuer}"]\ntypes = ["{CAPABILITY}"]\n'
            f'roots = ["{PARTNER}"]\nactions = ["invoice.*"]\nvalidUntil = 2100-01-01T00:00:00Z\n',
        )

    def publish(self, *more: str, code: int = 0) -> dict[str, Any]:
        """Publish the list as it is described, and serve it."""
        made = self.walk.shell(
            "trust", "publish", "list.toml", "--db", "registry.db", "--out", "site/list", *more, code=code
        )
        if code == 0:
            text = Path("site/list").read_text("utf-8")
            served = json.loads(Path("sources.json").read_text("utf-8"))
            write("sources.json", served | {LIST: json.loads(text) if text.startswith("{") else text})
        return made

    def add(self) -> dict[str, Any]:
        """Believe the list."""
        return self.walk.shell(
            "trust", "add", "--trust", "owners.toml", "--did", self.did, "--list", LIST, "--type", CAPABILITY,
            "--root", PARTNER, "--action", "invoice.*",
        )  # fmt: skip

    def check(self, issuer: str, action: str = "invoice.read", code: int = 0) -> dict[str, Any]:
        """Ask who lets an issuer."""
        return self.walk.shell(
            "trust", "check", "--trust", "owners.toml", "--sources", "sources.json", "--issuer", issuer, "--type",
            CAPABILITY, "--root", PARTNER, "--action", action, code=code,
        )  # fmt: skip


@pytest.fixture
def registry(walk: Walk) -> Registry:
    """A registry whose list nobody believes yet."""
    return Registry(walk)


@pytest.mark.parametrize(
    "form", [(), ("--format", "vc+jwt"), ("--format", "vc+sd-jwt"), ("--format", "eddsa-rdfc-2022")]
)
def test_a_list_is_published_believed_and_judged_by(registry: Registry, form: tuple[str, ...]) -> None:
    """L8, L18: who could not start a chain can, once the list is published and the policy names it."""
    walk = registry.walk
    offline = ("--trust", "owners.toml", "--sources", "sources.json")
    before = walk.shell("verify", "root.vc", "--credential", *offline, *ACT, code=1)["code"]
    published = registry.publish(*form)
    added = registry.add()
    after = walk.shell("verify", "root.vc", "--credential", *offline, *ACT)["code"]

    assert ("issuer_untrusted", None) == (before, after)
    assert (LIST, "trust_list") == (published["url"], added["added"])


def test_check_says_who_lets_by_which_way_and_until_when(registry: Registry) -> None:
    """The owner by itself, an issuer by the list, others by nothing; without the list nobody knows."""
    registry.publish()
    registry.add()
    owner = registry.check(PARTNER)
    listed = registry.check(registry.walk.issuer)
    beyond = registry.check(registry.walk.issuer, "order.place", code=1)
    stranger = registry.check("did:web:stranger.example", code=1)
    write("sources.json", {})
    unknown = registry.check(registry.walk.issuer, code=3)

    assert [("owner", [])] == [(each["kind"], each["way"]) for each in owner["lets"]]
    assert [("list", [LIST], ["invoice.read"])] == [
        (each["kind"], each["way"], each["allowed"]) for each in listed["lets"]
    ]
    assert f"trust list {LIST}" in {each["by"] for each in listed["freshness"]}
    assert ["issuer_untrusted"] * 2 == [beyond["code"], stranger["code"]]
    assert ["order.place"] == beyond["left"]
    assert "fetch_failed" == unknown["code"]


def test_a_list_comes_after_the_one_it_replaces(registry: Registry) -> None:
    """L17: each publication has a greater sequence, whatever the description says; another file is left alone."""
    first = registry.publish()["sequence"]
    Path("list.toml").write_text("sequence = 3\n" + Path("list.toml").read_text("utf-8"), "utf-8")
    second = registry.publish()["sequence"]
    Path("site/list").write_text("{}", "utf-8")
    failed = registry.publish(code=1)

    assert second == first + 1
    assert "proof_missing" == failed["code"]
    assert "{}" == Path("site/list").read_text("utf-8")


def test_a_list_can_be_revoked(registry: Registry) -> None:
    """L16: published with a status, it says nothing once its issuer revoked it."""
    walk = registry.walk
    made = registry.publish("--revocable")
    registry.add()

    def serve() -> None:
        files = walk.shell("issuer", "publish", "--db", "registry.db", "--out", "registry")["files"]
        more = {url: json.loads(Path(place).read_text("utf-8")) for url, place in files.items()}
        write("sources.json", json.loads(Path("sources.json").read_text("utf-8")) | more)

    serve()
    good = registry.check(walk.issuer)
    walk.shell("issuer", "revoke", "--db", "registry.db", "--credential", made["credential"])
    serve()
    revoked = registry.check(walk.issuer, code=1)

    assert good["lets"]
    assert "status_revoked" in revoked["detail"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ('types = ["x"]', 2),
        ('[[entries]]\nissuers = ["acme"]\ntypes = ["x"]\n', 4),
        ('[[entries]]\nissuers = ["did:web:a.example"]\ntypes = ["AgentCapabilityCredential"]\n', 4),
        ('[[lists]]\nissuer = "did:web:a.example"\nurl = "https://a.example/l"\ntypes = ["x"]\n', 4),
    ],
)
def test_what_no_reader_would_take_is_not_signed(registry: Registry, change: str, code: int) -> None:
    """L5: a description that is wrong is refused before anything is written."""
    write("list.toml", f'id = "{LIST}"\n{change}')

    registry.publish(code=code)
    assert not Path("site/list").exists()


def test_show_and_add_keep_what_stands_in_the_file(registry: Registry) -> None:
    """An anchor is added below what was written, comments and all; a policy that could not be read is not written."""
    walk = registry.walk
    before = "# ours\n" + Path("owners.toml").read_text("utf-8")
    Path("owners.toml").write_text(before, "utf-8")
    add = ("trust", "add", "--trust", "owners.toml", "--did", walk.issuer)
    walk.shell(*add, "--type", CAPABILITY, code=2)
    walk.shell(*add, "--type", "DiplomaCredential", "--security", "strong", code=2)
    untouched = Path("owners.toml").read_text("utf-8")
    walk.shell(*add, "--type", "DiplomaCredential", "--key", "k" * 43)
    shown = walk.shell("trust", "show", "--trust", "owners.toml")["trust"]

    assert before == untouched
    assert Path("owners.toml").read_text("utf-8").startswith(before)
    assert [(walk.issuer, ["k" * 43])] == [(each["did"], each["keys"]) for each in shown["anchors"]]


def test_people_read_it_too(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --json each verb says it in lines."""
    from agentdid.cli.main import main  # noqa: PLC0415  # beside the shell, which reads JSON

    registry.publish()
    registry.add()
    capsys.readouterr()
    check = ["trust", "check", "--trust", "owners.toml", "--sources", "sources.json", "--type", CAPABILITY]
    codes = [
        main(["trust", "show", "--trust", "owners.toml"]),
        main([*check, "--issuer", registry.walk.issuer, "--root", PARTNER, "--action", "invoice.read"]),
        main([*check, "--issuer", registry.walk.issuer, "--root", PARTNER, "--action", "order.place"]),
    ]
    text = capsys.readouterr().out

    assert [0, 0, 1] == codes
    assert f"trust list {LIST}, 0 lists deep: {registry.did}" in text
    assert f"ok  list {LIST} invoice.read" in text
    assert "NO  order.place: nothing lets it" in text


def test_a_registry_is_served_over_a_published_list(registry: Registry) -> None:
    """`serve trqp`, started as a process: it answers from the list, and does not start over one that was changed."""
    registry.publish()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "agentdid.cli.main", "serve", "trqp", "--list", "site/list", "--port", str(port)]
    question = {
        "entity_id": registry.walk.issuer, "authority_id": registry.did, "action": "grant:invoice.read",
        "resource": PARTNER,
    }  # fmt: skip
    got = None
    with subprocess.Popen(command) as process:
        try:
            for _ in range(300):
                with suppress(httpx.TransportError):
                    got = httpx.post(f"http://127.0.0.1:{port}/authorization", json=question, trust_env=False)
                    break
                time.sleep(0.1)
        finally:
            process.terminate()
            process.wait(20)
    changed = Path("site/list").read_text("utf-8").replace("invoice.*", "invoice.r")
    Path("site/list").write_text(changed, "utf-8")
    refused = subprocess.run(command, check=False, capture_output=True, timeout=60)

    assert got is not None
    assert got.json()["authorized"] is True
    assert (1, b"signature_invalid" in refused.stderr) == (refused.returncode, True)
