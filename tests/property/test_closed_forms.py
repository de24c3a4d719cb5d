"""What is read by one typed decoding ends as it ends where every form is read: code, path and decision."""

from __future__ import annotations

from copy import deepcopy
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import DecodeError
from msgspec.json import decode

from agentdid.codec.base import encode_multibase
from agentdid.codec.strict_json import encode
from agentdid.errors import AgentdidError
from agentdid.proof.hash_data import hash_data, hash_document
from agentdid.proof.suites import JCS_SHA256
from agentdid.secure import closed_forms, closed_tokens
from agentdid.verify import closed_links, inputs, structure
from agentdid.verify.case import HttpRequest
from agentdid.verify.decide import as_outcome
from agentdid.verify.memory import Memory
from tests.chains import JCS, SD_JWT, chain_of
from tests.forgery import Token, seal
from tests.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.world import Party

STEADY = settings(max_examples=400, derandomize=True, deadline=None)
WORLD = World()
CHAIN = chain_of(WORLD, form=JCS)
TOKENS = chain_of(WORLD, form=SD_JWT)
HTTP = HttpRequest("GET", "https://api.partner.example/v1/invoices", None)
FORMS = [
    each for each in vars(closed_forms).values() if isinstance(each, type) and each.__module__ == closed_forms.__name__
]
_NONCES = count()
_GONE = object()
_NAMES = (
    "@context", "challenge", "created", "cryptosuite", "domain", "expires", "proofPurpose", "type", "id", "nonce",
    "verificationMethod", "previousProof", "proofGroup", "holder", "verifiableCredential", "request", "termsOfUse",
    "h\u00f6lder", "htm", "htu", "contentDigest", "statuses",
)  # fmt: skip
_LINK_NAMES = (
    "issuer", "credentialSubject", "credentialStatus", "capability", "validFrom", "validUntil", "name", "root",
    "principal", "purpose", "grants", "audience", "delegation", "parent", "minSecurity", "statusListIndex",
    "statusPurpose", "statusListCredential", "statusSize", "depth", "maxDepth", "actions", "autonomyMax",
)  # fmt: skip
_TOKEN_NAMES = (
    "_sd", "_sd_alg", "...", "iat", "exp", "nbf", "aud", "nonce", "iss", "sub", "jti", "cnf", "status", "vc", "alg",
    "typ", "kid", "crit", "jwk",
)  # fmt: skip
_TOKEN_VALUES = (
    "sha-256", "sha-512", 1_795_521_600, 1_795_521_630, 10**12, "EdDSA", "ES256", "vp+jwt", "vc+sd-jwt",
    [{"...": "WahhYMUhOZhpGGfC4EyomvmHlgAAVkrvLbDl_e8hS34"}], "EnvelopedVerifiableCredential",
    "data:application/vc+sd-jwt,x~",
)  # fmt: skip
_PLACES: tuple[tuple[str | int, ...], ...] = (
    (), (), ("proof",), ("credentialStatus",), ("credentialSubject",), ("credentialSubject", "capability"),
    ("credentialSubject", "capability", "delegation"), ("credentialSubject", "capability", "grants", 0),
)  # fmt: skip
_VALUES = (
    _GONE, None, True, 0, 1.5, 2**60, "", "x", "u", "a b", "\u00e9", "z\u0000", [], {}, [None], [{}], ["x"],
    {"id": "x"}, WORLD.agent.did, WORLD.stranger.did, {"id": WORLD.agent.did}, WORLD.agent.method_id,
    WORLD.stranger.method_id, WORLD.acme.did, WORLD.partner.did, [WORLD.partner.did], WORLD.acme.method_id,
    "VerifiablePresentation", ["VerifiablePresentation"], ["VerifiablePresentation", "x"],
    "https://www.w3.org/ns/credentials/v2", ["https://www.w3.org/ns/credentials/v2"],
    ["https://www.w3.org/ns/credentials/v2", "https://w3id.org/agentdid/v1"],
    ["https://w3id.org/agentdid/v1", "https://www.w3.org/ns/credentials/v2"], ["https://www.w3.org/2018/credentials/v1"],
    "2026-11-24T12:00:00Z", "2026-11-24T12:00:30+00:00", "2026-11-24T12:00:00", "2026-02-30T12:00:00Z",
    "authentication", "assertionMethod", "DataIntegrityProof", JCS, "eddsa-rdfc-2022", "ecdsa-jcs-2019",
    "https://api.partner.example", "GET", {"htm": "GET", "htu": HTTP.url}, {"htm": "GET", "htu": HTTP.url, "x": 1},
    CHAIN, [*CHAIN, *CHAIN], CHAIN[0], ["x", *CHAIN], [{**CHAIN[0], "x": 1.0}],  # type: ignore[dict-item]  # an object
)  # fmt: skip
_SPELLINGS: tuple[tuple[bytes, bytes], ...] = (
    (b",", b", "),
    (b"{", b" {"),
    (b'"holder"', b'"h\\u006flder"'),
    (b'"holder"', b'"holder":"did:web:x.example","holder"'),
    (b'"type"', b'"type":1,"type"'),
    (b'"proof"', b'"proof":{},"proof"'),
    (b'"proofValue"', b'"proofValue":"zz","proofValue"'),
    (b'"issuer"', b'"issuer":"did:web:x.example","issuer"'),
    (b"https:\\/\\/", b"https://"),
    (b"https://", b"https:\\/\\/"),
    (b'"created"', b'"created":"2026-11-24T12:00:00Z","created"'),
    (b'"autonomyMax":2', b'"autonomyMax":2.0'),
    (b'"verifiableCredential":[', b'"x":{"verifiableCredential":[]},"verifiableCredential":['),
    (b"}", b"}x"),
)


def honest(nonce: str, *, http: bool) -> dict[str, Any]:
    """A presentation as a wallet of ours makes it."""
    text = WORLD.present(CHAIN, WORLD.agent, challenge=nonce, form=JCS, http=HTTP if http else None)
    made: dict[str, Any] = text if isinstance(text, dict) else decode(text)
    return made


def signed(document: dict[str, Any], by: Party) -> dict[str, Any]:
    """The document under its proof's options, whatever they say, by a real signature."""
    body = {name: each for name, each in document.items() if name != "proof"}
    options = document.get("proof")
    if type(options) is not dict:
        return document
    config = {name: each for name, each in options.items() if name != "proofValue"}
    try:
        message = hash_data(config, hash_document(body, JCS_SHA256, plain=False), JCS_SHA256, plain=False)
    except AgentdidError:
        return document  # what has no canonical form cannot be signed
    return {**document, "proof": {**config, "proofValue": encode_multibase(by.secret.sign(message), "z")}}


def at(value: Any, steps: tuple[str | int, ...]) -> Any:  # noqa: ANN401  # JSON values
    """What stands there; `None` where nothing does."""
    for step in steps:
        if type(value) is list and type(step) is int and step < len(value):
            value = value[step]
        else:
            value = value.get(step) if type(value) is dict else None
    return value


def ending(text: bytes, nonce: str, *, http: bool) -> object:
    """How it ends with a fresh verifier: all that a decision or a report says; without a nonce of a bare credential."""
    verifier = WORLD.verifier(memory=Memory())
    try:
        if not nonce:
            return verifier.verify_credential(text).encode()
        return verifier.verify(text, challenge=nonce, http=HTTP if http else None).encode()
    except AgentdidError as error:
        return as_outcome(error)


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the typed route took, as it happens; the real one runs."""
    found: list[str] = []

    def noted(what: str, real: Callable[..., object]) -> Callable[..., object]:
        def read(*given: Any) -> object:  # noqa: ANN401  # as the real one
            secured = real(*given)
            if secured is not None:
                found.append(what)
            return secured

        return read

    monkeypatch.setattr(closed_forms, "read_presentation", noted("presentation", closed_forms.read_presentation))
    monkeypatch.setattr(
        closed_links, "read_capability_credential", noted("link", closed_links.read_capability_credential)
    )
    monkeypatch.setattr(closed_tokens, "read_presentation", noted("token", closed_tokens.read_presentation))
    monkeypatch.setattr(closed_tokens, "read_link", noted("token link", closed_tokens.read_link))
    return found


def both(text: bytes, nonce: str, *, http: bool) -> object:
    """How it ends by either route; that is the same."""
    one = ending(text, nonce, http=http)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inputs, "_parse_closed", lambda _case, _octets: False)
        patch.setattr(inputs, "_read_link", lambda _case, _octets, _position: None)
        patch.setattr(structure, "_read_closed", lambda _case, _text: None)
        other = ending(text, nonce, http=http)

    assert other == one

    return one


@given(st.data())
@STEADY
def test_a_presentation_ends_alike_by_either_route(data: st.DataObject) -> None:
    """Whatever its holder writes into it and signs, and however that is spelled."""
    http, nonce = data.draw(st.booleans()), f"nonce-{next(_NONCES)}"
    document = honest(nonce, http=http)
    for _ in range(data.draw(st.integers(0, 2))):
        inside = data.draw(st.sampled_from(["", "proof", "request"]))
        place = document[inside] if inside and type(document.get(inside)) is dict else document
        name, value = data.draw(st.sampled_from(_NAMES)), data.draw(st.sampled_from(_VALUES))
        place.pop(name, None)
        if value is not _GONE:
            place[name] = value
    names = data.draw(st.permutations(list(document)))
    text = encode(signed({name: document[name] for name in names}, WORLD.agent))
    if data.draw(st.booleans()):
        old, new = data.draw(st.sampled_from([*_SPELLINGS, (b'"proofValue":"z', b'"proofValue":"u')]))
        text = text.replace(old, new, data.draw(st.sampled_from([1, -1])))
    both(text, nonce, http=http)


@given(st.data())
@STEADY
def test_a_link_ends_alike_by_either_route(data: st.DataObject) -> None:
    """Whatever its issuer writes into it and signs, and however that is spelled, alone or in a presentation."""
    nonce, link = f"nonce-{next(_NONCES)}", deepcopy(CHAIN[0])
    for _ in range(data.draw(st.integers(0, 2))):
        place = at(link, data.draw(st.sampled_from(_PLACES)))
        name, value = data.draw(st.sampled_from([*_NAMES, *_LINK_NAMES])), data.draw(st.sampled_from(_VALUES))
        if type(place) is dict:
            place.pop(name, None)
            if value is not _GONE:
                place[name] = value
    link = signed(link, WORLD.acme)  # type: ignore[arg-type]  # an object
    text = encode({name: link[name] for name in data.draw(st.permutations(list(link)))})
    if data.draw(st.booleans()):
        old, new = data.draw(st.sampled_from([*_SPELLINGS, (b'"proofValue":"z', b'"proofValue":"u')]))
        text = text.replace(old, new, data.draw(st.sampled_from([1, -1])))
    if data.draw(st.booleans()):
        both(text, "", http=False)
        return
    around = honest(nonce, http=False)
    try:
        around["verifiableCredential"] = [decode(text)]
    except DecodeError:
        return
    presented = encode(signed(around, WORLD.agent))
    both(presented.replace(encode(decode(text)), text), nonce, http=False)


@given(st.data())
@STEADY
def test_tokens_end_alike_by_either_route(data: st.DataObject) -> None:
    """Whatever holder and issuer write into theirs, whatever is disclosed, and however it is spelled."""
    nonce = f"nonce-{next(_NONCES)}"
    inner = Token.read(str(TOKENS[0]))
    outer = Token.read(str(WORLD.present(TOKENS, WORLD.agent, challenge=nonce, form="vp+jwt")))
    for _ in range(data.draw(st.integers(0, 2))):
        whole = data.draw(st.sampled_from([inner.payload, outer.payload, inner.header, outer.header]))
        place = at(whole, data.draw(st.sampled_from([(), *_PLACES, ("verifiableCredential", 0)])))
        name = data.draw(st.sampled_from([*_NAMES, *_LINK_NAMES, *_TOKEN_NAMES]))
        if type(place) is dict:
            place.pop(name, None)
            value = data.draw(st.sampled_from([*_VALUES, *_TOKEN_VALUES]))
            if value is not _GONE:
                place[name] = value
    given = inner.disclosures or []
    shown = data.draw(st.sampled_from([given, given, given, [], [*given, *given], [*given, "WyJ4IiwxXQ"], ["x"]]))
    body, head = encode(inner.payload), encode(inner.header)
    if data.draw(st.booleans()):
        old, new = data.draw(st.sampled_from(_SPELLINGS))
        body = body.replace(old, new, data.draw(st.sampled_from([1, -1])))
    link = seal(head, body, WORLD.acme, shown)
    inside = outer.payload.get("verifiableCredential")
    for each in inside if type(inside) is list else ():
        if type(each) is dict and type(each.get("id")) is str and data.draw(st.booleans()):
            each["id"] = f"data:application/vc+sd-jwt,{link}"
    body = encode(outer.payload)
    if data.draw(st.booleans()):
        old, new = data.draw(st.sampled_from(_SPELLINGS))
        body = body.replace(old, new, data.draw(st.sampled_from([1, -1])))
    both(seal(encode(outer.header), body, WORLD.agent, None).encode(), nonce, http=False)


@pytest.mark.parametrize("http", [False, True])
def test_tokens_that_we_write_have_the_closed_form(taken: list[str], http: bool) -> None:
    """So the typed route is the one they are read by; and it ends well."""
    nonce = f"nonce-{next(_NONCES)}"
    text = WORLD.present(TOKENS, WORLD.agent, challenge=nonce, form="vp+jwt", http=HTTP if http else None)

    assert "accepted" == both(str(text).encode(), nonce, http=http)["outcome"]  # type: ignore[index]  # an object
    assert ["token", "token link"] == taken


@pytest.mark.parametrize("http", [False, True])
def test_what_our_wallets_write_has_the_closed_form(taken: list[str], http: bool) -> None:
    """So the typed route is the one they are read by; and it ends well."""
    nonce = f"nonce-{next(_NONCES)}"
    text = encode(honest(nonce, http=http))

    assert "accepted" == both(text, nonce, http=http)["outcome"]  # type: ignore[index]  # an object
    assert ["link", "presentation"] == taken


@pytest.mark.parametrize("form", FORMS)
def test_members_stand_in_the_order_of_their_names(form: Any) -> None:  # noqa: ANN401  # a struct
    """So that what is written of a form is its RFC 8785 form."""
    names = [each for each in form.__struct_encode_fields__ if each]

    assert sorted(names) == names


def test_no_character_is_written_longer_than_it_can_be_spelled() -> None:
    """On this it rests that a text as long as what is written of its value is spelled as that is."""
    short = dict.fromkeys('"\\\b\f\n\r\t', 2)
    for code in range(0x110000):
        character = chr(code)
        if not 0xD800 <= code < 0xE000:
            spelled = short.get(character, 1 if 0x20 <= code < 0x80 else 6 if code < 0x10000 else 12)
            assert len(encode(character)) <= spelled + 2


@pytest.mark.parametrize("text", ["1.0", "1e9", "17955216e2", "01", "+1", '"\x01"', '"\ud800"'])
def test_no_number_or_control_character_is_read_in_another_spelling(text: str) -> None:
    """As above: what is written of them would be longer."""
    for kind in (int, str):
        with pytest.raises((DecodeError, UnicodeError)):
            decode(text.encode("utf-8", "surrogatepass"), type=kind)


def test_an_envelope_that_is_known_is_no_bare_token() -> None:
    """What was read of an envelope says nothing of its `id` handed in by itself."""
    verifier = WORLD.verifier(memory=Memory())
    for _ in range(3):
        nonce = f"nonce-{next(_NONCES)}"
        presented = str(WORLD.present(TOKENS, WORLD.agent, challenge=nonce, form="vp+jwt"))
        verifier.verify(presented.encode(), challenge=nonce)
    url = f"data:application/vc+sd-jwt,{TOKENS[0]}"
    with pytest.raises(AgentdidError):
        verifier.verify_credential(encode([url]))
    assert verifier.verify_credential(str(TOKENS[0])).code is None


@pytest.mark.parametrize(("old", "new"), _SPELLINGS)
def test_another_spelling_is_not_the_closed_form(old: bytes, new: bytes, taken: list[str]) -> None:
    """A second reader could take it otherwise, so the strict parser looks at it."""
    nonce = f"nonce-{next(_NONCES)}"
    text = encode(honest(nonce, http=False))
    other = text.replace(old, new, 1)
    both(other, nonce, http=False)

    assert other == text or {"link", "presentation"} != set(taken)
