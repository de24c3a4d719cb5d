"""Proof sets and chains over HTTP, as the W3C suites of eddsa and ecdsa send them."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest

from agentdid.did.key import create
from agentdid.keys.secret import SecretKey
from agentdid.proof.suites import SUITES
from agentdid.secure.data_integrity import add_proof
from tests.official.test_vc_api_data_integrity import fixture

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.vc_api import Served

MADE_AT: Final = datetime(2024, 1, 1, tzinfo=UTC)
FIRST: Final = "urn:uuid:26329423-bec9-4b2e-88cb-a7c7d9dc4544"
KEYS: Final = {
    "eddsa-rdfc-2022": "Ed25519", "eddsa-jcs-2022": "Ed25519", "ecdsa-rdfc-2019": "P-256", "ecdsa-jcs-2019": "P-384",
    "mldsa44-rdfc-2024": "ML-DSA-44",
}  # fmt: skip


def chain(suite: str, previous: object, *, issuer: str | None = None, version: str = "2.0") -> dict[str, Any]:
    """Return a credential with two proofs by two DIDs, of which the second follows the first."""
    keys = [SecretKey.generate(KEYS[suite]) for _ in range(2)]
    dids = [create(each.public) for each in keys]
    found = fixture("license", version, issuer or dids[0])
    options: list[dict[str, object]] = [{"id": FIRST}, {} if previous is None else {"previousProof": previous}]
    for key, did, more in zip(keys, dids, options, strict=True):
        method = f"{did}#{did.removeprefix('did:key:')}"
        found = add_proof(found, key, method, SUITES[suite], created=MADE_AT, options=more)
    return found


def of(found: dict[str, Any], number: int, **members: object) -> dict[str, Any]:
    """Return it with one proof's members changed."""
    again = copy.deepcopy(found)
    again["proof"][number] |= members
    return again


BROKEN: Final[dict[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "names-what-is-missing": lambda c: of(c, 1, previousProof="urn:uuid:no-such-proof"),
    "names-one-that-is-missing": lambda c: of(c, 1, previousProof=[FIRST, "urn:uuid:no-such-proof"]),
    "names-no-id": lambda c: of(c, 1, previousProof=456321),
    "names-nothing": lambda c: of(c, 1, previousProof=[]),
    "names-itself": lambda c: of(c, 1, id="urn:uuid:second", previousProof="urn:uuid:second"),
    "ids-are-numbers": lambda c: of(of(c, 0, id=456321), 1, previousProof=456321),
    "the-first-is-gone": lambda c: {**c, "proof": c["proof"][1:]},
    "the-first-alone-gone-wrong": lambda c: of(c, 0, created="2024-01-01T00:00:01Z"),
    "the-first-has-another-value": lambda c: of(c, 0, proofValue=c["proof"][1]["proofValue"]),
    "the-first-names-the-second": lambda c: of(of(c, 0, previousProof="urn:uuid:second"), 1, id="urn:uuid:second"),
    "an-id-stands-twice": lambda c: {**c, "proof": [c["proof"][0], *c["proof"]]},
    "an-unknown-suite": lambda c: of(c, 0, cryptosuite="UnknownCryptosuite"),
    "another-purpose": lambda c: of(c, 0, proofPurpose="authentication"),
}


@pytest.mark.parametrize("version", ["1.1", "2.0"])
@pytest.mark.parametrize("suite", KEYS)
def test_chains(instance: Served, suite: str, version: str) -> None:
    """A string, an array, or none: all proofs hold, the issuer's and the other's."""
    for previous in (None, FIRST, [FIRST]):
        signed = chain(suite, previous, version=version)
        answer = instance.verify(signed)
        assert 200 == answer.status_code, answer.text


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("suite", ["eddsa-rdfc-2022", "eddsa-jcs-2022", "ecdsa-rdfc-2019"])
def test_broken_chains(instance: Served, suite: str, how: str) -> None:
    """Each fails whole, as a string and as an array."""
    for previous in (FIRST, [FIRST]):
        answer = instance.verify(BROKEN[how](chain(suite, previous)))
        assert 400 == answer.status_code


@pytest.mark.parametrize("previous", [None, FIRST])
def test_chains_by_others(instance: Served, lenient: Served, previous: str | None) -> None:
    """None is the issuer's, as in published chains: taken only where told to."""
    signed = chain("eddsa-rdfc-2022", previous, issuer="https://vc.example/issuers/5678")

    assert 400 == instance.verify(signed).status_code
    assert 200 == lenient.verify(signed).status_code


def test_a_published_chain(lenient: Served) -> None:
    """An inline context may be the object of a context file, as the W3C suites' own chains have it."""
    terms = {
        "AlumniCredential": "https://www.example.org/AlumniCredential",
        "alumniOf": "https://www.example.org/alumniOf",
    }
    proof = {"type": "DataIntegrityProof", "cryptosuite": "eddsa-rdfc-2022", "proofPurpose": "assertionMethod"}
    signed = {
        "@context": ["https://www.w3.org/ns/credentials/v2", {"@context": terms}],
        "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
        "type": ["VerifiableCredential", "AlumniCredential"],
        "name": "Alumni Credential",
        "description": "A minimum viable example of a VC 2.0 Alumni Credential.",
        "issuer": "https://vc.example/issuers/5678",
        "validFrom": "2023-01-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:abcdefgh", "alumniOf": "The School of Examples"},
        "proof": [
            proof | {
                "id": FIRST,
                "created": "2023-02-26T22:06:38Z",
                "verificationMethod": "did:key:{0}#{0}".format("z6MktgKTsu1QhX6QPbyqG6geXdw6FQCZBPq7uQpieWbiQiG7"),
                "proofValue": "z3MPPHM5VFhWw2teqGvjXDzsrqPcJoruJryZKCfhjpfpMjqgJq2D3whcG23BKnonAyT8c45VK4SfiQfkShFWPGmsi",  # noqa: E501
            },
            proof | {
                "created": "2023-02-26T22:16:38Z",
                "verificationMethod": "did:key:{0}#{0}".format("z6MkhWqdDBPojHA7cprTGTt5yHv5yUi1B8cnXn8ReLumkw6E"),
                "previousProof": [FIRST],
                "proofValue": "z4eFuUYchGeBhRgAqupyQko8GB7JDF6Ws5Sfnrqx799ERJgDLxoJC2NyjEmfTqcpRukbdEGZX7wnhkya9sQzNF7rp",  # noqa: E501
            },
        ],
    }  # fmt: skip

    assert 200 == lenient.verify(signed).status_code
    assert 400 == lenient.verify(of(signed, 1, previousProof=["urn:uuid:other"])).status_code
    assert 400 == lenient.verify(of(signed, 0, created="2023-02-26T22:06:39Z")).status_code
