"""C11 and layer D against SD-JWTs in JSON: what is judged is the compact form of what was read, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from agentdid.limits import DEFAULT
from tests.attacks.test_key_binding import bind, kind
from tests.forgery import CHALLENGE, Faces, Token, flip
from tests.world import World

ACCEPTED = ("accepted", None)
INVALID = ("malformed", "header_invalid")


def flattened(token: str, **header: object) -> dict[str, Any]:
    """Return an SD-JWT, with or without key binding, in flattened JSON."""
    issued, *disclosures = token.split("~")
    protected, payload, signature = issued.split(".")
    binding = disclosures.pop()
    unprotected = {"disclosures": disclosures, **({"kb_jwt": binding} if binding else {}), **header}
    return {"payload": payload, "protected": protected, "signature": signature, "header": unprotected}


def general(*tokens: str) -> dict[str, Any]:
    """Return SD-JWTs of one payload in general JSON."""
    parts = [flattened(each) for each in tokens]
    signatures = [{name: part[name] for name in ("protected", "signature", "header")} for part in parts]
    for each in signatures[1:]:
        del each["header"]
    return {"payload": parts[0]["payload"], "signatures": signatures}


FORMS = pytest.mark.parametrize("form", ["vc+sd-jwt", "dc+sd-jwt"])


@FORMS
def test_the_honest_ones(world: World, faces: Faces, form: str) -> None:
    """Flattened and general, as a credential and as a presentation."""
    token, trust = kind(world, form)
    bound = bind(world, token)

    for write in (flattened, general):
        assert ACCEPTED == faces(write(token), trust=trust).answer
        assert ACCEPTED == faces(write(bound), challenge=CHALLENGE, trust=trust).answer


@FORMS
def test_as_compact(world: World, faces: Faces, form: str) -> None:
    """Every refusal is that of the compact form."""
    token, trust = kind(world, form)
    bound = bind(world, token)

    assert ("refused", "kb_missing") == faces(flattened(token), challenge=CHALLENGE, trust=trust).answer
    assert ("refused", "kb_invalid") == faces(flattened(bound), trust=trust).answer
    other = bind(world, token, world.stranger)
    assert ("refused", "kb_invalid") == faces(general(other), challenge=CHALLENGE, trust=trust).answer
    fewer = flattened(bound)
    fewer["header"]["disclosures"].pop()
    assert ("refused", "kb_sd_hash_mismatch") == faces(fewer, challenge=CHALLENGE, trust=trust).answer
    twice = flattened(token)
    twice["header"]["disclosures"] *= 2
    assert ("refused", "sd_digest_duplicate") == faces(twice, trust=trust).answer
    changed = flattened(token)
    changed["signature"] = flip(changed["signature"], 3)
    assert ("refused", "signature_invalid") == faces(changed, trust=trust).answer


@pytest.mark.parametrize(
    "change",
    [
        {"type": ["VerifiableCredential"]}, {"@context": []}, {"proof": {}}, {"signatures": []}, {"header": None},
        {"header": {}}, {"header": {"disclosures": "x"}}, {"header": {"disclosures": [7]}}, {"payload": 7},
        {"header": {"disclosures": [], "alg": "none"}}, {"header": {"disclosures": [], "jwk": {}}}, {"payload": ""},
        {"header": {"disclosures": [""]}}, {"header": {"disclosures": ["a~b"]}}, {"signature": None},
        {"payload": "a.b"},
        {"header": {"disclosures": [], "kb_jwt": ""}}, {"header": {"disclosures": [], "kb_jwt": 7}}, {"protected": 7},
        {"header": {"disclosures": [], "crit": ["x"]}}, {"disclosures": []}, {"kb_jwt": "x"}, {"signature": "a~b"},
    ],
    ids=str,
)  # fmt: skip
def test_c11_other_shapes(world: World, faces: Faces, change: dict[str, object]) -> None:
    """C11: any other member, anything unprotected that counts, any text that could be two."""
    token, trust = kind(world, "vc+sd-jwt")

    assert INVALID == faces({**flattened(token), **change}, trust=trust).answer


def test_c11_more_segments_in_one(world: World, faces: Faces) -> None:
    """C11: dots within a member make another number of segments."""
    token, trust = kind(world, "vc+sd-jwt")
    shape = flattened(token)
    for name in ("protected", "signature"):
        assert INVALID == faces({**shape, name: f"{shape[name]}.{shape[name]}"}, trust=trust).answer


def test_c11_an_unprotected_kid_is_nobodys_word(world: World, faces: Faces) -> None:
    """C11, C07: `kid` beside the protected header is passed over, and does not stand in for the one within."""
    token, trust = kind(world, "vc+sd-jwt")

    assert ACCEPTED == faces(flattened(token, kid="did:web:evil.example#k"), trust=trust).answer
    part = Token.read(token)
    del part.header["kid"]
    without = flattened(part.sign(world.acme), kid=world.acme.method_id)
    assert ("refused", "key_source_forbidden") == faces(without, trust=trust).answer


def test_several_signatures(world: World, faces: Faces) -> None:
    """All of them must hold, and be by the issuer, as with a set of proofs."""
    token, trust = kind(world, "vc+sd-jwt")
    part = Token.read(token)
    again = part.sign(world.acme)
    forged = part.sign(world.stranger)
    stranger = Token({**part.header, "kid": world.stranger.method_id}, part.payload, part.disclosures)

    assert ACCEPTED == faces(general(token, again), trust=trust).answer
    assert ("refused", "signature_invalid") == faces(general(token, forged), trust=trust).answer
    assert ("refused", "signature_invalid") == faces(general(forged, token), trust=trust).answer
    both = general(token, stranger.sign(world.stranger))
    assert ("refused", "issuer_key_mismatch") == faces(both, trust=trust).answer


def test_disclosures_in_another_header(world: World, faces: Faces) -> None:
    """RFC 9901 section 8.1: only the first header has them."""
    token, trust = kind(world, "vc+sd-jwt")
    shape = general(token, token)
    shape["signatures"][1]["header"] = {"disclosures": []}

    assert INVALID == faces(shape, trust=trust).answer


def test_as_many_as_the_limits(world: World, faces: Faces) -> None:
    """Signatures and disclosures are counted before any is looked at."""
    token, trust = kind(world, "vc+sd-jwt", hide=False)
    many = general(*[token] * (DEFAULT.max_proofs + 1))
    shape = flattened(token)
    shape["header"]["disclosures"] = ["x"] * (DEFAULT.max_disclosures + 1)

    assert ("malformed", "input_too_large") == faces(many, trust=trust).answer
    assert ("malformed", "input_too_large") == faces(shape, trust=trust).answer
