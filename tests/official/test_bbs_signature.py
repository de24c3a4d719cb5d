"""draft-irtf-cfrg-bbs-signatures, both ciphersuites: every published value, ours to the byte."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.errors import DerivedProofMalformed, Malformed, Refused
from agentdid.keys.secret import SecretKey
from agentdid.proof import bbs
from tests.vectors_dir import vectors

if TYPE_CHECKING:
    from pathlib import Path

    from py_arkworks_bls12381 import Scalar

SUITES = {"bls12-381-sha-256": bbs.SHA_256, "bls12-381-shake-256": bbs.SHAKE_256}
CASES = [
    *[("bls12-381-sha-256", f"signature/signature{number:03}.json") for number in range(1, 5)],
    *[("bls12-381-sha-256", f"proof/proof{number:03}.json") for number in range(1, 6)],
    *[("bls12-381-shake-256", f"signature/signature{number:03}.json") for number in range(1, 11)],
    *[("bls12-381-shake-256", f"proof/proof{number:03}.json") for number in range(1, 16)],
]


def octets(text: str) -> bytes:
    """Return what hexadecimal text says."""
    return bytes.fromhex(text)


def load(name: str, file: str) -> Any:  # noqa: ANN401  # JSON
    """Return one published file."""
    return json.loads((vectors("bbs-signature") / name / file).read_text())


def scalar(value: Scalar) -> str:
    """Return a scalar as the files write it."""
    return value.to_be_bytes().hex()


def mocked(count: int, *, seed: bytes, tag: bytes, suite: bbs.Ciphersuite) -> list[Scalar]:
    """Return the scalars that the draft's own tests take for random (section 8.1)."""
    stream = suite.expand(seed, tag, 48 * count)
    return [bbs.Scalar.from_be_bytes_mod_order(stream[at : at + 48]) for at in range(0, len(stream), 48)]


@pytest.fixture
def folder() -> Path:
    """Where the values lie."""
    return vectors("bbs-signature")


def test_every_file_is_looked_at(folder: Path) -> None:
    """No published case is left out."""
    names = {(path.parent.parent.name, f"{path.parent.name}/{path.name}") for path in folder.glob("*/*/*.json")}

    assert names == set(CASES)


@pytest.mark.parametrize("name", SUITES)
def test_keys(name: str) -> None:
    """KeyGen and SkToPk."""
    found, pair = load(name, "keypair.json"), load(name, "keypair.json")["keyPair"]
    made = bbs.generate_secret(
        octets(found["keyMaterial"]), octets(found["keyInfo"]), tag=octets(found["keyDst"]), suite=SUITES[name]
    )

    assert pair["secretKey"] == made.hex()
    assert pair["publicKey"] == SecretKey.from_seed("BLS12-381-G2", made).public.raw.hex()


@pytest.mark.parametrize("name", SUITES)
def test_hashes_to_scalars(name: str) -> None:
    """hash_to_scalar, messages_to_scalars, and the scalars taken for random."""
    suite = SUITES[name]
    one, many, random = (
        load(name, "h2s.json"),
        load(name, "MapMessageToScalarAsHash.json"),
        load(name, "mockedRng.json"),
    )
    made = bbs.message_scalars([octets(each["message"]) for each in many["cases"]], suite)
    drawn = mocked(random["count"], seed=octets(random["seed"]), tag=octets(random["dst"]), suite=suite)

    assert one["scalar"] == scalar(bbs.hash_to_scalar(octets(one["message"]), octets(one["dst"]), suite))
    assert [each["scalar"] for each in many["cases"]] == [scalar(each) for each in made]
    assert random["mockedScalars"] == [scalar(each) for each in drawn]


@pytest.mark.parametrize("name", SUITES)
def test_generators(name: str) -> None:
    """P_1, Q_1 and those of the messages."""
    found = load(name, "generators.json")
    points, joined = bbs.generators(1 + len(found["MsgGenerators"]), SUITES[name])

    assert found["P1"] == SUITES[name].start.hex()
    assert [found["Q1"], *found["MsgGenerators"]] == [each.to_compressed_bytes().hex() for each in points]
    assert joined == b"".join(each.to_compressed_bytes() for each in points)


@pytest.mark.parametrize(("name", "file"), [case for case in CASES if case[1].startswith("signature")])
def test_signatures(name: str, file: str) -> None:
    """Ours to the byte where it is valid, refused where it is not."""
    case, suite = load(name, file), SUITES[name]
    public = octets(case["signerKeyPair"]["publicKey"])
    header, messages = octets(case["header"]), [octets(each) for each in case["messages"]]
    check = partial(bbs.verify, public, octets(case["signature"]), header, messages, suite)
    if not case["result"]["valid"]:
        with pytest.raises(Refused):
            check()
        return
    check()
    made = bbs.sign(octets(case["signerKeyPair"]["secretKey"]), public, header, messages, suite)

    assert case["signature"] == made.hex()
    assert case["trace"]["domain"] == scalar(bbs._domain(public, len(messages), header, suite))


@pytest.mark.parametrize(("name", "file"), [case for case in CASES if case[1].startswith("proof")])
def test_proofs(name: str, file: str) -> None:
    """Ours to the byte under the same scalars where it is valid, refused where it is not."""
    case, suite = load(name, file), SUITES[name]
    public, header = octets(case["signerPublicKey"]), octets(case["header"])
    presentation, shown = octets(case["presentationHeader"]), case["disclosedIndexes"]
    messages = [octets(each) for each in case["messages"]]
    known = [messages[position] for position in shown if position < len(messages)]
    check = partial(bbs.verify_proof, public, octets(case["proof"]), header, presentation, known, shown, suite)
    if not case["result"]["valid"]:
        with pytest.raises((Refused, Malformed)):
            check()
        return
    check()
    random = load(name, "mockedRng.json")
    drawn = partial(mocked, seed=octets(random["seed"]), tag=octets(random["dst"]), suite=suite)
    made = bbs.prove(
        public, octets(case["signature"]), header, presentation, messages, shown, scalars=drawn, suite=suite
    )

    assert case["proof"] == made.hex()
    assert case["trace"]["A_bar"] + case["trace"]["B_bar"] + case["trace"]["D"] == made[:144].hex()
    assert case["trace"]["challenge"] == made[-32:].hex()


def test_a_proof_of_another_length() -> None:
    """Each byte more or less is malformed, not merely wrong (ATTACKS B11)."""
    case = load("bls12-381-sha-256", "proof/proof003.json")
    proof, messages = octets(case["proof"]), [octets(each) for each in case["messages"]]
    shown = case["disclosedIndexes"]
    for wrong in (proof + b"\0", proof[:-1], proof[: bbs.PROOF_LEN - 32], b""):
        with pytest.raises(DerivedProofMalformed):
            bbs.verify_proof(
                octets(case["signerPublicKey"]), wrong, octets(case["header"]), octets(case["presentationHeader"]),
                [messages[position] for position in shown], shown,
            )  # fmt: skip
