"""The specifications: examples are real, pages show what the files say, and every number leads somewhere."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated

import httpx
import jsonschema
import pytest
from fastapi import Depends, FastAPI
from msgspec import structs

from agentdid import Grant, Request, Trust, Verifier
from agentdid.clock import FixedClock
from agentdid.codec.instant import parse_instant
from agentdid.codec.strict_json import parse
from agentdid.errors import AgentdidError, NonceReplayed
from agentdid.http import protect, require_capability
from agentdid.present.challenge import Challenge
from agentdid.present.exchange import content_digest, decode_authorization, encode_authorization, normalize_url
from agentdid.query.dcql import query_for_action
from agentdid.sources.source import RecordedSource
from agentdid.trust.anchors import UnsafeAnyIssuer
from agentdid.verify import flow
from agentdid.verify.case import HttpRequest
from agentdid.verify.decide import as_outcome
from agentdid.verify.evidence import replay
from tests.vectors_dir import ROOT
from tests.world import AUDIENCE, RESOURCE, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SPECS = ROOT / "specs"
EXAMPLES = SPECS / "examples"
LEFT_OUT = "…"
LETTERS = {
    "capability-credential.md": "C",
    "delegation.md": "D",
    "verification.md": "V",
    "presentation-over-http.md": "H",
    "evidence-bundle.md": "E",
    "approval.md": "A",
    "selective-disclosure.md": "S",
    "stapled-status.md": "T",
    "proof-sets.md": "P",
    "deny-list.md": "N",
    "trust-list.md": "L",
    "audit-log.md": "G",
    "decision-receipt.md": "R",
    "policy.md": "B",
}
AT = parse_instant("2026-11-01T12:00:00Z", "")
CHALLENGE = "bm90LXJhbmRvbS1hdC1hbGw"
REQUEST = Request("http", "invoice.read", "https://api.partner.example/v1/invoices/7", {"region": "EU"})

_SENTENCE = re.compile(r"^- \*\*([A-Z])([0-9]+)\*\* ", re.MULTILINE)
_SHOWN = re.compile(r"^<!-- example: (\S+)(?: (/\S+))? -->\n```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_NUMBERS = r"[ABCDEGHLNPRSTV][0-9]+(?:-[ABCDEGHLNPRSTV][0-9]+)?"
# a citation is a file of specs/ with its numbers, a check's row in verify.flow, or "Spec: V32" there
_CITED = re.compile(
    rf"(?:specs/[\w-]+\.md |Spec: |^    Check\(\"\w+\", \"|= Check\(\"\w+\", \")({_NUMBERS})", re.MULTILINE
)


def _verifier() -> Verifier:
    """Return the verifier of the examples: their policy, their sources, their instant."""
    source = RecordedSource.load(EXAMPLES / "sources.json", AT)
    return Verifier(Trust.load(EXAMPLES / "trust.toml"), source=source, clock=FixedClock(AT))


def _numbers(name: str) -> list[int]:
    """Return the numbers of a page's sentences, in their order."""
    return [int(number) for _, number in _SENTENCE.findall((SPECS / name).read_text("utf-8"))]


def _shown() -> list[tuple[str, str, str, str]]:
    """Return file, pointer, language and text of every example that a page shows."""
    return [found for name in LETTERS for found in _SHOWN.findall((SPECS / name).read_text("utf-8"))]


def _find_difference(shown: object, real: object, path: str = "") -> str | None:
    """Return where what is shown differs from what is, but for what is left out; `None` where nowhere."""
    if shown == LEFT_OUT:
        return None
    if isinstance(shown, dict) and isinstance(real, dict) and shown.keys() == real.keys():
        found = [_find_difference(shown[name], real[name], f"{path}/{name}") for name in shown]
        return next((each for each in found if each is not None), None)
    if isinstance(shown, list) and isinstance(real, list) and len(shown) == len(real):
        found = [_find_difference(*pair, f"{path}/{at}") for at, pair in enumerate(zip(shown, real, strict=True))]
        return next((each for each in found if each is not None), None)
    return None if type(shown) is type(real) and shown == real else path or "/"


def _citations() -> list[tuple[str, str]]:
    """Return file and number of every sentence that the source cites, both ends of a range."""
    found = []
    for file in sorted((ROOT / "src").rglob("*.py")):
        for cited in _CITED.findall(file.read_text("utf-8")):
            found += [(file.name, number) for number in cited.split("-")]
    return found


def test_every_page_has_its_letter() -> None:
    """A page of specs/ is one of these, and a sentence's letter is its page's."""
    letters = {
        path.name: {letter for letter, _ in _SENTENCE.findall(path.read_text("utf-8"))} for path in SPECS.glob("*.md")
    }

    assert {name: {letter} for name, letter in LETTERS.items()} == letters


@pytest.mark.parametrize("name", LETTERS)
def test_sentences_count_up(name: str) -> None:
    """The numbers of a page are unique and ascending from 1, with no gap."""
    numbers = _numbers(name)

    assert list(range(1, len(numbers) + 1)) == numbers


@pytest.mark.parametrize("name", LETTERS)
def test_a_page_is_one_page(name: str) -> None:
    """A page has at most 160 lines, and an example stands before the first sentence."""
    text = (SPECS / name).read_text("utf-8")

    assert len(text.splitlines()) <= 160
    assert 0 < text.index("<!-- example: ") < text.index("- **")


def test_every_cited_sentence_exists() -> None:
    """A number that the source cites is a sentence of specs/."""
    known = {f"{letter}{number}" for name, letter in LETTERS.items() for number in _numbers(name)}
    cited = _citations()

    assert [] == [each for each in cited if each[1] not in known]
    assert len(cited) > 60


def test_the_checks_cite_every_sentence_but_the_outcomes() -> None:
    """The recipes of verify.flow cover V1 to V39, in order; V36, V40 and V41 are about the decision, not a check."""
    covered: list[int] = []
    for check in flow.REQUEST:
        first, _, last = check.spec.removeprefix("V").partition("-V")
        covered += range(int(first), int(last or first) + 1)

    assert [each for each in range(1, 40) if each != 36] == sorted(set(covered))
    assert sorted(covered) == covered


@pytest.mark.parametrize("cited", sorted({each for _, each in _citations()}))
def test_a_citation_has_the_letter_of_its_page(cited: str) -> None:
    """`specs/delegation.md` is cited with D, and so on: a number under another page's name is a slip."""
    texts = "\n".join(file.read_text("utf-8") for file in (ROOT / "src").rglob("*.py"))
    pages = re.findall(rf"specs/([\w-]+\.md) (?:{_NUMBERS}-)?{cited}\b", texts)

    assert {cited[0]} >= {LETTERS[page] for page in pages}


def test_examples_are_up_to_date() -> None:
    """`make.py --check`: fixed keys, salts and instant give the files as they are."""
    done = subprocess.run(  # our own script
        [sys.executable, str(EXAMPLES / "make.py"), "--check"], check=False, capture_output=True, text=True
    )

    assert (0, "") == (done.returncode, done.stderr)


def test_vectors_are_up_to_date() -> None:
    """specs/vectors/make.py holds the implementation against what stands in it by hand, and the files say the same."""
    done = subprocess.run(
        [sys.executable, str(SPECS / "vectors" / "make.py"), "--check"], check=False, capture_output=True, text=True
    )

    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize(("name", "pointer", "language", "text"), _shown(), ids=lambda each: each[:40])
def test_what_a_page_shows_is_in_the_file(name: str, pointer: str, language: str, text: str) -> None:
    """A shown example equals its file, but for what `…` stands for."""
    content = (EXAMPLES / name).read_text("utf-8")
    if language == "json":
        real = json.loads(content)
        for step in pointer.split("/")[1:]:
            real = real[int(step)] if isinstance(real, list) else real[step]

        assert None is _find_difference(json.loads(text), real)
    else:
        pattern = ".*".join(re.escape(each) for each in text.split(LEFT_OUT))

        assert re.fullmatch(pattern, content) is not None


def test_every_page_shows_an_example() -> None:
    """No page is without a shown fixture, and each fixture that is shown is there."""
    pages = [name for name in LETTERS if _SHOWN.search((SPECS / name).read_text("utf-8"))]

    assert list(LETTERS) == pages
    assert [] == [name for name, *_ in _shown() if not (EXAMPLES / name).exists()]


def test_a_difference_is_found() -> None:
    """The comparison sees a changed value, a missing member and another type; `…` hides only its own place."""
    assert "/a/1" == _find_difference({"a": [1, 2], "b": LEFT_OUT}, {"a": [1, 3], "b": 4})
    assert "/a" == _find_difference({"a": {}}, {"a": {"b": 1}})
    assert "/" == _find_difference(1, True)


@pytest.mark.parametrize("name", ["capability-credential.json", "capability-credential.sd-jwt.txt", "delegation.json"])
def test_credential_examples_are_accepted(name: str) -> None:
    """The credential, in both forms, and the chain stand under the policy of the examples."""
    text = (EXAMPLES / name).read_text("utf-8").strip()
    value = text if text.startswith("ey") else parse(text).value
    decision = _verifier().verify_credential(value)  # type: ignore[arg-type]  # JSON values

    assert {"passed"} == {each.outcome for each in decision.checks}


def test_the_trust_list_example_lets_its_issuer() -> None:
    """trust-list.json lets acme start the example's chain under trust-list.toml, and under no policy without it."""
    credential = parse((EXAMPLES / "capability-credential.json").read_text("utf-8")).value
    source = RecordedSource.load(EXAMPLES / "sources.json", AT)
    trust = Trust.load(EXAMPLES / "trust-list.toml")
    decision = Verifier(trust, source=source, clock=FixedClock(AT)).verify_credential(credential)  # type: ignore[arg-type]
    nobody = Verifier(structs.replace(trust, lists=()), source=source, clock=FixedClock(AT))

    assert "trust list https://registry.example/trust/agents" in {each.by for each in decision.verified.freshness}
    assert "issuer_untrusted" == _refusal(lambda: nobody.verify_credential(credential))  # type: ignore[arg-type]
    shown = json.loads((EXAMPLES / "trust-list.json").read_text("utf-8"))
    schema = json.loads((SPECS / "schemas" / "trust-list-v1.schema.json").read_text("utf-8"))
    jsonschema.validate(shown["credentialSubject"]["trustList"], schema, jsonschema.Draft202012Validator)


def test_the_derived_example_is_accepted() -> None:
    """The derived credential holds for whoever believes its issuer."""
    shown = json.loads((EXAMPLES / "derived-ecdsa-sd-2023.json").read_text("utf-8"))
    verifier = Verifier(UnsafeAnyIssuer(), source=RecordedSource.load({}, AT), clock=FixedClock(AT))
    decision = verifier.verify_credential(shown)

    assert {"passed"} == {each.outcome for each in decision.checks}
    assert ["id", "name"] == sorted(shown["credentialSubject"])


@pytest.mark.parametrize("name", ["presentation.vp.jwt", "presentation-eddsa-jcs-2022.json"])
def test_presentation_examples_are_accepted_once(name: str) -> None:
    """Both forms of presentation permit the request, and neither permits it twice (V39)."""
    verifier = _verifier()
    presented = (EXAMPLES / name).read_text("utf-8").strip()
    grant = verifier.authorize(presented, challenge=CHALLENGE, request=REQUEST)

    assert ("read", "one") == tuple(each.id for each in grant.exercised)
    with pytest.raises(NonceReplayed) as refusal:
        verifier.authorize(presented, challenge=CHALLENGE, request=REQUEST)
    assert "nonce_replayed" == refusal.value.code


def _exchange() -> tuple[str, str, str, str]:
    """Return method, target, challenge and authorization of the example of presentation over HTTP."""
    call, answer, again = (EXAMPLES / "presentation-over-http.txt").read_text("utf-8").strip().split("\n\n")
    first, second = call.splitlines()[0], again.splitlines()[0]
    assert first == second  # the same request is sent again (H9)
    method, target, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in [*answer.splitlines()[1:], *again.splitlines()[1:]])
    return method, target, headers["WWW-Authenticate"], headers["Authorization"]


def test_the_exchange_is_accepted() -> None:
    """The example's challenge reads back (H1, H5), and what answers it permits this request (H8, H11)."""
    method, target, challenge, authorization = _exchange()
    found = Challenge.find([challenge])
    assert found is not None
    url = normalize_url(found.audience + target)
    found.check_for(url)
    grant = _verifier().authorize(
        decode_authorization(authorization), challenge=found.nonce, request=REQUEST, http=HttpRequest(method, url, None)
    )

    assert json.loads((EXAMPLES / "verification.json").read_text("utf-8")) == grant.encode()


def test_the_decoded_presentation_is_the_one_that_travels() -> None:
    """presentation-over-http.json is the payload of the token in presentation-over-http.txt."""
    *_, authorization = _exchange()
    _, payload, _ = decode_authorization(authorization).split(".")
    shown = json.loads((EXAMPLES / "presentation-over-http.json").read_text("utf-8"))

    assert shown == json.loads(_decoded(payload))


def test_the_bundle_replays() -> None:
    """The example of an evidence bundle leads to its own decision (E5, E8)."""
    bundle = json.loads((EXAMPLES / "evidence-bundle.json").read_text("utf-8"))

    assert bundle["decision"] == as_outcome(replay(bundle))


def _decoded(segment: str) -> bytes:
    from base64 import urlsafe_b64decode  # noqa: PLC0415  # not our decoder: what others would read

    return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def test_the_context_in_specs_is_the_one_in_the_package() -> None:
    """specs/contexts/agentdid-v1.jsonld and the shipped context are the same bytes."""
    packaged: Path = next((ROOT / "src").rglob("agentdid-v1.jsonld"))

    assert (SPECS / "contexts" / "agentdid-v1.jsonld").read_bytes() == packaged.read_bytes()


def _refusal(judge: Callable[[], object]) -> str:
    """Return the code that a judgement ends with."""
    with pytest.raises(AgentdidError) as refusal:
        judge()
    return refusal.value.code


def _changed(text: str, place: int) -> str:
    """Return the text with one character exchanged, for another of its alphabet."""
    return f"{text[:place]}{'A' if text[place] != 'A' else 'B'}{text[place + 1 :]}"


@pytest.mark.parametrize(
    ("code", "change"),
    [
        pytest.param("signature_invalid", lambda _, made: _changed(made(), -10), id="V15-signature_invalid"),
        pytest.param(
            "holder_binding_failed", lambda world, made: made(holder=world.stranger), id="V16-holder_binding_failed"
        ),
        pytest.param(
            "audience_mismatch", lambda _, made: made(audience="https://other.example"), id="V18-audience_mismatch"
        ),
        pytest.param(
            "invalid_domain_error",
            lambda _, made: made(audience="https://o.example", form="eddsa-jcs-2022"),
            id="V18-invalid_domain_error",
        ),
        pytest.param("nonce_mismatch", lambda _, made: made(challenge="another"), id="V20-nonce_mismatch"),
        pytest.param(
            "invalid_challenge_error",
            lambda _, made: made(challenge="another", form="eddsa-jcs-2022"),
            id="V20-invalid_challenge_error",
        ),
        pytest.param("expired", lambda world, made: made(at=world.now - timedelta(seconds=121)), id="V21-expired"),
        pytest.param(
            "issued_in_future",
            lambda world, made: made(at=world.now + timedelta(seconds=61)),
            id="V21-issued_in_future",
        ),
        pytest.param(
            "holder_binding_failed",
            lambda _, made: made(http=HttpRequest("GET", RESOURCE, None)),
            id="V22-holder_binding_failed",
        ),
    ],
)
def test_a_presentation_that_departs_from_a_sentence(
    code: str, change: Callable[[World, Callable[..., str]], str]
) -> None:
    """Each sentence about the holder has its code, and nothing was consumed (V40): the right one is accepted after."""
    world = World()
    verifier, chain = world.verifier(), world.root()
    request = Request("http", "invoice.read", f"{RESOURCE}/7")
    wrong = change(world, partial(world.present, chain))

    assert code == _refusal(lambda: verifier.authorize(wrong, challenge="n-0S6_WzA2Mj", request=request))
    right = verifier.authorize(world.present(chain), challenge="n-0S6_WzA2Mj", request=request)
    assert right.agent == world.agent.did


def test_a_capability_for_another_verifier() -> None:
    """`audience` of a link must have the verifier's own DID (V19)."""
    world = World()
    chain = world.root(capability=world.capability(audience=[world.stranger.did]))

    assert "audience_mismatch" == _refusal(
        lambda: world.verifier().verify(world.present(chain), challenge="n-0S6_WzA2Mj")
    )


@pytest.mark.parametrize(
    ("code", "request_"),
    [
        ("capability_target_mismatch", Request("http", "invoice.list", f"{RESOURCE}/7")),
        ("issuer_untrusted", Request("http", "payment.send", f"{RESOURCE}/7")),
        ("capability_target_mismatch", Request("http", "invoice.read", f"{AUDIENCE}/v1/payments")),
        ("chain_root_untrusted", Request("http", "invoice.read", "https://elsewhere.example/v1/invoices/7")),
        ("chain_root_untrusted", Request("http", "invoice.read", f"{RESOURCE}/../payments")),
    ],
)
def test_a_request_outside_the_capability(code: str, request_: Request) -> None:
    """Another action, one no anchor covers, another resource, another owner's, a crooked one (V5, V8, V34, D21-D23)."""
    world = World()
    presented = world.present(world.root())

    assert code == _refusal(lambda: world.verifier().authorize(presented, challenge="n-0S6_WzA2Mj", request=request_))


def test_nobody_is_asked_before_the_root_is_trusted() -> None:
    """A chain by somebody whom the policy does not name causes no fetch at all (V8, V11)."""
    world = World()
    mallory = world.party("mallory", method="web")
    chain = world.root(mallory, capability=world.capability(principal=mallory.did))

    assert "issuer_untrusted" == _refusal(lambda: world.verifier().verify_credential(chain))  # type: ignore[arg-type]
    assert [] == world.asked


def test_an_empty_policy_denies() -> None:
    """Without a word of trust nothing is accepted (V9)."""
    world = World()
    nobody = world.trust(resource=[], anchor=[])

    assert "chain_root_untrusted" == _refusal(
        lambda: world.verifier(trust=nobody).verify_credential(world.root())  # type: ignore[arg-type]
    )


def test_status_fails_closed() -> None:
    """A list that is missing, old, or has the bit set; of the leaf and of a link above (V25, V29, V30, V31)."""
    world = World()
    root = world.root()
    below = world.child(root, world.agent, world.helper)
    world.acme.revoked.add(7)
    world.publish(world.acme)
    revoked = [_refusal(partial(world.verifier().verify_credential, chain)) for chain in (root, below)]  # type: ignore[arg-type]
    world.publish(world.acme, signed_at=world.now - timedelta(seconds=61))
    stale = _refusal(lambda: world.verifier().verify_credential(root))  # type: ignore[arg-type]
    del world.served[world.acme.list_url]
    missing = _refusal(lambda: world.verifier().verify_credential(root))  # type: ignore[arg-type]

    assert ["status_revoked", "chain_parent_revoked", "status_stale", "status_unavailable"] == [
        *revoked,
        stale,
        missing,
    ]


def test_what_needs_more_than_a_presentation() -> None:
    """A limit without room, an approval that is not there, and security that is not built (D27-D30, V4)."""
    world = World()
    request = Request("http", "invoice.read", f"{RESOURCE}/7")
    counted = world.grant(limits={"calls": {"max": 0, "window": "PT1H"}})
    watched = world.grant(approval={"when": "always", "approvers": [world.acme.did], "threshold": 1})
    codes = []
    for capability in (
        world.capability(grants=[counted]),
        world.capability(grants=[watched]),
        world.capability(minSecurity="hybrid"),
    ):
        presented = world.present(world.root(capability=capability))
        judge = partial(world.verifier().authorize, presented, challenge="n-0S6_WzA2Mj", request=request)
        codes.append(_refusal(judge))

    assert ["limit_exceeded", "approval_required", "hybrid_component_missing"] == codes


def test_a_decision_ends_when_its_evidence_does() -> None:
    """`permits` is false after `safe_until` (V36), and asks for `authorize` where limits apply."""
    world = World()
    request = Request("http", "invoice.read", f"{RESOURCE}/7")
    decision = world.verifier().verify_credential(world.root())  # type: ignore[arg-type]
    counted = world.capability(grants=[world.grant(limits={"calls": {"max": 1, "window": "PT1H"}})])
    limited = world.verifier().verify_credential(world.root(capability=counted))  # type: ignore[arg-type]

    assert world.now + timedelta(seconds=60) == decision.safe_until
    assert (True, False) == (
        decision.permits(request),
        decision.permits(request, at=decision.safe_until + timedelta(seconds=1)),
    )
    assert "authorization_required" == _refusal(lambda: limited.permits(request))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("answers", 0, "need", "did"), "did:web:other.example"),
        (("answers", 3, "reply"), "replayed"),
        (("decision", "outcome"), "refused"),
        (("question", "request", "action"), "invoice.list"),
    ],
)
def test_a_changed_bundle_does_not_replay(place: tuple[str | int, ...], value: str) -> None:
    """Another need, answer, decision or question is `evidence_mismatch` (E6, E8)."""
    bundle = json.loads((EXAMPLES / "evidence-bundle.json").read_text("utf-8"))
    holder = bundle
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = value

    assert "evidence_mismatch" == _refusal(lambda: replay(bundle))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("answers", 1, "reply"), "taken"),
        (("answers", 1, "reply"), []),
        (("answers", 0, "reply", "heldAt"), "2026-11-01T12:00:00"),
        (("question", "at"), "2026-11-01T12:00:00"),
        (("question", "environment"), 7),
        (("question", "trust", "audience"), ["https://api.partner.example"]),
        (("question", "trust", "resources"), {"https://api.partner.example/": 7}),
    ],
)
def test_a_bundle_of_other_types_is_none(place: tuple[str | int, ...], value: object) -> None:
    """What was not written so is no bundle, or leads to another decision: never a defect (E5)."""
    bundle = json.loads((EXAMPLES / "evidence-bundle.json").read_text("utf-8"))
    holder = bundle
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = value

    assert _refusal(lambda: replay(bundle)) in {"type_mismatch", "evidence_mismatch"}


def test_a_bundle_with_an_answer_less_does_not_replay() -> None:
    """A need for which nothing is recorded is `evidence_mismatch` (E7)."""
    bundle = json.loads((EXAMPLES / "evidence-bundle.json").read_text("utf-8"))
    bundle["answers"].pop()

    assert "evidence_mismatch" == _refusal(lambda: replay(bundle))


def test_a_bundle_with_an_answer_more_does_not_replay() -> None:
    """A record that nothing asks for is `evidence_mismatch` (E7)."""
    bundle = json.loads((EXAMPLES / "evidence-bundle.json").read_text("utf-8"))
    bundle["answers"].append(bundle["answers"][-1])

    assert "evidence_mismatch" == _refusal(lambda: replay(bundle))


@pytest.mark.parametrize("bundle", [None, [], {"type": "AgentdidEvidence", "version": 2}, {"type": "AgentdidEvidence"}])
def test_what_is_no_bundle_is_not_replayed(bundle: object) -> None:
    """Another shape or version is `type_mismatch` (E5)."""
    assert "type_mismatch" == _refusal(lambda: replay(bundle))


@pytest.mark.parametrize(
    "challenge",
    [
        Challenge("n", "https://other.example"),
        Challenge("n", "http://api.partner.example"),
        Challenge("n", AUDIENCE, "https://other.example/dcql"),
    ],
)
def test_a_challenge_for_another_origin_is_not_answered(challenge: Challenge) -> None:
    """An audience or a query elsewhere than where the client called is `audience_mismatch` (H5)."""
    assert "audience_mismatch" == _refusal(lambda: challenge.check_for(f"{RESOURCE}/7"))


def _api(world: World) -> FastAPI:
    """Return a partner's API over a world."""
    api = FastAPI()
    protect(api, world.verifier())

    @api.api_route("/v1/invoices/{number}", methods=["GET", "POST"])
    async def invoice(grant: Annotated[Grant, Depends(require_capability("invoice.read"))]) -> dict[str, object]:
        return {"agent": grant.agent}

    return api


def _call(api: FastAPI, *calls: tuple[str, str, dict[str, str] | list[tuple[str, str]], bytes]) -> list[httpx.Response]:
    """Return the answers to some calls at the partner's origin."""

    async def run() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url=AUDIENCE) as client:
            return [
                await client.request(method, target, headers=headers, content=body)
                for method, target, headers, body in calls
            ]

    return asyncio.run(run())


def _answer_to(world: World, response: httpx.Response, http: HttpRequest | None) -> dict[str, str]:
    """Return the header that answers a challenge."""
    challenge = Challenge.find(response.headers.get_list("WWW-Authenticate"))
    assert challenge is not None
    return {"Authorization": encode_authorization(world.present(world.root(), challenge=challenge.nonce, http=http))}


def test_a_call_without_a_presentation_is_challenged() -> None:
    """401, no-store, nonce, audience and a query that can be read (H1, H3); the answer lets the call in (H9)."""
    world = World()
    api = _api(world)
    (first,) = _call(api, ("GET", "/v1/invoices/7", {}, b""))
    challenge = Challenge.find(first.headers.get_list("WWW-Authenticate"))
    assert challenge is not None
    assert challenge.dcql is not None
    answer = _answer_to(world, first, HttpRequest("GET", f"{RESOURCE}/7", None))
    query, second, again = _call(
        api,
        ("GET", challenge.dcql, {}, b""),
        ("GET", "/v1/invoices/7", answer, b""),
        ("GET", "/v1/invoices/7", answer, b""),
    )

    assert (401, "presentation_required", "no-store", AUDIENCE) == (
        first.status_code, first.json()["code"], first.headers["Cache-Control"], challenge.audience,
    )  # fmt: skip
    assert query_for_action("invoice.read") == query.json()
    assert (200, {"agent": world.agent.did}) == (second.status_code, second.json())
    # H14: what a new presentation can cure comes with a new challenge
    assert (401, "nonce_replayed") == (again.status_code, again.json()["code"])
    assert challenge.nonce not in again.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("signed", "call", "code"),
    [
        (HttpRequest("GET", f"{RESOURCE}/7", None), ("POST", "/v1/invoices/7", b""), "holder_binding_failed"),
        (HttpRequest("GET", f"{RESOURCE}/7", None), ("GET", "/v1/invoices/8", b""), "holder_binding_failed"),
        (HttpRequest("GET", f"{RESOURCE}/7", None), ("GET", "/v1/invoices/7?amount=9", b""), "holder_binding_failed"),
        (
            HttpRequest("POST", f"{RESOURCE}/7", content_digest(b"a")),
            ("POST", "/v1/invoices/7", b"b"),
            "holder_binding_failed",
        ),
        (None, ("GET", "/v1/invoices/7", b""), "holder_binding_failed"),
    ],
)
def test_a_presentation_serves_one_request(signed: HttpRequest | None, call: tuple[str, str, bytes], code: str) -> None:
    """Another method, path, query or body than was signed, or none, is refused with 403 (H8, H11, H15)."""
    world = World()
    api = _api(world)
    (first,) = _call(api, ("GET", "/v1/invoices/7", {}, b""))
    method, target, body = call
    (second,) = _call(api, (method, target, _answer_to(world, first, signed), body))

    assert (403, code) == (second.status_code, second.json()["code"])


def test_the_host_header_counts_for_nothing() -> None:
    """`htu` is compared with the configured audience, whatever Host says (H11)."""
    world = World()
    api = _api(world)
    (first,) = _call(api, ("GET", "/v1/invoices/7", {}, b""))
    headers = _answer_to(world, first, HttpRequest("GET", f"{RESOURCE}/7", None)) | {"Host": "other.example"}
    (second,) = _call(api, ("GET", "/v1/invoices/7", headers, b""))

    assert 200 == second.status_code


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ([("Authorization", "AgentVP eyJ"), ("Authorization", "AgentVP eyJ")], 400, "header_invalid"),
        ([("Authorization", f"AgentVP {'A' * 32_768}")], 413, "input_too_large"),
        ([("Authorization", "AgentVP a===")], 400, "encoding_invalid"),
        ([("Authorization", "Bearer abc")], 401, "presentation_required"),
    ],
)
def test_headers_that_carry_no_presentation(headers: list[tuple[str, str]], status: int, code: str) -> None:
    """Two, one too long, one of another spelling, another scheme (H1, H10, H15)."""
    (answer,) = _call(_api(World()), ("GET", "/v1/invoices/7", headers, b""))

    assert (status, code) == (answer.status_code, answer.json()["code"])
    assert "application/problem+json" == answer.headers["Content-Type"]


def test_what_cannot_be_decided_is_503() -> None:
    """A status list that is not there (H15)."""
    world = World()
    api = _api(world)
    del world.served[world.acme.list_url]
    (first,) = _call(api, ("GET", "/v1/invoices/7", {}, b""))
    answer = _answer_to(world, first, HttpRequest("GET", f"{RESOURCE}/7", None))
    (second,) = _call(api, ("GET", "/v1/invoices/7", answer, b""))

    assert (503, "status_unavailable") == (second.status_code, second.json()["code"])
