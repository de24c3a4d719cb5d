"""Good documents taken apart, changed in one member or one byte, signed again; and the two faces that judge them.

What an issuer or a holder can write is signed with its real key; what only a stranger can do is left unsigned.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from agentdid.cli.main import EXIT_CODES, main
from agentdid.codec.base import decode_base64url, encode_base64url, encode_multibase
from agentdid.codec.instant import encode_instant
from agentdid.codec.strict_json import encode
from agentdid.credential.model import CREDENTIALS_V2
from agentdid.did.web import url
from agentdid.errors import AgentdidError
from agentdid.proof.hash_data import hash_data, hash_document
from agentdid.proof.suites import JCS_SHA256, SUITES
from agentdid.verify.run import report_of
from tests.world import NOW, World

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from agentdid.delegation.usage import Request
    from agentdid.keys.secret import SecretKey
    from tests.world import Party

CHALLENGE: Final = "n-0S6_WzA2Mj"
BADGE: Final = "BadgeCredential"
SUITE: Final = SUITES["eddsa-jcs-2022"]
EARLY: Final = frozenset({"size", "parse", "structure", "algorithms", "root"})
"""The checks that ask nobody anything."""


@dataclass
class Token:
    """A compact token taken apart, to be changed and signed again. `disclosures` is `None` for a plain JWT."""

    header: dict[str, Any]
    payload: dict[str, Any]
    disclosures: list[str] | None

    @classmethod
    def read(cls, text: str) -> Token:
        """Take a token apart."""
        issued, *rest = text.split("~")
        head, body, _ = issued.split(".")
        header, payload = (json.loads(decode_base64url(each)) for each in (head, body))
        return cls(header, payload, rest[:-1] if rest else None)

    def sign(self, by: Party | SecretKey, *, head: bytes | None = None, body: bytes | None = None) -> str:
        """Write it again, signed; `head` or `body` stand in for the JSON of a part."""
        return seal(head or encode(self.header), body or encode(self.payload), by, self.disclosures)

    def with_signature(self, signature: bytes) -> str:
        """Write it again with these bytes as signature."""
        return write(encode(self.header), encode(self.payload), signature, self.disclosures)


def write(head: bytes, body: bytes, signature: bytes, disclosures: list[str] | None = None) -> str:
    """Return a compact token of any bytes."""
    issued = ".".join(encode_base64url(each) for each in (head, body, signature))
    return issued if disclosures is None else "~".join([issued, *disclosures, ""])


def seal(head: bytes, body: bytes, by: Party | SecretKey, disclosures: list[str] | None = None) -> str:
    """Return a compact token of any header and payload, its signature right."""
    secret = getattr(by, "secret", by)
    signed = f"{encode_base64url(head)}.{encode_base64url(body)}".encode()
    return write(head, body, secret.sign(signed), disclosures)


def disclosure(*content: object) -> str:
    """Return a disclosure of any content."""
    return encode_base64url(encode(list(content)))


def prove(document: dict[str, Any], by: Party, **changes: object) -> dict[str, Any]:
    """Return a document with a proof that `by` signed as it stands; a change to `None` leaves an option out."""
    body = {name: each for name, each in document.items() if name != "proof"}
    config: dict[str, object] = {
        "type": "DataIntegrityProof",
        "cryptosuite": SUITE.name,
        "created": encode_instant(NOW - timedelta(seconds=30)),
        "verificationMethod": by.method_id,
        "proofPurpose": "assertionMethod",
        "@context": body.get("@context"),
    } | changes
    config = {name: each for name, each in config.items() if each is not None}
    signed = hash_data(config, hash_document(body, JCS_SHA256, plain=False), JCS_SHA256, plain=False)
    return {**body, "proof": {**config, "proofValue": encode_multibase(by.secret.sign(signed), "z")}}


def badge(world: World, **changes: object) -> dict[str, Any]:
    """Return a credential that is no capability, unsigned; a change to `None` leaves a member out."""
    document: dict[str, Any] = {
        "@context": [CREDENTIALS_V2],
        "id": "urn:uuid:9c2a1a0e-6c0a-4d2f-8f0e-0d9a6c1b2e3f",
        "type": ["VerifiableCredential", BADGE],
        "issuer": world.acme.did,
        "validFrom": encode_instant(NOW - timedelta(minutes=1)),
        "validUntil": encode_instant(NOW + timedelta(hours=1)),
        "credentialSubject": {"id": world.agent.did, "name": "Ada", "level": 3},
    } | changes
    return {name: each for name, each in document.items() if each is not None}


def badge_token(world: World, claims: dict[str, object] | None = None, **changes: object) -> Token:
    """Return the same as an SD-JWT without disclosures, to be signed."""
    header = {"alg": "EdDSA", "typ": "vc+sd-jwt", "cty": "vc", "kid": world.acme.method_id}
    return Token(header, {**badge(world, **changes), **(claims or {})}, [])


def policy(world: World, **changes: object) -> dict[str, object]:
    """Return the partner's policy, in which acme may also issue badges."""
    table = world.policy()
    anchors = [*table["anchor"], {"did": world.acme.did, "types": [BADGE]}]  # type: ignore[misc]  # a list, by world
    return {**table, "anchor": anchors, **changes}


def flip(text: str, place: int) -> str:
    """Return the text with one character exchanged for another of its alphabet."""
    place %= len(text)
    return f"{text[:place]}{'A' if text[place] != 'A' else 'B'}{text[place + 1 :]}"


@dataclass(frozen=True)
class Verdict:
    """What both faces said, and whom the library asked for it."""

    family: str
    code: str | None
    check: str | None
    asked: tuple[str, ...]

    @property
    def answer(self) -> tuple[str, str | None]:
        """Family and code."""
        return self.family, self.code


class Faces:
    """Judges one input through the library and through the command line, and holds that they agree.

    For each input it also holds what is true of all: checks stand in one order, none ran after the one that failed,
    nobody was asked before the root was trusted, no list before the signatures held; stdout is one JSON object.
    """

    def __init__(self, world: World, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.world = world
        self._folder = folder
        self._capsys = capsys

    def __call__(
        self, document: object, *, challenge: str | None = None, trust: dict[str, object] | None = None,
        request: Request | None = None,
    ) -> Verdict:  # fmt: skip
        """Judge a presentation if there is a challenge to answer, else a credential or a chain of them."""
        table = trust or policy(self.world)
        verdict, checks = self._library(document, challenge, table, request)
        shown = self._command_line(document, challenge, table, request)

        assert (verdict.family, verdict.code) == (shown["outcome"], shown["code"])
        reached = self._hold_order(verdict, checks)
        rows = [(row["check"], row["outcome"], row["code"]) for row in shown["checks"]]
        # what cannot be read the command line cannot tell for a presentation; both recipes refuse it alike
        assert checks[:reached] == rows[:reached]
        return verdict

    def _library(
        self, document: object, challenge: str | None, table: dict[str, object], request: Request | None
    ) -> tuple[Verdict, list[tuple[str, str, str | None]]]:
        world = self.world
        world.asked.clear()
        verifier = world.verifier(trust=world.trust(**table))
        try:
            if challenge is None:
                found: Any = verifier.verify_credential(document, request=request)  # type: ignore[arg-type]
            elif request is None:
                found = verifier.verify(document, challenge=challenge)  # type: ignore[arg-type]
            else:
                found = verifier.authorize(document, challenge=challenge, request=request)  # type: ignore[arg-type]
        except AgentdidError as error:
            found = error
        report = report_of(found)
        failed = next((row.check for row in report.checks if row.code is not None), None)
        verdict = Verdict(report.outcome, report.code, failed, tuple(world.asked))
        return verdict, [(row.check, row.outcome, row.code) for row in report.checks]

    def _command_line(
        self, document: object, challenge: str | None, table: dict[str, object], request: Request | None
    ) -> dict[str, Any]:
        arguments = [*self.arguments(document, table), "--json"]
        arguments += ["--credential"] if challenge is None else ["--challenge", challenge]
        if request is not None:
            (self._folder / "arguments.json").write_bytes(encode(dict(request.arguments)))
            arguments += ["--action", request.action, "--resource", request.resource]
            arguments += ["--arguments", str(self._folder / "arguments.json")]
        self._capsys.readouterr()
        exit_code = main(arguments)
        captured = self._capsys.readouterr()
        shown: dict[str, Any] = json.loads(captured.out)

        assert "" == captured.err
        assert EXIT_CODES[shown["outcome"]] == exit_code
        return shown

    def arguments(self, document: object, table: dict[str, object] | None = None) -> list[str]:
        """Write the input, the policy and what the world serves to files; return the command line that names them."""
        raw = document.encode() if isinstance(document, str) else document
        files = {
            "input": raw if isinstance(raw, bytes) else encode(raw),
            "trust.toml": as_toml(table or policy(self.world)).encode(),
            "sources.json": encode(
                {where: held.body.decode() for where, held in self.world.served.items() if hasattr(held, "body")}
            ),
        }
        for name, data in files.items():
            (self._folder / name).write_bytes(data)
        place = self._folder
        return [
            "verify", str(place / "input"), "--trust", str(place / "trust.toml"),
            "--sources", str(place / "sources.json"), "--at", encode_instant(self.world.now),
        ]  # fmt: skip

    def _hold_order(self, verdict: Verdict, checks: list[tuple[str, str, str | None]]) -> int:
        outcomes = [outcome for _, outcome, _ in checks]
        passed = outcomes.index(verdict.family) if verdict.code else len(outcomes)
        assert ["passed"] * passed == outcomes[:passed]
        assert ["not_run"] * len(outcomes[passed + 1 :]) == outcomes[passed + 1 :]
        if verdict.check in EARLY:
            assert () == verdict.asked
        elif verdict.check in ("signatures", "holder", "validity"):
            assert [] == [each for each in verdict.asked if not each.endswith("/did.json")]
        return passed + 1


def acme_document(world: World) -> str:
    """Return where acme's DID document is asked for."""
    return url(world.acme.did)


def as_toml(table: dict[str, object]) -> str:
    """Return a policy as TOML: values first, then tables and arrays of tables."""
    lines, tables = [], []
    for name, value in table.items():
        rows = value if isinstance(value, list) and value and isinstance(value[0], dict) else [value]
        if not all(isinstance(row, dict) for row in rows):
            lines.append(f"{name} = {json.dumps(value)}")
            continue
        mark = f"[[{name}]]" if isinstance(value, list) else f"[{name}]"
        tables += [line for row in rows for line in (mark, *as_toml(row).splitlines())]
    return "\n".join([*lines, *tables, ""])
