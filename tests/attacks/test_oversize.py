"""C18, D15, Q: sizes and counts, at the limit and one beyond, before anything is decoded."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import pytest

from agentdid.limits import DEFAULT, Limits
from tests.forgery import BADGE, CHALLENGE, Faces, Token, badge, badge_token, policy, prove
from tests.world import World

TOO_LARGE = ("malformed", "input_too_large")


@pytest.mark.parametrize("part", [0, 1, 2])
@pytest.mark.parametrize("challenge", [None, CHALLENGE])
def test_c18_a_huge_segment(world: World, part: int, challenge: str | None) -> None:
    """C18: 50 MB of header, payload or signature are not decoded: no time, no memory."""
    segments = world.present(world.root()).split(".")
    segments[part] = "A" * 50_000_000 if part else "e" + "A" * 50_000_000
    text = ".".join(segments) + ("" if challenge else "~")
    verifier = world.verifier()
    tracemalloc.start()
    start = time.perf_counter()
    report = verifier.inspect(text, holder=challenge is not None, challenge=challenge)
    taken = time.perf_counter() - start
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert TOO_LARGE == (report.outcome, report.code)
    assert 0.5 > taken
    assert 1_000_000 > peak


def test_c18_a_header_at_its_limit(world: World, faces: Faces) -> None:
    """C18: 16,384 characters of header are read, more are not."""
    for size, code in ((12_288, None), (12_291, "input_too_large")):
        token = badge_token(world)
        token.header["x"] = ""
        from agentdid.codec.strict_json import encode  # noqa: PLC0415

        token.header["x"] = "y" * (size - len(encode(token.header)))
        assert code == faces(token.sign(world.acme)).code


@pytest.mark.parametrize(("count", "code"), [(16, None), (17, "input_too_large")])
def test_credentials_of_a_presentation(world: World, faces: Faces, count: int, code: str | None) -> None:
    """Sixteen credentials are judged, seventeen are not."""
    credentials = [badge_token(world, id=f"urn:uuid:{each}").sign(world.acme) for each in range(count)]

    assert DEFAULT.max_credentials == 16
    assert code == faces(world.present(credentials), challenge=CHALLENGE).code


def test_many_signatures(world: World, faces: Faces) -> None:
    """Proofs times credentials: the budget counts all of them together."""
    signed = [
        {**(each := prove(badge(world, id=f"urn:uuid:{number}"), world.acme)), "proof": [each["proof"]] * 8}
        for number in range(9)
    ]

    assert TOO_LARGE == faces(world.present(signed), challenge=CHALLENGE).answer  # type: ignore[arg-type]  # objects
    assert ("accepted", None) == faces(world.present(signed[:7]), challenge=CHALLENGE).answer  # type: ignore[arg-type]


def test_many_lists(world: World, faces: Faces) -> None:
    """Status entries make the verifier fetch: the budget counts those too, before any is asked for."""
    entries = [
        {**world.status(world.acme, number), "statusListCredential": f"https://acme.example/status/{number}"}
        for number in range(60)
    ]
    verdict = faces(badge_token(world, credentialStatus=entries).sign(world.acme))

    assert TOO_LARGE == verdict.answer
    assert 1 == len(verdict.asked)


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_input_bytes", 1_000), ("max_depth", 3), ("max_members", 10), ("max_credentials", 1), ("max_disclosures", 1)],
)
def test_a_policys_own_limits(world: World, name: str, value: int) -> None:
    """A policy may be narrower: its numbers count, not the defaults."""
    token = Token.read(str(world.root(claims={"a": 1, "b": 2}, disclosable=[("credentialSubject", "a")])[0]))
    credentials: list[Any] = [token.sign(world.acme), badge_token(world).sign(world.acme)]
    verifier = world.verifier(trust=world.trust(**policy(world, limits={name: value})))
    report = verifier.inspect(world.present(credentials), challenge=CHALLENGE)
    expected = "json_too_deep" if name == "max_depth" else "input_too_large"

    assert ("malformed", expected) == (report.outcome, report.code)
    assert [] == world.asked


@pytest.mark.parametrize("value", [0, -1, True, "1", None, float("nan"), float("inf")])
def test_limits_are_positive_numbers(value: Any) -> None:  # noqa: ANN401  # the point
    """A limit that is none is the operator's mistake, told at once."""
    with pytest.raises(ValueError, match=r"max_depth"):
        Limits(max_depth=value)


def test_long_identifiers(world: World, faces: Faces) -> None:
    """A DID, a kid, a type and a URL of 100 kB cost no more than their length."""
    long = "x" * 100_000
    start = time.perf_counter()
    for change in (
        {"issuer": f"did:web:{long}"}, {"id": f"urn:{long}"}, {"type": ["VerifiableCredential", BADGE, long]},
        {"credentialSubject": {"id": f"did:key:z{long}"}}, {"issuer": f"did:key:z{long}"}, {"validFrom": long},
    ):  # fmt: skip
        assert faces(badge_token(world, **change).sign(world.acme)).family in ("malformed", "refused", "accepted")

    assert 5 > time.perf_counter() - start


@pytest.mark.parametrize(
    "text", ["e" + "." * 200_000, "e" + "~" * 200_000, "e" + "~" * 200_000 + ".", "e.e.e~" * 40_000]
)
def test_many_separators(faces: Faces, text: str) -> None:
    """Separators alone are split and refused."""
    start = time.perf_counter()
    families = {faces(text).family, faces(text, challenge=CHALLENGE).family}

    assert families <= {"malformed", "refused"}
    assert 3 > time.perf_counter() - start
