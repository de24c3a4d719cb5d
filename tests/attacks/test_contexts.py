"""F05, F07, F08, F17, E18 under JCS: contexts exchanged, reordered or added, by a stranger or by the signer."""

from __future__ import annotations

from typing import Any

import pytest

from agentdid.credential.model import AGENTDID_V1, CREDENTIALS_V2
from tests.forgery import Faces, Token, acme_document, prove
from tests.world import World

OTHER = "https://evil.example/context"
WRONG: dict[str, Any] = {
    "F05-inline-alias": [CREDENTIALS_V2, AGENTDID_V1, {"st": f"{CREDENTIALS_V2}#credentialStatus"}],
    "F05-inline-first": [{"x": "urn:x"}, CREDENTIALS_V2, AGENTDID_V1],
    "F05-inline-between": [CREDENTIALS_V2, {"capability": "urn:other"}, AGENTDID_V1],
    "F05-inline-empty": [CREDENTIALS_V2, AGENTDID_V1, {}],
    "F05-nested": [CREDENTIALS_V2, AGENTDID_V1, [{"x": "urn:x"}]],
    "F05-null": [CREDENTIALS_V2, AGENTDID_V1, None],
    "F07-reordered": [AGENTDID_V1, CREDENTIALS_V2],
    "F07-other-second": [CREDENTIALS_V2, OTHER, AGENTDID_V1],
    "F08-vocab": [CREDENTIALS_V2, AGENTDID_V1, {"@vocab": "urn:x:"}],
    "F08-vocab-second": [CREDENTIALS_V2, {"@vocab": "urn:x:"}],
    "F17-unknown-first": [OTHER, CREDENTIALS_V2, AGENTDID_V1],
    "F17-unknown-for-ours": [CREDENTIALS_V2, OTHER],
    "F18-import": [CREDENTIALS_V2, AGENTDID_V1, {"@import": OTHER}],
    "missing-ours": [CREDENTIALS_V2],
    "version-1": ["https://www.w3.org/2018/credentials/v1", AGENTDID_V1],
    "near": [f"{CREDENTIALS_V2}/", AGENTDID_V1],
    "near-ours": [CREDENTIALS_V2, f"{AGENTDID_V1}#"],
    "http": [CREDENTIALS_V2.replace("https", "http"), AGENTDID_V1],
    "upper-case": [CREDENTIALS_V2.upper(), AGENTDID_V1],
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("form", ["vc+sd-jwt", "eddsa-jcs-2022"])
def test_a_capability_with_another_context(world: World, faces: Faces, name: str, form: str) -> None:
    """F05, F07, F08: signed so by the issuer: readers of JSON and of JSON-LD would see two documents."""
    (link,) = world.root(form=form)
    if form == "vc+sd-jwt":
        token = Token.read(str(link))
        token.payload["@context"] = WRONG[name]
        signed: object = token.sign(world.acme)
    else:
        signed = prove({**link, "@context": WRONG[name]}, world.acme)  # type: ignore[dict-item]  # an object
    verdict = faces(signed)
    # what is neither a URL nor an object is no context at all
    expected = (
        ("malformed", "type_mismatch") if name in ("F05-nested", "F05-null") else ("refused", "context_not_allowed")
    )

    assert (*expected, ()) == (*verdict.answer, verdict.asked)


@pytest.mark.parametrize("name", sorted(WRONG.keys() - {"F05-nested", "F05-null"}))
def test_by_a_stranger(world: World, faces: Faces, name: str) -> None:
    """F05, F07, E18: afterwards, without the signer: the first check that sees it refuses."""
    (link,) = world.root(form="eddsa-jcs-2022")
    forged = {**link, "@context": WRONG[name]}  # type: ignore[dict-item]  # an object in this form

    assert faces(forged).code in ("context_not_allowed", "proof_verification_error")


def test_f18_a_scoped_context_in_a_subject(world: World, faces: Faces) -> None:
    """F18: nothing is loaded for it, wherever it points."""
    token = Token.read(str(world.root(claims={"@context": OTHER, "name": "Ada"})[0]))
    verdict = faces(token.sign(world.acme))

    assert {acme_document(world), world.acme.list_url} >= set(verdict.asked)


RENAMED = {
    "F03-full-iri": ("credentialStatus", "https://www.w3.org/ns/credentials#credentialStatus"),
    "F03-valid-until": ("validUntil", "https://www.w3.org/2018/credentials#validUntil"),
    "F13-id": ("id", "@id"),
    "F13-type": ("type", "@type"),
    "F12-graph": ("credentialSubject", "@graph"),
    "case": ("issuer", "Issuer"),
}


@pytest.mark.parametrize("name", RENAMED)
def test_renamed_members(world: World, faces: Faces, name: str) -> None:
    """F03, F13: under JCS a renamed member is another document; signed anew, what is missing is missing."""
    old, new = RENAMED[name]
    (link,) = world.root(form="eddsa-jcs-2022")
    forged: dict[str, Any] = {new if key == old else key: each for key, each in link.items()}  # type: ignore[union-attr]

    assert "accepted" != faces(forged).family
    assert faces(prove(forged, world.acme)).code in ("status_unavailable", "type_mismatch")
