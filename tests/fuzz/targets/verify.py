"""The verifier as a whole, for what strangers send and for what real keys signed.

Two kinds of input. `verify-presentation` and `verify-credential` take bytes as they come: nothing but the seeds
themselves is ever accepted, because every byte of them that says something is signed. `verify-signed` takes a plan of a
presentation, in JSON, that is signed as it stands, so that what is behind the signatures is reached: an issuer and a
holder may write what they like.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from agentdid.codec.base import decode_base64url, encode_base64url, encode_multibase
from agentdid.codec.strict_json import encode, parse_object
from agentdid.delegation.usage import Request
from agentdid.errors import AgentdidError, Malformed
from agentdid.limits import DEFAULT
from agentdid.verify.explain import explain
from agentdid.verify.structure import read_credential
from tests.forgery import policy, prove, seal
from tests.fuzz import material
from tests.fuzz.target import Target, hold
from tests.jsonld_mutations import normal
from tests.world import RESOURCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentdid.trust.anchors import Trust
    from agentdid.verifier.service import Verifier
    from agentdid.verify.report import Report

_REQUEST: Final = Request("http", "invoice.read", f"{RESOURCE}/7", {})
_FAMILIES: Final = frozenset({"accepted", "refused", "malformed", "undecided"})


@cache
def _trust() -> Trust:
    here = material.world()
    parties = [here.party("signer", algorithm=each) for each in ("P-256", "ML-DSA-44", "BLS12-381-G2")]
    table = policy(here)
    table["anchor"] = [
        *table["anchor"],
        *({"did": each.did, "types": ["BadgeCredential", "VerifiableCredential"]} for each in parties),
    ]  # type: ignore[misc]
    return here.trust(**table)


def _verifier() -> Verifier:
    """A verifier that remembers nothing of the input before."""
    return material.world().verifier(trust=_trust())


def _hold_report(report: Report) -> None:
    hold(report.outcome in _FAMILIES, "an outcome of no family")
    hold((report.code is None) == (report.outcome == "accepted"), "a code and an acceptance, or neither")
    outcomes = [each.outcome for each in report.checks]
    passed = [each for each in outcomes if each == "passed"]
    hold(outcomes[: len(passed)] == passed, "a check passed behind one that did not")
    json.dumps(report.encode())


def _presentation(data: bytes) -> None:
    report = _verifier().inspect(data, holder=True, challenge=material.CHALLENGE, request=_REQUEST)
    _hold_report(report)
    if report.outcome == "accepted":
        hold(_meaning(data) in _meanings(), "a presentation that nobody signed was accepted")


def _credential(data: bytes) -> None:
    report = _verifier().inspect(data, holder=False)
    _hold_report(report)
    if report.outcome == "accepted":
        hold(_meaning(data) in _meanings(), "a credential that nobody signed was accepted")


def _explain(data: bytes) -> None:
    said = explain(data)
    hold(said["verified"] is False, "believed")
    json.dumps(said)


def _meaning(data: bytes) -> object:
    """What an input says, apart from what nobody signs: white space, the order of members, which disclosures came."""
    text = data.strip()
    if text[:1] != b"{":
        return text.partition(b"~")[0]
    document: dict[str, Any] = parse_object(text).value  # type: ignore[assignment]  # an object
    proofs = document.get("proof")
    for each in proofs if isinstance(proofs, list) else [proofs]:
        if not each["cryptosuite"].startswith("eddsa"):
            del each["proofValue"]  # made with chance: another process has made another
    return repr(normal(document))


@cache
def _meanings() -> frozenset[object]:
    return frozenset(_meaning(each) for each in (*material.presentations(), *_credentials()))


def _credentials() -> Iterator[bytes]:
    yield from (material.secured(form) for form in (*material.TOKENS, *material.PROOFS, *material.DERIVED))
    for form in ("vc+sd-jwt", "eddsa-jcs-2022"):
        yield from (each.encode() if isinstance(each, str) else encode(each) for each in material.chain(form))


# --- signed as it stands ---------------------------------------------------------------------------------------------


def _signed(data: bytes) -> None:
    plan: dict[str, Any] = parse_object(data).value  # type: ignore[assignment]  # an object
    try:
        presentation = _build(plan)
    except (Malformed, KeyError, TypeError, ValueError, AttributeError):
        return  # no plan
    report = _verifier().inspect(presentation, holder=True, challenge=material.CHALLENGE, request=_REQUEST)
    _hold_report(report)
    if report.outcome == "accepted":
        _hold_permitted(plan)


def _build(plan: dict[str, Any]) -> bytes:
    """Sign what a plan says; links name their parent where it says `$parent`."""
    here = material.world()
    parties = {"acme": here.acme, "agent": here.agent, "helper": here.helper, "stranger": here.stranger}
    form, links, above = plan["form"], [], None
    for each in plan["links"]:
        signer = parties[each["by"]]
        document = each["document"]
        capability = _find(document, "credentialSubject", "capability")
        if isinstance(capability, dict) and capability.get("parent") == "$parent":
            capability["parent"] = above
        if form == "jwt":
            text = seal(
                encode(each["header"]),
                encode(document),
                signer,
                [encode_base64url(encode(one)) for one in each["disclosures"]],
            )
            links.append(
                {
                    "@context": "https://www.w3.org/ns/credentials/v2",
                    "type": "EnvelopedVerifiableCredential",
                    "id": f"data:application/vc+sd-jwt,{text}",
                }
            )
            digest = _digest(text)
        else:
            made = prove(document, signer, **each["header"])
            links.append(made)
            digest = _digest(made)
        above = {"id": document.get("id"), "digestMultibase": encode_multibase(b"\x12\x20" + digest, "u")}
    holder = parties[plan["holder"]]
    shown = dict(plan["presentation"])
    if shown.get("verifiableCredential") == "$links":
        shown["verifiableCredential"] = links
    if form == "jwt":
        return seal(encode(plan["header"]), encode(shown), holder).encode()
    return encode(prove(shown, holder, **plan["header"]))


def _find(value: Any, *names: str) -> Any:  # noqa: ANN401  # JSON
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _digest(wire: str | dict[str, Any]) -> bytes:
    try:
        return read_credential(wire, plain=False, limits=DEFAULT).digest
    except AgentdidError:
        return bytes(32)


def _hold_permitted(plan: dict[str, Any]) -> None:
    """What was accepted says so itself: every link grants the action on the resource, to the one who signs next."""
    holders = [each["by"] for each in plan["links"][1:]] + [plan["holder"]]
    here = material.world()
    hold(plan["links"][0]["by"] == "acme", "a root by somebody who is trusted for nothing")
    for each, holder in zip(plan["links"], holders, strict=True):
        document = each["document"]
        subject = document["credentialSubject"]
        hold(subject["id"] == getattr(here, holder).did, "a link for one, used by another")
        grants = [
            *subject["capability"]["grants"],
            *(one[-1] for one in each.get("disclosures", ()) if isinstance(one[-1], dict)),
        ]
        hold(any(_grants(one) for one in grants), "what no grant permits was accepted")
        hold(document["validFrom"][:19] <= "2026-11-24T12:01:00", "accepted before it began")


def _grants(grant: Any) -> bool:  # noqa: ANN401  # JSON
    return (
        isinstance(grant, dict)
        and _REQUEST.action in grant.get("actions", ())
        and any(
            isinstance(each, str) and _REQUEST.resource.startswith(each.rstrip("/")[:20])
            for each in grant.get("resources", ())
        )
    )


def _plans() -> Iterator[bytes]:
    here = material.world()
    for form in ("jwt", "proof"):
        secured = "vc+sd-jwt" if form == "jwt" else "eddsa-jcs-2022"
        yield encode(_plan(form, list(here.root(form=secured)), ["acme"], "agent"))
        yield encode(_plan(form, list(material.chain(secured)), ["acme", "agent"], "helper"))
    hidden = here.root(disclosable=[("credentialSubject", "capability", "grants", 0)])
    yield encode(_plan("jwt", hidden, ["acme"], "agent"))


def _plan(form: str, chain: list[Any], signers: list[str], holder: str) -> dict[str, Any]:
    here = material.world()
    links: list[dict[str, Any]] = []
    for number, (each, signer) in enumerate(zip(chain, signers, strict=True)):
        link: dict[str, Any] = {"by": signer, "disclosures": []}
        if form == "jwt":
            token, *given, _ = each.split("~")
            head, body, _ = token.split(".")
            link |= {"header": json.loads(decode_base64url(head)), "document": json.loads(decode_base64url(body))}
            link["disclosures"] = [json.loads(decode_base64url(one)) for one in given]
        else:
            proof = each["proof"]
            link |= {
                "header": {"created": proof["created"]},
                "document": {name: one for name, one in each.items() if name != "proof"},
            }
        if number:
            link["document"]["credentialSubject"]["capability"]["parent"] = "$parent"
        links.append(link)
    shown = here.present(chain, getattr(here, holder), form="vp+jwt" if form == "jwt" else "eddsa-jcs-2022")
    if form == "jwt":
        head, body, _ = shown.split(".")
        header, presentation = json.loads(decode_base64url(head)), json.loads(decode_base64url(body))
    else:
        presentation = json.loads(shown)
        header = {
            name: one
            for name, one in presentation.pop("proof").items()
            if name not in ("proofValue", "type", "cryptosuite")
        }
    presentation["verifiableCredential"] = "$links"
    return {"form": form, "links": links, "holder": holder, "header": header, "presentation": presentation}


TARGETS: Final = (
    Target("verify-presentation", _presentation, material.presentations),
    Target("verify-credential", _credential, lambda: list(_credentials())),
    Target("verify-signed", _signed, lambda: list(_plans())),
    Target("explain", _explain, lambda: [*material.presentations(), *_credentials(), material.secured("vc+cose")]),
)
