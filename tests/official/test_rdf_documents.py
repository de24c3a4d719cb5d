"""The canonical texts of vc-di-eddsa, vc-di-ecdsa and vc-di-bbs, and what their pointers select."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.canon import jcs
from agentdid.canon.contexts import OPEN
from agentdid.canon.jsonld import canonicalize
from agentdid.codec.strict_json import parse
from agentdid.errors import JsonRdfDivergence
from agentdid.proof.selective import (
    canonicalize_and_group,
    canonicalize_with_labels,
    given_labels,
    hmac_labels,
    select,
    shuffled_labels,
)
from tests.jsonld_documents import Json
from tests.vectors_dir import vectors

if TYPE_CHECKING:
    from pathlib import Path

KEY = bytes.fromhex("00112233445566778899aabbccddeeff" * 2)  # hmacKeyString of both suites' key material
TEXTS = [
    ("w3c-vc-di-eddsa", "eddsa-rdfc-2022/canonDocDataInt.txt", "unsigned.json"),
    ("w3c-vc-di-eddsa", "eddsa-rdfc-2022/proofCanonDataInt.txt", "eddsa-rdfc-2022/proofConfigDataInt.json"),
    ("w3c-vc-di-eddsa", "Ed25519Signature2020/canonDocEdSig.txt", "unsigned.json"),
    ("w3c-vc-di-eddsa", "Ed25519Signature2020/proofCanonEdSig.txt", "Ed25519Signature2020/proofConfigEdSig.json"),
    ("w3c-vc-di-ecdsa", "ecdsa-rdfc-2019-p256/canonDocECDSAP256.txt", "unsigned.json"),
    (
        "w3c-vc-di-ecdsa",
        "ecdsa-rdfc-2019-p256/proofCanonECDSAP256.txt",
        "ecdsa-rdfc-2019-p256/proofConfigECDSAP256.json",
    ),
    ("w3c-vc-di-ecdsa", "ecdsa-rdfc-2019-p384/canonDocECDSAP384.txt", "unsigned.json"),
    (
        "w3c-vc-di-ecdsa",
        "ecdsa-rdfc-2019-p384/proofCanonECDSAP384.txt",
        "ecdsa-rdfc-2019-p384/proofConfigECDSAP384.json",
    ),
    ("w3c-vc-di-ecdsa", "ecdsa-sd-2023/prc/addProofConfigCanon.txt", "ecdsa-sd-2023/prc/addProofConfig.json"),
    ("w3c-vc-di-bbs", "addProofConfigCanon.txt", "addProofConfig.json"),
    ("w3c-vc-di-bbs", "HolderBinding/addProofConfigCanon.txt", "HolderBinding/addProofConfig.json"),
    ("w3c-vc-di-bbs", "Pseudonym/addProofConfigCanon.txt", "Pseudonym/addProofConfig.json"),
    ("w3c-vc-di-bbs", "PseudonymHB/addProofConfigCanon.txt", "PseudonymHB/addProofConfig.json"),
]
SELECTIVE = [
    ("w3c-vc-di-ecdsa", "ecdsa-sd-2023/prc", hmac_labels),
    ("w3c-vc-di-bbs", ".", shuffled_labels),
    ("w3c-vc-di-bbs", "HolderBinding", shuffled_labels),
    ("w3c-vc-di-bbs", "Pseudonym", shuffled_labels),
    ("w3c-vc-di-bbs", "PseudonymHB", shuffled_labels),
]


def _load(path: Path) -> Json:
    return json.loads(path.read_text("utf-8"))


def _as_sent(document: dict[str, Any]) -> dict[str, object]:
    """Return a document as it leaves a sender that spells numbers as RFC 8785 does: the files have 7.0."""
    return parse(jcs.canonicalize(document)).value  # type: ignore[return-value]  # an object


def _base(folder: Path) -> dict[str, object]:
    """Return the credential that was signed; some files of unsigned ones were edited later."""
    signed = _load(folder / "addSignedSDBase.json")
    del signed["proof"]
    return _as_sent(signed)


@pytest.mark.parametrize("hash_name", ["sha256", "sha384"])
@pytest.mark.parametrize(("suite", "text", "source"), TEXTS, ids=[f"{suite}/{text}" for suite, text, _ in TEXTS])
def test_canonical_text(suite: str, text: str, source: str, hash_name: str) -> None:
    """The published N-Quads, byte for byte; with at most one blank node the hash makes no difference."""
    folder = vectors(suite)

    assert (folder / text).read_bytes() == canonicalize(_load(folder / source), rules=OPEN, hash_name=hash_name)


@pytest.mark.parametrize(("suite", "name", "relabelling"), SELECTIVE)
def test_labels_and_groups(suite: str, name: str, relabelling: Json) -> None:
    """Canonical statements, replaced labels and the mandatory group, as published."""
    folder = vectors(suite) / name
    document = _base(folder)
    transform = _load(folder / "addBaseTransform.json")
    grouping = canonicalize_and_group(
        document, relabelling(KEY), {"mandatory": transform["mandatoryPointers"]}, rules=OPEN
    )
    group = grouping.groups["mandatory"]

    assert "".join(_load(folder / "addBaseDocCanon.json")).encode() == canonicalize(document, rules=OPEN)
    assert _load(folder / "addBaseDocHMACCanon.json") == grouping.lines
    assert dict(transform["mandatory"]["value"]) == group.matching
    assert dict(transform["nonMandatory"]["value"]) == group.rest


@pytest.mark.parametrize(("suite", "name", "relabelling"), SELECTIVE[:2])
def test_selection(suite: str, name: str, relabelling: Json) -> None:
    """What the holder's pointers reveal, and the positions of it."""
    folder = vectors(suite) / name
    prefix = "prCred" if suite == "w3c-vc-di-ecdsa" else "wind"
    mandatory = _load(vectors(suite) / f"{prefix}Mandatory.json")
    selective = _load(vectors(suite) / f"{prefix}Selective.json")
    document = _base(folder)
    grouping = canonicalize_and_group(
        document, relabelling(KEY), {"mandatory": mandatory, "combined": mandatory + selective}, rules=OPEN
    )
    expected = _load(folder / "derivedGroupIndexes.json")

    assert expected["combinedIndexes"] == list(grouping.groups["combined"].matching)
    assert expected["mandatoryIndexes"] == list(grouping.groups["mandatory"].matching)
    assert _as_sent(_load(folder / "derivedUnsignedReveal.json")) == select(document, mandatory + selective)


@pytest.mark.parametrize(
    ("suite", "name"),
    [("w3c-vc-di-ecdsa", "ecdsa-sd-2023/prc"), ("w3c-vc-di-bbs", "Pseudonym"), ("w3c-vc-di-bbs", "HolderBinding")],
)
def test_the_verifier_finds_the_labels_again(suite: str, name: str) -> None:
    """The revealed part under the labels of the derived proof makes the statements that were signed."""
    folder = vectors(suite) / name
    revealed = _as_sent(_load(folder / "derivedUnsignedReveal.json"))
    value = _load(folder / "verifyDerivedProofValue.json")["labelMap"]
    labels = dict(value["value"] if isinstance(value, dict) else value)

    assert (
        _load(folder / "verifyNQuads.json") == canonicalize_with_labels(revealed, given_labels(labels), rules=OPEN)[0]
    )


def test_numbers_with_a_point_are_refused() -> None:
    """The file says 7.0, which is 7 where it is sent (ATTACKS F10)."""
    with pytest.raises(JsonRdfDivergence) as caught:
        canonicalize(_load(vectors("w3c-vc-di-bbs") / "windDoc.json"), rules=OPEN)

    assert "/credentialSubject/sails/2/size" == caught.value.path
