"""`vc+jwt` in every algorithm, as a link of a chain, and through issuer and wallet."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agentdid.did import jwk as did_jwk
from agentdid.errors import AlgKeyMismatch, KeyInvalid, Refused
from agentdid.keys.secret import SecretKey
from agentdid.limits import DEFAULT
from agentdid.present.presentation import make_presentation
from agentdid.secure import vc_jwt
from agentdid.verify.structure import read_chain
from tests.forgery import BADGE, badge
from tests.tokens import JOSE_KEYS, anchors, party
from tests.world import AUDIENCE, World

NONCE = "n-0S6_WzA2Mj"


@pytest.mark.parametrize("algorithm", JOSE_KEYS)
def test_every_algorithm(algorithm: str) -> None:
    """Issued, enveloped, presented and verified with keys of one algorithm, from end to end."""
    world = World()
    issuer, holder = party("issuer", algorithm), party("holder", algorithm)
    document = badge(world, issuer=issuer.did, credentialSubject={"id": holder.did, "name": "Ada"})
    token = vc_jwt.issue(document, issuer.secret, issuer.method_id, claims={"iat": int(world.now.timestamp())})
    presented = make_presentation(
        [token], holder=holder.did, signer=holder.secret, method_id=holder.method_id, audience=AUDIENCE,
        challenge=NONCE, at=world.now,
    )  # fmt: skip
    verifier = world.verifier(trust=world.trust(**anchors(world, [issuer])))
    decision = verifier.verify(presented, challenge=NONCE)

    assert document == decision.credentials[0].document
    assert holder.did == decision.holder


@pytest.mark.parametrize("algorithm", JOSE_KEYS)
def test_a_changed_signature_of_every_algorithm(algorithm: str) -> None:
    """The last byte of each signature counts, and of a composite the first byte of each half."""
    world = World()
    issuer = party("issuer", algorithm)
    verifier = world.verifier(trust=world.trust(**anchors(world, [issuer])))
    token = vc_jwt.issue(badge(world, issuer=issuer.did), issuer.secret, issuer.method_id)
    head, body, _ = token.split(".")
    signature = vc_jwt.read(token).signatures[0].value
    from agentdid.codec.base import encode_base64url  # noqa: PLC0415

    for place in {0, len(signature) - 1, len(signature) - 64}:
        forged = bytearray(signature)
        forged[place] ^= 1
        with pytest.raises(Refused) as refusal:
            verifier.verify_credential(f"{head}.{body}.{encode_base64url(bytes(forged))}")
        assert "signature_invalid" == refusal.value.code


@pytest.mark.parametrize("form", ["vc+jwt", "vc+sd-jwt", "eddsa-jcs-2022"])
def test_a_chain_of_mixed_forms(form: str) -> None:
    """A `vc+jwt` hangs on a link of any form, and any form on it: the digest is of what was signed."""
    world = World()
    chain = world.child(world.root(form="vc+jwt"), world.agent, world.helper, form=form)
    reverse = world.child(world.root(form=form), world.agent, world.helper, form="vc+jwt")

    for each in (chain, reverse):
        decision = world.verifier().verify(world.present(each, world.helper), challenge=NONCE)
        assert decision.capability is not None
        assert ["c1"] == [grant.id for grant in decision.capability.grants]


def test_it_discloses_nothing_selectively() -> None:
    """Paths to hide in a form that cannot hide are the caller's mistake."""
    world = World()

    with pytest.raises(ValueError, match="cannot disclose"):
        world.root(form="vc+jwt", disclosable=[("credentialSubject", "name")])


def test_a_key_that_signs_no_tokens() -> None:
    """A key agreement key."""
    with pytest.raises(AlgKeyMismatch):
        vc_jwt.issue({}, SecretKey.generate("X25519"), "did:example:a#b")


def test_a_component_of_a_composite_beside_it() -> None:
    """PROTOCOL section 5: a document that lists a component of its composite key separately is refused."""
    from agentdid.codec.strict_json import encode  # noqa: PLC0415
    from agentdid.did.document import build_document  # noqa: PLC0415
    from agentdid.did.web import create, url  # noqa: PLC0415
    from agentdid.keys.composite import components  # noqa: PLC0415

    world = World()
    both = party("issuer", "ML-DSA-44-Ed25519").secret
    did = create("hybrid.example")
    world.serve(url(did), encode(build_document(did, {"key-1": both.public, "key-2": components(both.public)[1]})))
    token = vc_jwt.issue(badge(world, issuer=did), both, f"{did}#key-1")
    verifier = world.verifier(trust=world.trust(anchor=[{"did": did, "types": [BADGE]}]))

    with pytest.raises(KeyInvalid):
        verifier.verify_credential(token)


def test_a_wallet_keeps_and_presents_it() -> None:
    """A held `vc+jwt` is presented whole: nothing of it can be withheld."""
    from agentdid.wallet.disclosure import withhold_chain  # noqa: PLC0415

    world = World()
    chain = read_chain(list(world.root(form="vc+jwt", ttl=timedelta(hours=1))), DEFAULT)

    assert [link.secured.wire for link in chain] == withhold_chain(chain, [])


def test_did_jwk_of_a_composite_key() -> None:
    """Composite keys have no multicodec, so their DID is a did:jwk, which carries them whole."""
    one = party("issuer", "ML-DSA-65-Ed25519")

    assert one.secret.public == did_jwk.resolve(one.did).find_key(one.method_id, "assertionMethod", World().now)
