"""Selective proofs: ecdsa-sd-2023 beside its own P-256 verifications, the rest beside one verification by libsodium.

A permanent resident card of 12 claims, `issuer` and validity mandatory, four claims shown: eight signatures in the
derived ecdsa-sd-2023 proof. Secured text in, verdict out, or text out of a derivation; parsing is in the timing.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any, Final

from agentdid.canon.contexts import find_document
from agentdid.codec.strict_json import encode, parse_object
from agentdid.did import key as did_key
from agentdid.keys.secret import SecretKey
from agentdid.proof import bbs2023, ecdsa_sd
from agentdid.proof.suites import SELECTIVE
from agentdid.secure import data_integrity, derivation
from agentdid.secure.mandatory import check_hideable
from bench.measure import CALLS, ROUNDS, Row, Work, compare, sample
from bench.verify import floor

BARS: Final = {ecdsa_sd.NAME: (1.4, 5.7), bbs2023.NAME: (95.0, 150.0)}
MANDATORY: Final = ["/issuer", "/validFrom", "/validUntil"]
CHOSEN: Final = [f"/credentialSubject/{name}" for name in ("birthCountry", "birthDate", "familyName", "givenName")]
CREATED: Final = datetime(2026, 11, 24, 11, tzinfo=UTC)
VERIFIES: Final = 8
ANY: Final = 1e6
"""A bar that nobody misses: for comparison only."""


def document() -> dict[str, object]:
    """Return a credential of 12 claims without its proof."""
    return {
        "@context": ["https://www.w3.org/ns/credentials/v2", "https://w3id.org/citizenship/v4rc1"],
        "type": ["VerifiableCredential", "PermanentResidentCardCredential"],
        "issuer": "did:web:acme.example",
        "name": "Permanent Resident Card",
        "description": "Permanent Resident Card from Government of Utopia.",
        "validFrom": "2026-11-24T11:00:00Z",
        "validUntil": "2027-11-24T11:00:00Z",
        "credentialSubject": {
            "type": ["PermanentResident", "Person"],
            "givenName": "JANE",
            "familyName": "SMITH",
            "gender": "Female",
            "image": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB",
            "residentSince": "2015-01-01",
            "commuterClassification": "C1",
            "birthCountry": "Arcadia",
            "birthDate": "1978-07-17",
            "permanentResidentCard": {
                "type": ["PermanentResidentCard"],
                "identifier": "83627465",
                "lprCategory": "C09",
                "lprNumber": "999-999-999",
            },
        },
    }


def rows() -> list[Row]:
    """Measure verifying and deriving under both suites."""
    found = []
    for name, (verify_bar, derive_bar) in BARS.items():
        secret = SecretKey.generate(SELECTIVE[name].algorithms[0])
        base = derivation.add_base_proof(
            document(), secret, "did:web:acme.example#key-1", name, pointers=MANDATORY, created=CREATED
        )
        whole, shown = encode(base), encode(derivation.derive(base, CHOSEN))
        calls = CALLS if name == ecdsa_sd.NAME else 3
        verify = Work(lambda shown=shown, calls=calls: [shown] * calls, _verifier(secret), verify_bar)
        derive = Work(lambda whole=whole, calls=calls: [whole] * calls, _derive, derive_bar)
        if name == ecdsa_sd.NAME:
            found += compare(_eight(secret, shown), {f"{name} verify, to its 8 P-256 verifications": verify})
        else:
            found += compare(floor(), {f"{name} verify, 7 of 18 statements shown": verify})
        found += compare(floor(), {f"{name} derive, 4 of 12 claims": derive})
    return found


def peers() -> list[Row]:
    """Measure @digitalbazaar's suites on Node, warm, on the same document; the least of several rounds of each."""
    from interop.stack import NodeStack, StackUnavailable  # noqa: PLC0415  # only for comparison

    stack = NodeStack("digitalbazaar_sd", "@digitalbazaar/ecdsa-sd-2023-cryptosuite")
    contexts: Any = {url: find_document(url) for url in document()["@context"]}  # type: ignore[attr-defined]  # a list
    found = []
    for name in BARS:
        secret = SecretKey.generate(SELECTIVE[name].algorithms[0])
        did = did_key.create(secret.public)
        base = derivation.add_base_proof(
            {**document(), "issuer": did}, secret, f"{did}#{did.removeprefix('did:key:')}", name, pointers=MANDATORY,
            created=CREATED,
        )  # fmt: skip
        rounds, calls = (10, 5) if name == ecdsa_sd.NAME else (3, 1)  # of theirs one takes a third of a second
        works = {"verify": derivation.derive(base, CHOSEN), "derive": base}
        tasks: list[dict[str, object]] = [
            {
                "op": "time", "what": what, "rounds": rounds, "calls": calls, "document": given, "suite": name,
                "documents": contexts, "pointers": CHOSEN,
            }
            for what, given in works.items()
        ]  # fmt: skip
        try:
            answers = stack.ask(tasks)
        except StackUnavailable as error:
            sys.stderr.write(f"{error}\n")
            return []
        own = _least(floor())
        for what, answer in zip(works, answers, strict=True):
            ratio = answer.result / 1e6 / own
            label = f"{name} {what} by {stack.name.rpartition(' ')[0].split('/')[0]} on Node"
            found.append(Row(label, ratio, ratio, ratio, answer.result, ANY))
    return found


def _least(work: Work) -> float:
    return min(sample(work) for _ in range(ROUNDS))


def _verifier(secret: SecretKey) -> Any:  # noqa: ANN401  # what `Work` calls
    def verify(text: bytes) -> None:
        secured = data_integrity.read(parse_object(text), data_integrity.ASSERTION).written()
        check_hideable(secured)
        (signature,) = secured.signatures
        signature.check(secret.public)

    return verify


def _derive(text: bytes) -> bytes:
    return encode(derivation.derive(parse_object(text).value, CHOSEN))  # type: ignore[arg-type]  # an object


def _eight(secret: SecretKey, shown: bytes) -> Work:
    """Return as many verifications as the derived proof needs, of its own signatures."""
    captured: list[tuple[Any, bytes, bytes]] = []
    secured = data_integrity.read(parse_object(shown), data_integrity.ASSERTION).written()
    run: Any = secured.signatures[0].proof.run  # type: ignore[union-attr]  # of a selective suite
    proof, signed, optional = run.args
    own = ecdsa_sd.own_key(proof)
    captured.append((secret.public, proof.signature, signed))
    captured += [(own, each, line.encode()) for each, line in zip(proof.signatures, optional, strict=True)]
    if len(captured) != VERIFIES:
        message = f"expected {VERIFIES} signatures, got {len(captured)}"
        raise ValueError(message)

    def verify(checks: list[tuple[Any, bytes, bytes]]) -> None:
        for key, signature, message in checks:
            key.verify(signature, message)

    return Work(lambda: [captured] * CALLS, verify, 1)
