"""ATTACKS layers G and F on derived proofs, B11, E14 and E20: each its code, through library and command line."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

from agentdid.codec.base import decode_multibase, encode_multibase
from agentdid.codec.cbor import decode_cbor, encode_cbor
from agentdid.codec.strict_json import encode
from agentdid.did.document import build_document
from agentdid.errors import CODES, Malformed, ProofSuiteUnsupported
from agentdid.keys.bls import ORDER
from agentdid.keys.secret import SecretKey
from agentdid.proof import bbs2023, ecdsa_sd
from agentdid.proof.suites import SELECTIVE
from agentdid.secure import derivation
from tests.attacks.test_suites import CHANGES, SAME_STATEMENTS, acme
from tests.forgery import CHALLENGE, acme_document, flip, policy, prove
from tests.world import NOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.forgery import Faces, Verdict
    from tests.world import World

SD, BBS = ecdsa_sd.NAME, bbs2023.NAME
SUITES = {SD: ecdsa_sd, BBS: bbs2023}
CLAIMS = {"name": "Ada", "description": "keeps books", "mediaType": "text/plain"}
HIDDEN: list[tuple[str | int, ...]] = [("credentialSubject", name) for name in CLAIMS]
INVALID = ("refused", "signature_invalid")
MALFORMED = ("malformed", "derived_proof_malformed")
each_suite = pytest.mark.parametrize("name", SELECTIVE)


def base(world: World, name: str, **options: Any) -> dict[str, Any]:  # noqa: ANN401  # what `World.root` takes
    """Return acme's capability credential for the agent, with its base proof."""
    acme(world, SELECTIVE[name].algorithms[0])
    (signed,) = world.root(form=name, **{"claims": CLAIMS, "disclosable": HIDDEN, **options})
    assert isinstance(signed, dict)
    return signed


def derive(signed: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return what shows these claims of the subject."""
    pointers = [f"/credentialSubject/{name}" for name in names]
    return derivation.derive(signed, pointers, presentation_header=derivation.bind("https://x.example", "c"))


def octets(document: dict[str, Any]) -> bytes:
    """Return a document's proof value."""
    return decode_multibase(document["proof"]["proofValue"])


def with_octets(document: dict[str, Any], raw: bytes) -> dict[str, Any]:
    """Return it with another proof value."""
    return {**document, "proof": {**document["proof"], "proofValue": encode_multibase(raw, "u")}}


def with_parts(document: dict[str, Any], change: Callable[[list[Any]], object]) -> dict[str, Any]:
    """Return it with the elements of its proof value changed in place."""
    raw = octets(document)
    parts: Any = decode_cbor(raw[3:])
    change(parts)
    return with_octets(document, raw[:3] + encode_cbor(parts))


def early(verdict: Verdict) -> tuple[str, str | None, tuple[str, ...]]:
    """Return what was said, and hold that it was said before anybody was asked."""
    assert "structure" == verdict.check
    return *verdict.answer, verdict.asked


@each_suite
@pytest.mark.parametrize("shown", [(), ("name",), ("name", "description", "mediaType")])
def test_derived_proofs_are_accepted(world: World, faces: Faces, name: str, shown: tuple[str, ...]) -> None:
    """Whatever of the claims is shown."""
    document = derive(base(world, name), *shown)

    assert {"id", "capability", *shown} == set(document["credentialSubject"])
    assert ("accepted", None) == faces(document).answer


@each_suite
def test_g01_a_base_proof(world: World, faces: Faces, name: str) -> None:
    """G01: alone or in a presentation, a base proof is its holder's."""
    signed = base(world, name)
    presentation = world.present([signed], challenge=CHALLENGE)

    assert ("refused", "base_proof_presented", ()) == early(faces(signed))
    assert ("refused", "base_proof_presented", ()) == early(faces(presentation, challenge=CHALLENGE))


@each_suite
def test_g01_a_status_list(world: World, faces: Faces, name: str) -> None:
    """G01: the list of a status is no exception."""
    document = derive(base(world, name))
    listed: Any = json.loads(world.served[world.acme.list_url].body)  # type: ignore[union-attr]  # it was served
    del listed["proof"]
    signed = derivation.add_base_proof(
        listed, world.acme.secret, world.acme.method_id, name, pointers=["/issuer"], created=NOW
    )
    world.serve(world.acme.list_url, encode(signed))

    assert ("refused", "status_verification_error") == faces(document).answer


@each_suite
@pytest.mark.parametrize("last", range(10))
def test_g02_another_header(world: World, faces: Faces, name: str, last: int) -> None:
    """G02: the header of another suite or feature; that of a base proof is one."""
    document = derive(base(world, name), "name")
    own, raw = SUITES[name], octets(document)
    verdict = faces(with_octets(document, raw[:2] + bytes((last,)) + raw[3:]))

    if last == own.DERIVED[2]:
        assert ("accepted", None) == verdict.answer
    elif last == own.BASE[2]:
        assert ("refused", "base_proof_presented", ()) == early(verdict)
    else:
        assert (*MALFORMED, ()) == early(verdict)


@each_suite
@pytest.mark.parametrize("raw", [b"", b"\xd9", b"\xd9\x5d", b"\0\0\0", b"\x80"])
def test_g02_no_header(world: World, faces: Faces, name: str, raw: bytes) -> None:
    """G02: nor less than one."""
    assert (*MALFORMED, ()) == early(faces(with_octets(derive(base(world, name)), raw)))


@each_suite
@pytest.mark.parametrize("left", ["/validUntil", "/credentialStatus", "/issuer", "/credentialSubject/capability"])
def test_g04_what_is_judged_could_be_hidden(world: World, faces: Faces, name: str, left: str) -> None:
    """G04: an issuer that lets it be hidden is refused by what still stands there; where it is hidden, by its lack."""
    whole = base(world, name)
    body = {member: each for member, each in whole.items() if member != "proof"}
    pointers = ["/issuer", "/validFrom", "/validUntil", "/credentialStatus", "/credentialSubject/capability"]
    pointers.remove(left)
    signed = derivation.add_base_proof(
        body, world.acme.secret, world.acme.method_id, name, pointers=pointers, created=NOW
    )
    hidden = {"/credentialStatus": "status_unavailable"}.get(left, "type_mismatch")

    assert ("refused", "mandatory_missing", ()) == early(faces(derivation.derive(signed, [left])))
    assert hidden == faces(derivation.derive(signed, [])).code


@each_suite
@pytest.mark.parametrize("old_jwts", [False, True])
def test_g04_an_issuance_date_that_is_hidden(world: World, name: str, old_jwts: bool) -> None:
    """G04 in VCDM 1.1: from when it counts must be seen, and reading its JWTs as well changes nothing of that."""
    acme(world, SELECTIVE[name].algorithms[0])
    document = {
        "@context": ["https://www.w3.org/2018/credentials/v1"], "type": ["VerifiableCredential"],
        "issuer": world.acme.did, "issuanceDate": "2020-01-01T00:00:00Z",
        "credentialSubject": {"id": world.agent.did},
    }  # fmt: skip
    signed = derivation.add_base_proof(
        document, world.acme.secret, world.acme.method_id, name, pointers=["/issuer", "/credentialSubject/id"],
        created=NOW,
    )  # fmt: skip
    verifier = world.verifier(trust=world.trust(**policy(world, vc_jwt_1_1=old_jwts)))
    report = verifier.inspect(derivation.derive(signed, []))

    [refused] = [check for check in report.checks if check.code]

    assert refused.code == "type_mismatch"
    assert "issuanceDate" in refused.detail


@each_suite
@pytest.mark.parametrize("part", ["/credentialStatus/statusListIndex", "/credentialStatus/statusPurpose"])
def test_g04_parts_of_what_is_judged(world: World, faces: Faces, name: str, part: str) -> None:
    """G04: a status of which a part could be hidden is none either."""
    whole = base(world, name)
    body = {member: each for member, each in whole.items() if member != "proof"}
    status = [f"/credentialStatus/{each}" for each in body["credentialStatus"] if each not in ("id", "type")]
    status.remove(part)
    pointers = ["/issuer", "/validFrom", "/validUntil", *status, "/credentialSubject/capability"]
    signed = derivation.add_base_proof(
        body, world.acme.secret, world.acme.method_id, name, pointers=pointers, created=NOW
    )

    assert ("refused", "mandatory_missing", ()) == early(faces(derivation.derive(signed, [part])))


SHAPES: dict[str, dict[str, Callable[[list[Any]], object]]] = {
    SD: {
        "G06-short": lambda parts: parts[2].pop(),
        "G06-long": lambda parts: parts[2].append(parts[2][0]),
        "G06-none": lambda parts: parts[2].clear(),
        "G06-length": lambda parts: parts[2].__setitem__(0, parts[2][0][:-1]),
        "G06-type": lambda parts: parts[2].__setitem__(0, "x"),
        "G06-base": lambda parts: parts.__setitem__(0, parts[0] + b"\0"),
        "G07-value": lambda parts: parts[3].__setitem__(1, parts[3][0]),
        "G07-short": lambda parts: parts[3].__setitem__(0, parts[3][0][:-1]),
        "G07-text": lambda parts: parts[3].__setitem__(0, "uAAAA"),
        "key-curve": lambda parts: parts.__setitem__(1, b"\xed\x01" + parts[1][2:]),
        "key-point": lambda parts: parts.__setitem__(1, parts[1][:2] + b"\x02" + b"\xff" * 32),
        "key-short": lambda parts: parts.__setitem__(1, parts[1][:-1]),
    },
    BBS: {
        "G06-short": lambda parts: parts[3].pop(),
        "G06-long": lambda parts: parts[3].append(99),
        "G06-none": lambda parts: parts[3].clear(),
        "G06-order": lambda parts: parts[3].reverse(),
        "G07-value": lambda parts: parts[1].__setitem__(1, parts[1][0]),
        "G07-huge": lambda parts: parts[1].__setitem__(0, 2**64 - 1),
        "G07-large": lambda parts: parts[1].__setitem__(0, 0x10000),
        "G07-bytes": lambda parts: parts[1].__setitem__(0, b"\0"),
        "G07-negative": lambda parts: parts[1].__setitem__(0, -1),
        "G07-true": lambda parts: parts[1].__setitem__(0, True),
        "B11-long": lambda parts: parts.__setitem__(0, parts[0] + b"\0"),
        "B11-short": lambda parts: parts.__setitem__(0, parts[0][:-1]),
        "B11-tiny": lambda parts: parts.__setitem__(0, parts[0][: 3 * 48]),
        "B11-zero": lambda parts: parts.__setitem__(0, parts[0][:-32] + bytes(32)),
        "B11-order": lambda parts: parts.__setitem__(0, parts[0][:-32] + ORDER.to_bytes(32, "big")),
        "B11-scalar": lambda parts: parts.__setitem__(0, parts[0][:144] + b"\xff" * 32 + parts[0][176:]),
        "B11-point": lambda parts: parts.__setitem__(0, b"\xff" * 48 + parts[0][48:]),
        "B11-infinity": lambda parts: parts.__setitem__(0, b"\xc0" + bytes(47) + parts[0][48:]),
        "B11-subgroup": lambda parts: parts.__setitem__(0, b"\x80" + bytes(46) + b"\x04" + parts[0][48:]),
        "header-type": lambda parts: parts.__setitem__(4, "text"),
    },
}  # fmt: skip
LABELS, MANDATORY = {SD: 3, BBS: 1}, {SD: 4, BBS: 2}
COMMON: dict[str, Callable[[list[Any], str], object]] = {
    "more": lambda parts, _: parts.append(0),
    "fewer": lambda parts, _: parts.pop(),
    "G07-gap": lambda parts, name: parts[LABELS[name]].__setitem__(9, parts[LABELS[name]].pop(0)),
    "G07-missing": lambda parts, name: parts[LABELS[name]].clear(),
    "G07-negative-name": lambda parts, name: parts[LABELS[name]].__setitem__(-1, parts[LABELS[name]].pop(0)),
    "positions-negative": lambda parts, name: parts[MANDATORY[name]].insert(0, -1),
    "G07-list": lambda parts, name: parts.__setitem__(LABELS[name], []),
    "G07-name": lambda parts, name: parts[LABELS[name]].__setitem__("c14n0", parts[LABELS[name]].pop(0)),
    "positions-huge": lambda parts, name: parts[MANDATORY[name]].append(2**40),
    "positions-twice": lambda parts, name: parts[MANDATORY[name]].append(parts[MANDATORY[name]][-1]),
    "positions-order": lambda parts, name: parts[MANDATORY[name]].reverse(),
    "positions-type": lambda parts, name: parts[MANDATORY[name]].append("1"),
    "positions-map": lambda parts, name: parts.__setitem__(MANDATORY[name], {}),
}
ROWS = [(name, row) for name, rows in SHAPES.items() for row in (*rows, *COMMON)]


def nested(world: World, name: str) -> dict[str, Any]:
    """Return a derived badge of two blank nodes and two claims shown, so that every part of its proof value counts."""
    acme(world, SELECTIVE[name].algorithms[0])
    document: dict[str, Any] = {
        "@context": ["https://www.w3.org/ns/credentials/v2"], "type": ["VerifiableCredential"],
        "issuer": world.acme.did, "evidence": {"type": "VerifiableCredential", "name": "inner", "description": "d"},
        "credentialSubject": {"id": world.agent.did, "name": "Ada", "description": "x"},
    }  # fmt: skip
    signed = derivation.add_base_proof(
        document, world.acme.secret, world.acme.method_id, name, pointers=["/issuer", "/credentialSubject/name"],
        created=NOW,
    )  # fmt: skip
    return derivation.derive(signed, ["/evidence/name", "/credentialSubject/description"])


@pytest.mark.parametrize(("name", "row"), ROWS)
def test_g06_g07_b11_shapes(world: World, name: str, row: str) -> None:
    """G06, G07, B11: counts, labels, lengths and positions of the proof value, each malformed and not merely wrong."""
    document = nested(world, name)
    verifier = world.verifier(trust=structs.replace(world.trust(), any_issuer=True))
    change = SHAPES[name].get(row) or (lambda parts: COMMON[row](parts, name))

    assert verifier.inspect(document, holder=False).code is None
    assert "derived_proof_malformed" == verifier.inspect(with_parts(document, change), holder=False).code


@pytest.mark.parametrize("raw", ["f5", "c100", "a0", "83", "9fff", "190001", "fb3ff0000000000000"])
@each_suite
def test_g09_another_kind_of_cbor(world: World, faces: Faces, name: str, raw: str) -> None:
    """G09: tags, floats, longer spellings and indefinite lengths are no spelling of a proof value."""
    document = derive(base(world, name))
    value = octets(document)

    assert (*MALFORMED, ()) == early(faces(with_octets(document, value[:3] + bytes.fromhex(raw))))
    assert (*MALFORMED, ()) == early(faces(with_octets(document, value[:3] + b"\xd8\x40" + value[3:])))


@each_suite
@pytest.mark.parametrize("more", [b"\0", b"\xf6", b"\x80", bytes(64)])
def test_g09_trailing_bytes(world: World, faces: Faces, name: str, more: bytes) -> None:
    """G09: nothing follows the array."""
    document = derive(base(world, name), "name")

    assert (*MALFORMED, ()) == early(faces(with_octets(document, octets(document) + more)))


@each_suite
def test_g10_statements_of_another_credential(world: World, faces: Faces, name: str) -> None:
    """G10: what the same issuer said of the same subject elsewhere is not said here."""
    one = derive(base(world, name), "name")
    other = derive(base(world, name, claims={**CLAIMS, "name": "Eve"}), "name")
    mixed = {**one, "credentialSubject": {**one["credentialSubject"], "name": "Eve"}}

    assert INVALID == faces(mixed).answer
    if name == SD:
        first, second = (ecdsa_sd.parse_derived(octets(each)) for each in (one, other))
        forged = structs.replace(first, signatures=second.signatures)
        keyed = structs.replace(forged, key=second.key)

        assert INVALID == faces(with_octets(mixed, forged.encode())).answer
        assert INVALID == faces(with_octets(mixed, keyed.encode())).answer


@each_suite
def test_g12_keys_are_never_used_twice(world: World, name: str) -> None:
    """G12: each base proof has its own key for labels, and its own for statements."""
    own = SUITES[name]
    proofs: list[Any] = [own.parse_base(octets(base(world, name))) for _ in range(64)]

    assert len(proofs) == len({each.hmac_key for each in proofs} - {bytes(32)})
    if name == SD:
        assert len(proofs) == len({each.key for each in proofs})


@each_suite
@pytest.mark.parametrize("path", CHANGES)
def test_g16_a_changed_member(world: World, faces: Faces, name: str, path: str) -> None:
    """G16: the mandatory members and the proof's options are what the issuer signed."""
    forged = copy.deepcopy(derive(base(world, name), "name"))
    *steps, last = path.split("/")
    place: Any = forged
    for step in steps:
        place = place[step]
    if last == "autonomy":
        place, last = place["grants"][0], "autonomyMax"
    place[last] = CHANGES[path]

    assert faces(forged).code in ("signature_invalid", "issuer_untrusted")


@each_suite
@pytest.mark.parametrize(
    "change", [{"name": "Eve"}, {"name": None}, {"name": ["Ada", "Eve"]}, {"description": "keeps books"}]
)
def test_what_was_chosen(world: World, faces: Faces, name: str, change: dict[str, object]) -> None:
    """A claim exchanged, left out without a word in the proof, doubled, or added that the issuer did sign."""
    document = derive(base(world, name), "name")
    subject = {key: each for key, each in {**document["credentialSubject"], **change}.items() if each is not None}

    assert faces({**document, "credentialSubject": subject}).code in ("signature_invalid", "derived_proof_malformed")


@each_suite
def test_a_statement_called_mandatory(world: World, faces: Faces, name: str) -> None:
    """What the issuer did not make mandatory does not become so, nor the reverse."""
    document = derive(base(world, name), "name")

    def promote(parts: list[Any]) -> None:
        mandatory = parts[MANDATORY[name]]
        missing = next(at for at in range(99) if at not in mandatory)
        parts[MANDATORY[name]] = sorted([*mandatory, missing])
        parts[{SD: 2, BBS: 3}[name]].pop()

    assert INVALID == faces(with_parts(document, promote)).answer


@each_suite
def test_g18_poison(world: World, faces: Faces, name: str) -> None:
    """G18: blank nodes that look alike cost bounded work, before any key is asked for."""
    document = derive(base(world, name))
    hubs = [
        {"type": ["VerifiableCredential"], "credentialSubject": [{"name": "x"} for _ in range(9)]} for _ in range(2)
    ]
    forged = {**document, "evidence": hubs}

    assert ("refused", "canonicalization_limit", ()) == early(faces(forged))


@each_suite
@pytest.mark.parametrize("row", SAME_STATEMENTS)
def test_layer_f_what_the_statements_do_not_notice(world: World, faces: Faces, name: str, row: str) -> None:
    """Layer F: the edited document is refused for what it is, before anything in it is read and anybody is asked."""
    signed = derive(base(world, name), "name")
    changes, code = SAME_STATEMENTS[row]
    forged = {key: each for key, each in signed.items() if key not in changes}
    for key, each in changes.items():
        if isinstance(each, str) and each.startswith("-> "):
            forged[key] = signed[each.removeprefix("-> ")]
        elif each is not None:
            forged[key] = None if each == "null" else each
    verdict = faces(forged)

    assert (code, "structure", ()) == (verdict.code, verdict.check, verdict.asked)


@each_suite
def test_layer_f_before_deriving(world: World, name: str) -> None:
    """A holder derives nothing from a base proof whose document says more than was signed."""
    signed = base(world, name)
    for changes, code in SAME_STATEMENTS.values():
        forged = {key: each for key, each in signed.items() if changes.get(key, "") is not None}
        forged |= {
            key: signed[each[3:]]
            if isinstance(each, str) and each.startswith("-> ")
            else None
            if each == "null"
            else each
            for key, each in changes.items()
            if each is not None
        }
        with pytest.raises(CODES[code]):
            derivation.derive(forged, [])


@each_suite
@pytest.mark.parametrize("other", [SD, BBS, "eddsa-rdfc-2022", "ecdsa-rdfc-2019", "eddsa-jcs-2022", "none"])
def test_e14_relabelled(world: World, faces: Faces, name: str, other: str) -> None:
    """E14: a proof value is of one suite."""
    document = copy.deepcopy(derive(base(world, name)))
    document["proof"]["cryptosuite"] = other
    expected = {"none": "proof_suite_unsupported", SD: MALFORMED[1], BBS: MALFORMED[1], name: None}

    assert expected.get(other, "encoding_invalid") == faces(document).code


@each_suite
@pytest.mark.parametrize("algorithm", ["Ed25519", "P-384", "P-256", "BLS12-381-G2"])
def test_e20_a_key_of_another_kind(world: World, faces: Faces, name: str, algorithm: str) -> None:
    """E20: the key that stands under the method must be of the suite, and the one that signed."""
    document = derive(base(world, name))
    other = SecretKey.from_seed(algorithm, b"\1" * (48 if algorithm == "P-384" else 32))
    world.serve(acme_document(world), encode(build_document(world.acme.did, {"key-1": other.public})))
    expected = "signature_invalid" if algorithm in SELECTIVE[name].algorithms else "alg_key_mismatch"

    assert ("refused", expected) == faces(document).answer


@each_suite
@pytest.mark.parametrize("purpose", ["authentication", "capabilityDelegation", None])
def test_e07_another_purpose(world: World, faces: Faces, name: str, purpose: str | None) -> None:
    """E07: a derived proof is an assertion."""
    document = copy.deepcopy(derive(base(world, name)))
    document["proof"]["proofPurpose"] = purpose

    assert ("refused", "proof_purpose_mismatch") == faces(document).answer


@each_suite
def test_a_flipped_character(world: World, faces: Faces, name: str) -> None:
    """Every tenth character of a proof value, changed."""
    document = derive(base(world, name), "name")
    value = document["proof"]["proofValue"]
    for place in range(1, len(value), max(10, len(value) // 12)):
        forged = {**document, "proof": {**document["proof"], "proofValue": flip(value, place)}}
        code = faces(forged).code

        assert code in ("signature_invalid", "encoding_invalid", "derived_proof_malformed")


@each_suite
def test_more_statements_than_are_looked_at(world: World, name: str) -> None:
    """Work is paid for: statements under selective proofs count, hidden ones too."""
    document = nested(world, name)
    trust = structs.replace(world.trust(), any_issuer=True)
    few = structs.replace(trust, limits=structs.replace(trust.limits, max_statements=1))

    assert "input_too_large" == world.verifier(trust=few).inspect(document, holder=False).code


def test_the_codes_are_of_their_families() -> None:
    """A malformed proof value is the sender's to change; a base proof or a hideable status is refused."""
    assert issubclass(CODES["derived_proof_malformed"], Malformed)
    assert not issubclass(CODES["base_proof_presented"], Malformed)
    assert not issubclass(CODES["mandatory_missing"], Malformed)


@each_suite
def test_g04_behind_another_proof(world: World, faces: Faces, name: str) -> None:
    """G04: a proof of another suite before it changes nothing about what the holder could hide."""
    whole = base(world, name)
    body = {member: each for member, each in whole.items() if member != "proof"}
    pointers = ["/issuer", "/validFrom", "/credentialStatus", "/credentialSubject/capability"]
    signed = derivation.add_base_proof(
        body, world.acme.secret, world.acme.method_id, name, pointers=pointers, created=NOW
    )
    shown = derivation.derive(signed, ["/validUntil"])
    other = prove(shown, world.partner)["proof"]
    both = {**shown, "proof": [{**other, "verificationMethod": shown["proof"]["verificationMethod"]}, shown["proof"]]}

    assert ("refused", "mandatory_missing", ()) == early(faces(both))


@pytest.mark.parametrize("suite", [[SD], {}, 1, None, "eddsa-jcs-2022"], ids=repr)
def test_what_is_no_selective_suite_derives_nothing(world: World, suite: object) -> None:
    """Of whatever JSON type the suite's name is."""
    whole = base(world, SD)

    with pytest.raises(ProofSuiteUnsupported):
        derive({**whole, "proof": {**whole["proof"], "cryptosuite": suite}})
