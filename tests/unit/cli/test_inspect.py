"""`agentdid inspect`: everything is explained, nothing believed, and nothing a sender writes ends it otherwise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentdid.cli.main import main
from agentdid.codec.strict_json import encode
from agentdid.secure import cose, sd_jwt
from agentdid.verify.explain import explain
from tests.attacks.test_key_binding import bind, kind
from tests.attacks.test_sd_jwt_json import flattened
from tests.forgery import badge, badge_token, prove
from tests.profiles import examples
from tests.tokens import badge_jwt
from tests.world import World

if TYPE_CHECKING:
    from pathlib import Path


def forms() -> dict[str, tuple[bytes | str, str, str]]:
    """Return an input of every form, what it is, and its form's name."""
    world = World()
    plain = badge_jwt(world).sign(world.acme)
    octets = cose.issue(badge(world), world.acme.secret, world.acme.method_id)
    dc, vc = kind(world, "dc+sd-jwt")[0], kind(world, "vc+sd-jwt")[0]
    return {
        "vc+jwt": (plain, "credential", "vc+jwt"),
        "vc+sd-jwt": (vc, "credential", "vc+sd-jwt"),
        "dc+sd-jwt": (dc, "credential", "dc+sd-jwt"),
        "vc+cose": (octets, "credential", "vc+cose"),
        "data integrity": (encode(prove(badge(world), world.acme)), "credential", "eddsa-jcs-2022"),
        "json": (encode(flattened(vc)), "credential", "vc+sd-jwt"),
        "vp+jwt": (world.present(world.root()), "presentation", "vp+jwt"),
        "vp+sd-jwt": (world.present(world.root(), form="vp+sd-jwt"), "presentation", "vp+sd-jwt"),
        "vp+cose": (world.present(world.root(), form="vp+cose"), "presentation", "vp+cose"),
        "vp data integrity": (world.present(world.root(), form="eddsa-jcs-2022"), "presentation", "eddsa-jcs-2022"),
        "kb+jwt": (bind(world, dc), "presentation", "kb+jwt"),
        "kb+jwt in json": (encode(flattened(bind(world, vc))), "presentation", "kb+jwt"),
    }


FORMS = forms()


@pytest.mark.parametrize("name", FORMS)
def test_every_form(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From a file, as JSON and for people: what it is, who claims to have signed, and that nothing was verified."""
    raw, what, form = FORMS[name]
    place = tmp_path / "input"
    place.write_bytes(raw if isinstance(raw, bytes) else raw.encode())

    assert 0 == main(["inspect", str(place), "--json"])
    shown: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (False, what, form, None) == (shown["verified"], shown["kind"], shown["form"], shown.get("problem"))
    assert shown["signatures"][0]["by"].startswith("did:")
    if what == "presentation":
        assert ["credential"] == [each["kind"] for each in shown["credentials"]]

    assert 0 == main(["inspect", str(place)])
    captured = capsys.readouterr()
    assert "has been verified" in captured.out
    assert shown["signatures"][0]["by"] in captured.out
    assert "" == captured.err


def test_a_token_as_an_argument(capsys: pytest.CaptureFixture[str]) -> None:
    """A token need not be in a file."""
    raw, _, _ = FORMS["vc+sd-jwt"]

    assert 0 == main(["inspect", str(raw), "--json"])
    shown = json.loads(capsys.readouterr().out)
    assert ["/credentialSubject/level", "/credentialSubject/name"] == sorted(shown["disclosed"])
    assert [] == shown["withheldOrDecoys"]


def test_what_is_withheld() -> None:
    """A digest without its disclosure is of something withheld or of nothing: that much is said."""
    world = World()
    token = sd_jwt.issue(
        badge(world), world.acme.secret, world.acme.method_id,
        disclosable=[("credentialSubject", "name"), ("credentialSubject", "level")],
        decoys={("credentialSubject",): 3},
    )  # fmt: skip
    shown: Any = explain(sd_jwt.withhold(token, frozenset({("credentialSubject", "name")})))

    assert ["/credentialSubject/name"] == shown["disclosed"]
    assert ["/credentialSubject"] == shown["withheldOrDecoys"]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("not json", "json_invalid"), ('{"a":1,"a":2}', "json_duplicate_key"), (b"\xff\xfe", "encoding_invalid"),
        ("[" * 9_000, "json_too_deep"), ("", "json_invalid"),
    ],
)  # fmt: skip
def test_what_cannot_be_read(raw: str | bytes, code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is said why, with the exit code of malformed input."""
    place = tmp_path / "input"
    place.write_bytes(raw if isinstance(raw, bytes) else raw.encode())

    assert 4 == main(["inspect", str(place), "--json"])
    shown = json.loads(capsys.readouterr().out)
    assert ("malformed", code, False) == (shown["outcome"], shown["code"], shown["verified"])


def test_what_a_verifier_would_refuse() -> None:
    """The refusal is said, and what can be read all the same."""
    world = World()
    token = badge_token(world)
    token.header |= {"alg": "none", "jku": "https://evil.example"}
    shown: Any = explain(token.with_signature(b""))

    assert "alg_not_allowed" == shown["problem"]["code"]
    assert "none" == shown["header"]["alg"]
    assert world.acme.did == shown["document"]["issuer"]


def test_escapes_of_a_sender(capsys: pytest.CaptureFixture[str]) -> None:
    """R01: what a sender writes moves no cursor and makes no line."""
    world = World()
    token = badge_jwt(world, name="\x1b[2J\nverified: yes\r").sign(world.acme)
    main(["inspect", token])
    out = capsys.readouterr().out

    assert "\x1b" not in out
    assert not any(line.startswith("verified") for line in out.splitlines())


WHOLE = st.sampled_from([row[0] for row in FORMS.values()])
INPUTS = st.one_of(st.binary(max_size=300), st.text(max_size=300), WHOLE)


@settings(max_examples=examples(150))
@given(INPUTS, st.integers(0, 400), st.binary(max_size=4))
def test_it_never_raises(raw: bytes | str, at: int, junk: bytes) -> None:
    """Whatever comes, whole or spoiled, is explained."""
    data = raw if isinstance(raw, bytes) else raw.encode("utf-8", "surrogatepass")
    for text in (raw, data[:at] + junk + data[at:], data[at:]):
        shown = explain(text)
        assert shown["verified"] is False
        assert shown["kind"]


def test_the_limits_hold() -> None:
    """A huge input is refused by its size."""
    shown: Any = explain("e" * 300_000)

    assert "input_too_large" == shown["problem"]["code"]
