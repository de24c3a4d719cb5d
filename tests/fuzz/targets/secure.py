"""Securing mechanisms: tokens, disclosures, COSE, Data Integrity and derived proofs, taken apart and written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agentdid.canon.contexts import STRICT
from agentdid.codec.base import decode_multibase
from agentdid.codec.strict_json import encode, parse, parse_object
from agentdid.errors import AgentdidError
from agentdid.limits import DEFAULT, Budget
from agentdid.proof import bbs2023, disclosures, ecdsa_sd, jws, sd_jwt_json
from agentdid.proof import cose as proof_cose
from agentdid.secure import (
    cose,
    data_integrity,
    derivation,
    envelope,
    jose,
    key_binding,
    sd_jwt,
    sd_jwt_vc,
    vc_claims,
    vc_jwt,
)
from agentdid.verify.looks import looks_presented
from tests.forgery import seal
from tests.fuzz import material
from tests.fuzz.target import Target, hold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agentdid.secure.mechanism import Secured


def _take(secured: Secured) -> None:
    """Look at what a verifier looks at before it asks for a key, then try a key that did not sign."""
    hold(secured.signatures, "nothing signed it")
    written = secured.written(Budget.of(DEFAULT), STRICT)
    _ = written.digest, written.level, written.is_selective, written.signer
    for each in written.signatures:
        for key in material.keys().values():
            try:
                each.check(key.public)
            except AgentdidError:
                continue
            hold(False, "a key that signed nothing was taken")


def _token(read: Callable[[str], Secured]) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        text = material.text_of(data)
        secured = read(text)
        _take(secured)

    return run


def _jws(data: bytes) -> None:
    text = material.text_of(data)
    jws.is_compact(text)
    jws.find_typ(text)
    found = jws.parse_jws(text)
    hold(text.startswith(found.signing_input.decode() + "."), "something else was signed than stands there")
    _ = found.claims


def _disclosures(data: bytes) -> None:
    payload, *given = material.text_of(data).split("\n")
    claims: dict[str, Any] = parse_object(payload).value  # type: ignore[assignment]  # an object
    disclosures.open_payload(claims, given)
    hold("_sd" not in claims and "_sd_alg" not in claims, "digests are left in the claims")


def _sd_jwt_json(data: bytes) -> None:
    read = sd_jwt_json.read(parse_object(data).value)  # type: ignore[arg-type]  # an object
    _ = read


def _key_bound(data: bytes) -> None:
    text = material.text_of(data)
    before, tilde, _ = text.rpartition("~")
    credential = sd_jwt.read(before + tilde)
    key_binding.read(text, credential, material.world().agent.did)


def _withhold(data: bytes) -> None:
    token = sd_jwt.withhold(material.text_of(data), frozenset())
    hold(sd_jwt.read(token), "what is left is no SD-JWT")


def _cose(data: bytes) -> None:
    proof_cose.find_typ(data)
    looks_presented(data)
    for read in (cose.read_credential, cose.read_presentation):
        try:
            _take(read(data))
        except AgentdidError:
            continue


def _data_integrity(data: bytes) -> None:
    text = parse_object(data)
    for purpose in ("assertionMethod", "authentication"):
        try:
            _take(data_integrity.read(text, purpose, several=True))
        except AgentdidError:
            continue


def _derive(data: bytes) -> None:
    document: dict[str, Any] = parse_object(data).value  # type: ignore[assignment]  # an object
    derivation.derive(document, ["/credentialSubject/name"], budget=Budget.of(DEFAULT))


def _derived_octets(data: bytes) -> None:
    for parse_proof in (ecdsa_sd.parse_base, ecdsa_sd.parse_derived, bbs2023.parse_base, bbs2023.parse_derived):
        try:
            proof = parse_proof(data)
        except AgentdidError:
            continue
        hold(parse_proof(proof.encode()).encode() == proof.encode(), "what was read is not what was written")


def _envelope(data: bytes) -> None:
    token, media_type = envelope.open_envelope(parse_object(data).value)  # type: ignore[arg-type]  # an object
    hold(isinstance(token, str) and media_type, "an envelope without content")


def _proof_values() -> Iterator[bytes]:
    for form in material.DERIVED:
        yield decode_multibase(parse_object(material.secured(form)).value["proof"]["proofValue"])  # type: ignore[index]
    for form in ("w3c-vc-di-ecdsa", "w3c-vc-di-bbs"):
        for each in material.published(form, most=60):
            try:
                document: Any = parse(each).value
                value = document["proof"]["proofValue"]
                yield decode_multibase(value)
            except (AgentdidError, TypeError, KeyError):
                continue


def _base_proofs() -> Iterator[bytes]:
    from datetime import timedelta  # noqa: PLC0415

    from tests.forgery import badge  # noqa: PLC0415
    from tests.world import BLS  # noqa: PLC0415

    here = material.world()
    for form, algorithm in (("ecdsa-sd-2023", "P-256"), ("bbs-2023", BLS)):
        party = here.party("signer", algorithm=algorithm)
        yield encode(
            derivation.add_base_proof(
                badge(
                    here,
                    type=["VerifiableCredential"],
                    credentialSubject={"id": here.agent.did, "name": "Ada"},
                    issuer=party.did,
                ),
                party.secret,
                party.method_id,
                form,
                pointers=["/issuer"],
                created=here.now - timedelta(seconds=30),
            )
        )


def _signed_documents() -> Iterator[bytes]:
    yield from (material.secured(form) for form in material.PROOFS)
    yield material.presentations()[-1]
    yield from material.published("w3c-vc-di-eddsa", "*igned*.json", most=20)


def _presented_sd_jwt() -> bytes:
    """A presentation that is an SD-JWT itself."""
    here = material.world()
    claims = material.payload(material.presentations()[0])
    header = {"alg": "EdDSA", "typ": "vp+sd-jwt", "kid": here.agent.method_id}
    return seal(encode(header), encode(claims), here.agent, []).encode()


def _opened() -> Iterator[bytes]:
    issued, *rest, _ = material.secured("vc+sd-jwt").decode().split("~")
    yield "\n".join([encode(material.payload(issued.encode())).decode(), *rest]).encode()
    hidden, given = disclosures.hide(
        {"a": {"b": [1, 2], "c": "d"}, "e": 1}, [("a",), ("a", "b"), ("a", "b", 1), ("e",)]
    )
    yield "\n".join([encode(hidden).decode(), *given]).encode()


def _serialized() -> Iterator[bytes]:
    issued, *rest, _ = material.secured("vc+sd-jwt").decode().split("~")
    protected, payload, signature = issued.split(".")
    yield encode({"payload": payload, "protected": protected, "signature": signature, "header": {"disclosures": rest}})
    yield encode(
        {
            "payload": payload,
            "signatures": [
                {"protected": protected, "signature": signature, "header": {"disclosures": rest, "kb_jwt": issued}}
            ],
        }
    )
    yield from material.published("rfc9901-sd-jwt", most=20, having="payload")


def _old(claim: str, document: dict[str, Any]) -> bytes:
    """A token of VCDM 1.1, with its document in a claim."""
    here = material.world()
    party = here.acme if claim == "vc" else here.agent
    claims = {
        name: document.pop(name)
        for name in ("aud", "nonce", "iat", "exp", "iss", "nbf", "jti", "sub")
        if name in document
    }
    document["@context"] = ["https://www.w3.org/2018/credentials/v1"]
    for old, new in (("validFrom", "issuanceDate"), ("validUntil", "expirationDate")):
        if old in document:
            document[new] = document.pop(old)
    return seal(
        encode({"alg": "EdDSA", "typ": "JWT", "kid": party.method_id}),
        encode({"iss": party.did, "iat": 1_764_000_000, **claims, claim: document}),
        party,
    ).encode()


def _envelopes() -> Iterator[bytes]:
    yield encode(envelope.envelop(material.secured("vc+sd-jwt").decode()))
    yield encode(envelope.envelop_octets(material.secured("vc+cose"), "application/vc+cose"))


TARGETS: Final = (
    Target("jws", _jws, lambda: [material.secured("vc+jwt"), *material.presentations()[:1]]),
    Target("sd-jwt", _token(sd_jwt.read), lambda: [material.secured("vc+sd-jwt")]),
    Target("sd-jwt-vc", _token(sd_jwt_vc.read), lambda: [material.secured("dc+sd-jwt")]),
    Target("sd-jwt-json", _sd_jwt_json, _serialized),
    Target("sd-jwt-withhold", _withhold, lambda: [material.secured("vc+sd-jwt")]),
    Target("key-binding", _key_bound, lambda: [material.key_bound()]),
    Target("disclosures", _disclosures, _opened),
    Target("vc-jwt", _token(vc_jwt.read), lambda: [material.secured("vc+jwt")]),
    Target("vp-jwt", _token(jose.read), lambda: material.presentations()[:2]),
    Target("vp-sd-jwt", _token(jose.read_sd), lambda: [_presented_sd_jwt()]),
    Target(
        "vc-claims",
        _token(vc_claims.read_credential),
        lambda: [_old("vc", material.payload(material.secured("vc+jwt")))],
    ),
    Target(
        "vp-claims",
        _token(vc_claims.read_presentation),
        lambda: [_old("vp", material.payload(material.presentations()[0]))],
    ),
    Target("cose", _cose, lambda: [material.secured("vc+cose")]),
    Target("data-integrity", _data_integrity, _signed_documents),
    Target("derived-proofs", _data_integrity, lambda: [material.secured(form) for form in material.DERIVED]),
    Target("derived-octets", _derived_octets, _proof_values),
    Target("derive", _derive, _base_proofs),
    Target("envelope", _envelope, _envelopes),
)
