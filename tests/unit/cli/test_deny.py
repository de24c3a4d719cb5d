"""`agentdid deny`: the kill switch from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentdid.keys.jwk import thumbprint
from agentdid.keys.multikey import encode_multikey
from agentdid.trust.anchors import Trust
from tests.databases import valkey_url
from tests.unit.cli.test_cli import Shell, quick, shell
from tests.world import World

__all__ = ["quick", "shell"]

TRUST = """
audience = "https://api.partner.example"
did = "did:web:partner.example"
[[deny]]
kind = "did"
value = "did:web:former.example"
reason = "contract ended"
[store]
url = "STORE"
"""


def test_a_policy_s_store_is_written(shell: Shell) -> None:
    """What the command line denies the verifier of the same policy refuses; both kinds of entry are listed."""
    world = World()
    Path("trust.toml").write_text(TRUST.replace("STORE", "sqlite:denied.db"))
    key = encode_multikey(world.agent.secret.public)
    more = ("--reason", "stolen", "--until", "2027-01-01T00:00:00Z")
    added = shell("deny", "add", "--trust", "trust.toml", "--key", key, *more)

    assert (True, thumbprint(world.agent.secret.public)) == (added["added"], added["entry"]["value"])
    assert not shell("deny", "add", "--trust", "trust.toml", "--key", key)["added"]
    listed = shell("deny", "list", "--trust", "trust.toml")["denied"]
    assert [("policy", "did"), ("store", "key")] == [(each["in"], each["kind"]) for each in listed]
    verifier = world.verifier(trust=Trust.load("trust.toml"))
    assert "clear" != verifier.denied.find((f"key {thumbprint(world.agent.secret.public)}",), world.now)
    assert shell("deny", "remove", "--trust", "trust.toml", "--key", key)["removed"]
    assert not shell("deny", "remove", "--trust", "trust.toml", "--key", key)["removed"]


def test_a_server_is_written(shell: Shell) -> None:
    """`--db` names the store itself."""
    place = valkey_url()
    shell("deny", "add", "--db", place, "--credential", "urn:uuid:1", "--reason", "wrong amount")

    assert ["urn:uuid:1"] == [each["value"] for each in shell("deny", "list", "--db", place)["denied"]]


@pytest.mark.parametrize(
    "given",
    [
        ("add", "--did", "did:web:a.example"),
        ("add", "--db", "memory:", "--did", "did:web:a.example"),
        ("add", "--db", "x.db"),
        ("add", "--db", "x.db", "--did", "did:web:a.example", "--key", "x"),
        ("add", "--db", "x.db", "--did", "nobody"),
        ("list",),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(shell: Shell, given: tuple[str, ...]) -> None:
    """No store, one that ends with the command, no name or two: said, and nothing is made."""
    shell("deny", *given, code=2)

    assert not Path("x.db").exists()


def test_a_policy_without_a_store_lists_its_own(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """Entries of the policy are shown without one; in words, too."""
    Path("trust.toml").write_text(TRUST.partition("[store]")[0])
    assert ["did:web:former.example"] == [
        each["value"] for each in shell("deny", "list", "--trust", "trust.toml")["denied"]
    ]
    from agentdid.cli.main import main  # noqa: PLC0415  # the words, without --json

    assert 0 == main(["deny", "list", "--trust", "trust.toml"])
    assert "policy  did         did:web:former.example  contract ended" in capsys.readouterr().out


def test_a_store_that_is_down_is_undecided(shell: Shell) -> None:
    """Exit code 3: the entry was not written, and somebody must know."""
    found = shell("deny", "add", "--db", "unix:///nowhere/socket", "--did", "did:web:a.example", code=3)

    assert "store_unavailable" == found["code"]
