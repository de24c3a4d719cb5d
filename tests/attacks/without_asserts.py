"""Prints the answer to a part of every layer's attacks as JSON; `test_face` runs it with and without assertions."""

from __future__ import annotations

import json
import sys
from typing import Any

from agentdid.codec.base import encode_base58btc
from agentdid.codec.strict_json import encode
from agentdid.proof.disclosures import digest_of
from tests.forgery import CHALLENGE, Token, badge, badge_token, disclosure, policy, prove
from tests.world import World

world = World()
verifier = world.verifier(trust=world.trust(**policy(world)))
answers: dict[str, str | bool | None] = {"asserts": __debug__}


def judge(name: str, document: Any, challenge: str | None = None) -> None:  # noqa: ANN401  # any input
    """Keep the answer to one input."""
    answers[name] = verifier.inspect(document, holder=challenge is not None, challenge=challenge).code


def token(name: str, header: dict[str, object] | None = None, **payload: object) -> None:
    """Judge a badge with these members, signed by its issuer."""
    made = badge_token(world)
    made.header |= header or {}
    made.payload |= payload
    judge(name, made.sign(world.acme))


def proof(name: str, document: dict[str, object] | None = None, **options: object) -> None:
    """Judge a badge with these members and proof options, signed by its issuer."""
    judge(name, prove(badge(world, **(document or {})), world.acme, **options))


def presented(name: str, **payload: object) -> None:
    """Judge a presentation with these members, signed by its holder."""
    made = Token.read(world.present(world.root()))
    made.payload |= payload
    judge(name, made.sign(world.agent), CHALLENGE)


text = encode(prove(badge(world), world.acme))
given = disclosure("s", "x", 1)
judge("good", text)
presented("presented")
judge("A01", text.replace(b'"level":3', b'"level":3,"level":3'))
judge("A03", text.replace(b":3", b":NaN"))
judge("A04", text.replace(b":3", b":1e400"))
judge("A05", text.replace(b":3", b":9007199254740993"))
judge("A07", b"[" * 100_000)
judge("A08", text.replace(b":3", b':"\\ud800"'))
judge("A13", text + b"{}")
judge("size", b"x" * 300_000)
token("A15-iss", iss=[world.acme.did])
token("A15-type", type="VerifiableCredential,Admin")
token("A16", issuer="did:web:acme.example.evil.example")
token("A17", validFrom="2026-11-24T11:00:00")
token("C01", {"alg": "none"})
token("C02", {"alg": "HS256"})
token("C04", {"jku": "https://evil.example"})
token("C05", {"x5c": ["MIIB"]})
token("C07", {"kid": "#key-1"})
token("C08", {"crit": ["exp"]})
token("C09", {"b64": False})
token("C13", {"typ": "JWT"})
token("C15", exp=1)
token("C17", sub="did:web:other.example")
token("status-claim", status={})
token("aud", aud="https://other.example")
token("D04", _sd=["x" * 43], _sd_alg="md5")
made = badge_token(world)
made.disclosures = [given]
judge("D01", made.sign(world.acme))
made.payload["credentialSubject"]["_sd"] = [digest_of(given)] * 2
judge("D02", made.sign(world.acme))
judge("D18", str(world.root()[0]), CHALLENGE)
judge("D29", f"{world.root()[0]}x")
judge("B01", made.with_signature(bytes(64)))
judge("E01", badge(world))
judge(
    "E02",
    {
        **badge(world),
        "proof": {**prove(badge(world), world.acme)["proof"], "proofValue": f"z{encode_base58btc(bytes(64))}"},
    },
)
proof("E04", cryptosuite="unknown-2099")
proof("E05", previousProof="urn:uuid:1")
proof("E07", proofPurpose="authentication")
judge("E09", prove(badge(world), world.stranger))
proof("E13", created="2027-01-01T00:00:00Z")
proof("E13-expires", expires="2026-01-01T00:00:00Z")
proof("E15", type="Ed25519Signature2018")
proof("E18", **{"@context": []})
proof("validity", {"validUntil": "2026-11-24T11:00:00Z", "validFrom": None})
presented("C14", aud=["https://api.partner.example"])
presented("nonce", nonce="other")
presented("nbf", nbf=4_000_000_000)
presented("holder", holder="did:web:other.example")
judge("V03", world.present(world.root(), world.stranger), CHALLENGE)
world.acme.revoked.add(7)
world.publish(world.acme)
judge("revoked", world.root())
sys.stdout.write(json.dumps(answers))
