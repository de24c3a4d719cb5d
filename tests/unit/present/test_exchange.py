"""One HTTP request in one spelling, the header that carries a presentation, and the forms one is made in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agentdid.codec.base import encode_base64url
from agentdid.errors import AgentdidError
from agentdid.present.challenge import Challenge
from agentdid.present.exchange import (
    content_digest,
    decode_authorization,
    encode_authorization,
    normalize_url,
    origin,
)
from agentdid.present.presentation import make_presentation
from tests.world import AUDIENCE, NOW, World


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://API.Example", "https://api.example"),
        ("HTTPS://api.example:443/a", "https://api.example"),
        ("https://api.example:8443/a?b#c", "https://api.example:8443"),
        ("http://127.0.0.1:80/", "http://127.0.0.1"),
        ("https://[::1]:8443/", "https://[::1]:8443"),
    ],
)
def test_an_origin(url: str, expected: str) -> None:
    """Lower case, the port only where it is not the scheme's."""
    assert expected == origin(url)


@pytest.mark.parametrize(
    "url", ["", "/path", "ftp://a.example", "https://", "https://a@b.example", "https://a.example:x", "https://[::1"]
)
def test_what_has_no_origin(url: str) -> None:
    """Nothing is presented to what is no plain http(s) URL."""
    for read in (origin, normalize_url):
        with pytest.raises(AgentdidError) as caught:
            read(url)
        assert "header_invalid" == caught.value.code


def test_a_target_keeps_its_path_and_query() -> None:
    """As they were sent; the fragment goes, an empty path is a slash."""
    assert ["https://a.example/", "https://a.example/A%2f?x=1&x=2"] == [
        normalize_url("https://A.example#f"), normalize_url("https://a.example:443/A%2f?x=1&x=2#f"),
    ]  # fmt: skip


def test_a_digest_of_a_body() -> None:
    """RFC 9530's form, of SHA-256; nothing for nothing."""
    assert [None, "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:"] == [
        content_digest(b""), content_digest(b"abc"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("AgentVP", "input_too_large"),
        ("Bearer e30", "header_invalid"),
        ("AgentVP e30=", "encoding_invalid"),
        ("AgentVP  e30", "encoding_invalid"),
        (f"AgentVP {encode_base64url(bytes([0xFF]))}", "encoding_invalid"),
    ],
)
def test_a_header_that_carries_nothing(header: str, code: str) -> None:
    """Too long, of another scheme, of another spelling, not UTF-8."""
    with pytest.raises(AgentdidError) as caught:
        decode_authorization(header + "A" * 40_000 if code == "input_too_large" else header)
    assert code == caught.value.code


def test_a_header_there_and_back() -> None:
    """What is encoded is decoded."""
    assert '{"a":"ü"}' == decode_authorization(encode_authorization('{"a":"ü"}'))


def test_a_challenge_there_and_back() -> None:
    """With and without a query, alone and beside other schemes in one header or several."""
    for challenge in (Challenge("n", AUDIENCE), Challenge("n", AUDIENCE, f"{AUDIENCE}/dcql")):
        for headers in (
            [challenge.encode()],
            ['Bearer realm="a"', challenge.encode()],
            [f'Bearer realm="a", {challenge.encode()}'],
        ):
            assert challenge == Challenge.find(headers)


@pytest.mark.parametrize("form", ["vp+jwt2", "eddsa-rdfc-1999", ""])
def test_a_form_that_is_none(form: str) -> None:
    """A presentation is made in a form that exists."""
    world = World()
    with pytest.raises(ValueError, match="form"):
        make_presentation(
            [], holder=world.agent.did, signer=world.agent.secret, method_id=world.agent.method_id,
            audience=AUDIENCE, challenge="n", at=NOW + timedelta(0), form=form,
        )  # fmt: skip
