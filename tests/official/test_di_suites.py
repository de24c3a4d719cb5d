"""vc-di-eddsa appendix B and vc-di-ecdsa appendix A: every published intermediate value, ours to the byte."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.canon.contexts import OPEN
from agentdid.codec.base import decode_multibase, encode_multibase
from agentdid.codec.instant import parse_instant
from agentdid.codec.strict_json import parse
from agentdid.errors import AgentdidError
from agentdid.keys.ecdsa import CURVES
from agentdid.keys.multikey import encode_multikey
from agentdid.keys.secret import SecretKey
from agentdid.proof.hash_data import canonical_form, hash_data, hash_document
from agentdid.proof.suites import SUITES, Suite, Transform
from agentdid.secure import data_integrity
from tests.vectors_dir import vectors

if TYPE_CHECKING:
    from pathlib import Path

    from agentdid.secure.mechanism import Signature


@dataclass(frozen=True)
class Published:
    """One example: where its values lie, and what made them."""

    source: str
    folder: str
    ending: str
    suite: Suite
    algorithm: str
    pair: str

    @property
    def root(self) -> Path:
        """The folder of the specification."""
        return vectors(self.source)

    @property
    def transform(self) -> Transform:
        """What the key signs."""
        return self.suite.transforms[self.algorithm]

    def text(self, name: str, kind: str = "txt") -> str:
        """Return one published value."""
        return (self.root / self.folder / f"{name}{self.ending}.{kind}").read_text("utf-8")

    def json(self, name: str) -> dict[str, Any]:
        """Return one published object."""
        found: dict[str, Any] = json.loads(self.text(name, "json"))
        return found

    def unsigned(self) -> dict[str, Any]:
        """Return the credential without its proof, with the contexts it was signed with."""
        found: dict[str, Any] = json.loads((self.root / "unsigned.json").read_text("utf-8"))
        return {**found, "@context": self.json("signed")["@context"]}

    def secret(self) -> SecretKey:
        """Return the published key."""
        pair = json.loads((self.root / self.pair).read_text("utf-8"))
        raw = decode_multibase(pair.get("secretKeyMultibase") or pair["privateKeyMultibase"])
        secret = SecretKey.from_seed(self.algorithm, raw[2:])  # two bytes of multicodec
        assert pair["publicKeyMultibase"] == encode_multikey(secret.public)
        return secret


def _case(source: str, folder: str, ending: str, suite: str, algorithm: str, pair: str) -> Any:  # noqa: ANN401
    return pytest.param(Published(source, folder, ending, SUITES[suite], algorithm, pair), id=folder)


EDDSA, ECDSA = "w3c-vc-di-eddsa", "w3c-vc-di-ecdsa"
EXAMPLES = [
    _case(EDDSA, "eddsa-jcs-2022", "JCS", "eddsa-jcs-2022", "Ed25519", "keyPair.json"),
    _case(EDDSA, "eddsa-rdfc-2022", "DataInt", "eddsa-rdfc-2022", "Ed25519", "keyPair.json"),
    _case(EDDSA, "Ed25519Signature2020", "EdSig", "Ed25519Signature2020", "Ed25519", "keyPair.json"),
    *(
        _case(
            ECDSA, f"ecdsa-{form}-2019-p{size}", f"{'JCS' if form == 'jcs' else ''}ECDSAP{size}",
            f"ecdsa-{form}-2019", f"P-{size}", f"p{size}KeyPair.json",
        )
        for form in ("jcs", "rdfc") for size in (256, 384)
    ),
]  # fmt: skip
each_example = pytest.mark.parametrize("published", EXAMPLES)


def read(document: object, published: Published) -> Signature:
    """Return the one signature of a document, what it signed written."""
    secured = data_integrity.read(parse(json.dumps(document)), data_integrity.ASSERTION)
    (signature,) = secured.signatures
    assert published.suite.name == secured.form
    return signature.written(rules=OPEN)


@each_example
def test_canonical_forms(published: Published) -> None:
    """The canonical document and proof options are the published texts."""
    document, config = (
        canonical_form(each, published.transform, plain=False, rules=OPEN).decode()
        for each in (published.unsigned(), published.json("proofConfig"))
    )

    assert published.text("canonDoc").strip() == document.strip()
    assert published.text("proofCanon").strip() == config.strip()


@each_example
def test_hashes(published: Published) -> None:
    """Both hashes and their concatenation are the published ones."""
    transform, config = published.transform, published.json("proofConfig")
    hashed = hash_document(published.unsigned(), transform, False, OPEN)

    assert published.text("docHash").strip() == hashed.hex()
    assert published.text("proofHash").strip() == hash_document(config, transform, False, OPEN).hex()
    assert published.text("combinedHash").strip() == hash_data(config, hashed, transform, False, OPEN).hex()


@each_example
def test_signature(published: Published) -> None:
    """Signing the published hash gives the published signature; of ECDSA's two, the one with the lower `s`."""
    signature = published.secret().sign(bytes.fromhex(published.text("combinedHash")))
    expected = bytes.fromhex(published.text("sigHex"))
    assert encode_multibase(expected, published.suite.signature_base) == published.text("sigBTC58").strip()

    if published.algorithm in CURVES:
        half, order = len(expected) // 2, CURVES[published.algorithm].order
        s = int.from_bytes(expected[half:], "big")
        expected = expected[:half] + min(s, order - s).to_bytes(half, "big")

    assert expected.hex() == signature.hex()


@each_example
def test_signed_document(published: Published) -> None:
    """Our issuer writes the published secured document, member for member."""
    config, secret = published.json("proofConfig"), published.secret()
    signed = data_integrity.add_proof(
        published.unsigned(), secret, config["verificationMethod"], published.suite,
        created=parse_instant(config["created"], ""), rules=OPEN,
    )  # fmt: skip
    expected = published.json("signed")
    if published.algorithm in CURVES:
        expected["proof"]["proofValue"] = encode_multibase(
            secret.sign(bytes.fromhex(published.text("combinedHash"))), published.suite.signature_base
        )

    assert expected == signed


@each_example
def test_published_document_verifies(published: Published) -> None:
    """Our reader finds in the published document the published hash, and the published key verifies it."""
    signature = read(published.json("signed"), published)
    signature.check(published.secret().public)

    assert published.text("combinedHash").strip() == signature.message.hex()


@each_example
@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (("credentialSubject", "alumniOf"), "The School of Example", "signature_invalid"),
        (("proof", "created"), "2023-02-24T23:36:39Z", "signature_invalid"),
        (("proof", "proofPurpose"), "authentication", "proof_purpose_mismatch"),
        (("proof", "cryptosuite"), "eddsa-rdfc-2021", "proof_suite_unsupported"),
        (("proof", "type"), "Ed25519Signature2018", "proof_suite_unsupported"),
        (("proof", "@context"), ["https://www.w3.org/ns/credentials/v2"], "proof_verification_error"),
        (("proof", "proofValue"), "u" + "A" * 86, "encoding_invalid"),
        (
            ("proof", "proofValue"),
            "z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpw",
            "signature_invalid",
        ),
        (("proof", "verificationMethod"), "#key-1", "key_source_forbidden"),
        (("proof", "previousProof"), "urn:uuid:1", "proof_chain_invalid"),
    ],
)
def test_tampered_document(published: Published, path: tuple[str, str], value: object, code: str) -> None:
    """One changed member refuses the published document, each with its code."""
    document = copy.deepcopy(published.json("signed"))
    if path[1] == "cryptosuite" and "cryptosuite" not in document["proof"]:
        code = "signature_invalid"  # which this proof type does not have
    document[path[0]][path[1]] = value
    with pytest.raises(AgentdidError) as refusal:
        read(document, published).check(published.secret().public)

    assert code == refusal.value.code
