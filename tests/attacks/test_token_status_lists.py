"""Layer K for Token Status Lists, end to end, in JWT and in CWT form; and for Bitstring values of several bits."""

from __future__ import annotations

import zlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.codec.base import encode_base64url
from agentdid.codec.strict_json import encode
from agentdid.delegation.usage import Request
from agentdid.did import web as did_web
from agentdid.proof.suites import SUITES
from agentdid.secure import data_integrity, sd_jwt
from agentdid.secure.status_token import sign_cwt, sign_jwt
from agentdid.status import bitstring
from agentdid.status.token_list import build_claims, build_reference, pack_values
from agentdid.storage.nonces import MemoryTakes
from agentdid.verify.needs import Absent, Resource
from tests.chains import FORMS, JCS, NONCE, PRESENTED, Ending, Wire, ending, root_document, sign
from tests.world import RESOURCE, Party, World

if TYPE_CHECKING:
    from collections.abc import Sequence

READ = Request("http", "invoice.read", f"{RESOURCE}/7")
SIZE = 131_072
KINDS = ("jwt", "cwt")
UNVERIFIED = Ending("status_verification_error", "refused", "status")
MALFORMED = Ending("status_malformed", "malformed", "status")


@pytest.fixture
def world() -> World:
    """The world of the attack."""
    return World()


def serve(  # what a list has
    world: World,
    kind: str,
    values: Sequence[int] = (),
    size: int = 1,
    signer: Party | None = None,
    *,
    length: int = SIZE,
    status_list: dict[str, object] | None = None,
    **changes: object,
) -> None:
    """Serve acme's token status list, signed by it or by another; a change of `None` takes a claim out."""
    who = signer or world.acme
    octets = pack_values([*values, *[0] * (length - len(values))], size)
    claims = build_claims(world.acme.list_url, octets, size, at=world.now, binary=kind == "cwt")
    claims["status_list"] |= status_list or {}  # type: ignore[operator]
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    signed = sign_jwt if kind == "jwt" else sign_cwt
    made = signed(claims, who.secret, who.method_id)
    world.serve(world.acme.list_url, made if isinstance(made, bytes) else made.encode())


def judge(world: World, status: object, *, bitstring_entry: object = None, **limits: object) -> Ending | None:
    """How the verifier refuses a root whose token has this `status`; `None` when it accepts."""
    document = root_document(world)
    del document["credentialStatus"]
    if bitstring_entry is not None:
        document["credentialStatus"] = bitstring_entry
    claims: dict[str, object] = {"iat": int(world.now.timestamp()) - 60}
    if status is not None:
        claims["status"] = status
    token: Wire = sd_jwt.issue(document, world.acme.secret, world.acme.method_id, claims=claims)
    presented = world.present([token], challenge=NONCE)
    verifier = world.verifier(trust=world.trust(limits=limits), takes=MemoryTakes())
    if verifier.inspect(presented, challenge=NONCE, request=READ).outcome == "accepted":
        return None
    return ending(lambda: verifier.authorize(presented, challenge=NONCE, request=READ))


def at(world: World, index: object = 7) -> dict[str, object]:
    """The reference to acme's list."""
    return {"status_list": {"idx": index, "uri": world.acme.list_url}}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("size", "value", "code"),
    [
        (1, 0, None), (1, 1, "status_revoked"), (2, 0, None), (2, 1, "status_revoked"), (2, 2, "status_suspended"),
        (2, 3, "status_unknown_value"), (4, 0, None), (4, 2, "status_suspended"), (4, 12, "status_unknown_value"),
        (8, 0, None), (8, 1, "status_revoked"), (8, 2, "status_suspended"), (8, 255, "status_unknown_value"),
    ],
)  # fmt: skip
def test_k19_what_each_value_means(world: World, kind: str, size: int, value: int, code: str | None) -> None:
    """K19: 0 is valid, 1 revoked, 2 suspended; whatever else is never taken for valid. The neighbours count nothing."""
    top = (1 << size) - 1
    serve(world, kind, [top, top, top, top, top, top, top, value, top, top], size)

    assert (None if code is None else Ending(code, "refused", "status")) == judge(world, at(world))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_z11_the_last_position(world: World, kind: str, size: int) -> None:
    """Z11: the last index of a list is read; the one behind it is not there (K04)."""
    length = 64 // size
    top = min((1 << size) - 1, 2)
    serve(world, kind, [*[top] * (length - 1), 0], size, length=length)

    assert None is judge(world, at(world, length - 1))
    assert Ending("range_error", "refused", "status") == judge(world, at(world, length))


@pytest.mark.parametrize(
    ("index", "code"), [(-1, "range_error"), (1 << 53, "json_number_range"), (SIZE, "range_error")]
)
def test_k04_an_index_outside_the_list(world: World, index: int, code: str) -> None:
    """K04: nothing wraps around."""
    serve(world, "jwt")

    expected = Ending(code, "malformed", "structure") if code != "range_error" else Ending(code, "refused", "status")

    assert expected == judge(world, at(world, index))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bits", [3, 0, 16, -1, "1", True, 1.0, None])
def test_k18_bits_that_nobody_can_mean(world: World, kind: str, bits: object) -> None:
    """K18: 1, 2, 4 or 8."""
    if kind == "cwt" and isinstance(bits, float):
        pytest.skip("no float is written in CBOR")
    serve(world, kind, status_list={"bits": bits})

    assert MALFORMED == judge(world, at(world))


@pytest.mark.parametrize("status", [7, [], "x", {"status_list": 7}, {"status_list": {"idx": 1}}])
@pytest.mark.parametrize("more", [{}, {"idx": "1"}, {"idx": True}, {"idx": 1.5}, {"uri": 7}, {"uri": ""}, {"uri": "x"}])
def test_k18_a_reference_of_another_form(world: World, status: Any, more: dict[str, object]) -> None:  # noqa: ANN401
    """K18: `idx` is a whole number, `uri` a URL, both there."""
    serve(world, "jwt")
    if more:
        status = {"status_list": {"idx": 7, "uri": world.acme.list_url} | more}

    assert MALFORMED == judge(world, status)


@pytest.mark.parametrize("status", [{}, {"identifier_list": {}}, {"status_list": {"idx": 7}, "identifier_list": {}}])
def test_k19_another_mechanism(world: World, status: dict[str, object]) -> None:
    """K19: a mechanism that is not understood is not passed over, alone or beside one that is."""
    serve(world, "jwt")

    assert Ending("status_unknown_value", "refused", "status") == judge(world, status)


@pytest.mark.parametrize("kind", KINDS)
def test_k08_a_list_that_is_not_signed_so(world: World, kind: str) -> None:
    """K08: one octet of the signature, of the header, of the payload: a CWT is not only parsed."""
    serve(world, kind)
    served: Any = world.served[world.acme.list_url]
    found = set()
    for place in (len(served.body) - 5, len(served.body) // 2, 30):
        body = bytearray(served.body)
        body[place] = body[place] + 1 if body[place] not in b"Zz9_" else body[place] - 1
        world.serve(world.acme.list_url, bytes(body))
        found.add(judge(world, at(world)))

    assert {UNVERIFIED} == found


@pytest.mark.parametrize("kind", KINDS)
def test_k08_by_anothers_key(world: World, kind: str) -> None:
    """K08, K09: acme's list by name, signed by a stranger in his own name."""
    serve(world, kind, signer=world.stranger)

    assert Ending("status_issuer_mismatch", "refused", "status") == judge(world, at(world))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"iss": "did:web:other.example"}, "status_verification_error"),
        ({"iat": None}, "status_verification_error"),
        ({"iat": "now"}, "status_verification_error"),
        ({"sub": None}, "status_verification_error"),
        ({"sub": "https://acme.example/status/2"}, "status_verification_error"),
        ({"status_list": 7}, "status_malformed"),
        ({"ttl": 0}, "status_malformed"),
        ({"ttl": -5}, "status_malformed"),
        ({"ttl": "60"}, "status_malformed"),
    ],
)
def test_k08_claims_of_another_form(world: World, kind: str, changes: dict[str, object], code: str) -> None:
    """K08: `sub` is the URL that the token named, `iss` whoever signed, `iat` is there."""
    claims = changes if "status_list" not in changes else {}
    serve(world, kind, **claims)
    if "status_list" in changes:
        who, made = world.acme, {"sub": world.acme.list_url, "iat": int(world.now.timestamp())} | changes
        body: Any = (sign_jwt if kind == "jwt" else sign_cwt)(made, who.secret, who.method_id)
        world.serve(world.acme.list_url, body.encode() if isinstance(body, str) else body)
    family = "malformed" if code == "status_malformed" else "refused"

    assert Ending(code, family, "status") == judge(world, at(world))


@pytest.mark.parametrize("kind", KINDS)
def test_k11_the_two_kinds_are_kept_apart(world: World, kind: str) -> None:
    """K11: an entry of one kind is not read in a list of the other, in which its bit lies elsewhere."""
    world.publish(world.acme)
    as_token = judge(world, at(world))
    serve(world, kind)
    as_bitstring = judge(world, None, bitstring_entry=world.status(world.acme, 7))

    assert [UNVERIFIED, UNVERIFIED] == [as_token, as_bitstring]


def test_k11_both_statuses_count(world: World) -> None:
    """K11: `credentialStatus` and `status` side by side are both read."""
    other = world.party("lists", method="web")
    octets = pack_values([0] * 7 + [1], 1)
    token = sign_jwt(
        build_claims("https://acme.example/t", octets, 1, at=world.now), world.acme.secret, world.acme.method_id
    )
    world.serve("https://acme.example/t", token.encode())

    assert other.did
    assert Ending("status_revoked", "refused", "status") == judge(
        world, build_reference("https://acme.example/t", 7), bitstring_entry=world.status(world.acme, 7)
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("age_s", "code"), [(61, "status_list_expired"), (59, None)])
def test_k13_an_expired_list(world: World, kind: str, age_s: int, code: str | None) -> None:
    """K13: past its `exp`, but for a minute's skew."""
    now = int(world.now.timestamp())
    serve(world, kind, exp=now - age_s, iat=now - 30)

    assert (None if code is None else Ending(code, "undecided", "status")) == judge(world, at(world))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("ttl", "staleness_s", "age_s", "code"),
    [(315_360_000, 200_000, 86_401, "status_stale"), (315_360_000, 60, 61, "status_stale"), (1, 3_600, 60, None)],
)
def test_k15_the_ttl_is_clamped(
    world: World, kind: str, ttl: int, staleness_s: int, age_s: int, code: str | None
) -> None:
    """K15: ten years count as a day, a second as a minute, and the policy's bound still holds."""
    serve(world, kind, ttl=ttl, iat=int(world.now.timestamp()) - age_s)

    assert (None if code is None else Ending(code, "undecided", "status")) == judge(
        world, at(world), status_staleness_s=staleness_s
    )


@pytest.mark.parametrize("kind", KINDS)
def test_k16_a_bomb_for_a_list(world: World, kind: str) -> None:
    """K16: 16 MiB and a byte of zeros, and zlib within zlib, whoever signed it."""
    bomb = zlib.compress(bytes(16 * 1024 * 1024 + 1), 9)
    found = []
    for packed in (bomb, zlib.compress(zlib.compress(bytes(1 << 28), 9), 9)):
        serve(world, kind, status_list={"lst": packed if kind == "cwt" else encode_base64url(packed)})
        found.append(judge(world, at(world)))

    assert Ending("status_list_too_large", "refused", "status") == found[0]
    assert found[1] != found[0]  # what it holds is one list of packed octets, and is read as no more than that


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "packed", [b"", b"x", zlib.compress(b""), zlib.compress(b"ab")[:-3], zlib.compress(b"ab") + b"x"]
)
def test_k16_what_is_no_packed_list(world: World, kind: str, packed: bytes) -> None:
    """K16: nothing, no zlib, of no octets, cut short, with something behind it."""
    serve(world, kind, status_list={"lst": packed if kind == "cwt" else encode_base64url(packed)})

    assert MALFORMED == judge(world, at(world))


def test_k01_a_list_that_cannot_be_had(world: World) -> None:
    """K01: no list, no verdict."""
    world.served[world.acme.list_url] = Absent(world.acme.list_url, "fetch_failed", "it did not come")

    assert Ending("status_unavailable", "undecided", "status") == judge(world, at(world))


def test_k24_a_current_list_is_no_historical_one(world: World) -> None:
    """K24: asked for a past instant and served the current list, the verifier does not take it for one from then."""
    serve(world, "jwt")
    document = root_document(world)
    del document["credentialStatus"]
    begin = world.now - timedelta(hours=2)
    document["validFrom"] = begin.isoformat().replace("+00:00", "Z")
    token = sd_jwt.issue(
        document, world.acme.secret, world.acme.method_id, claims={"iat": int(begin.timestamp()), "status": at(world)}
    )
    asked = world.now - timedelta(hours=1)
    known: Any = world.served[did_web.url(world.acme.did)]
    world.served[known.url] = Resource(known.url, known.body, asked)

    assert Ending("status_stale", "undecided", "status") == ending(
        lambda: world.verifier().verify_credential(token, at=asked)
    )


def wide(world: World, size: int, value: int, **entry: object) -> list[Wire]:
    """A root whose Bitstring entry 7 has values of several bits; the list holds `value` there, ones beside it."""
    top = (1 << size) - 1
    values = [top] * 7 + [value] + [top] * 8 + [0] * (SIZE - 16)
    document = bitstring.build_list_credential(
        world.acme.list_url, world.acme.did, [str(entry.get("statusPurpose", "revocation"))],
        bitstring.pack_values(values, size), valid_from=world.now,
    )  # fmt: skip
    signed = data_integrity.add_proof(document, world.acme.secret, world.acme.method_id, SUITES[JCS], created=world.now)
    world.serve(world.acme.list_url, encode(signed))
    messages = [{"status": hex(each), "message": f"m{each}"} for each in range(1 << size)]
    root = root_document(world)
    root["credentialStatus"] = world.status(world.acme, 7) | {"statusSize": size, "statusMessage": messages} | entry
    return [sign(world, root, world.acme, JCS)]


def judged(world: World, chain: list[Wire]) -> str | None:
    """The code for a chain; `None` when it is accepted."""
    presented = world.present(chain, challenge=NONCE, form=PRESENTED[JCS])
    report = world.verifier(takes=MemoryTakes()).inspect(presented, challenge=NONCE, request=READ)
    return report.code


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
@pytest.mark.parametrize(
    ("purpose", "first", "others"),
    [
        ("revocation", None, "status_revoked"),
        ("suspension", None, "status_suspended"),
        ("message", None, "status_unknown_value"),
        ("refresh", None, None),
    ],
)
def test_k19_bitstring_values_of_several_bits(
    world: World, size: int, purpose: str, first: str | None, others: str | None
) -> None:
    """K19: every value but 0 counts, however its bits lie across octets; a message that nobody here understands too."""
    values = {0, 1, (1 << size) - 1}
    found = {value: judged(world, wide(world, size, value, statusPurpose=purpose)) for value in values}

    assert {value: others if value else first for value in values} == found


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([], "status_malformed"),
        ([{"status": "0x0", "message": "a"}], "status_malformed"),
        ([{"status": "0x0", "message": "a"}, {"status": "0x0", "message": "b"}], "status_malformed"),
        ([{"status": "0", "message": "a"}, {"status": "0x1", "message": "b"}], "status_malformed"),
        ([{"status": "0x0"}, {"status": "0x1", "message": "b"}], "status_malformed"),
        ("m", "status_malformed"),
        ([{"status": "0x1", "message": "b"}, {"status": "0x0", "message": "a"}], None),
    ],
)
def test_k18_messages_of_another_form(world: World, messages: object, code: str | None) -> None:
    """K18: one message for every value, no more, no fewer."""
    assert code == judged(world, wide(world, 1, 0, statusMessage=messages))


def test_k06_values_of_several_bits_need_as_many_entries(world: World) -> None:
    """K06: 131,072 bits are 65,536 entries of two bits, too few."""
    chain = wide(world, 2, 0)
    world.publish(world.acme)

    assert "status_list_length_error" == judged(world, chain)


@pytest.mark.parametrize("form", FORMS)
def test_k26_refresh_does_not_invalidate(world: World, form: str) -> None:
    """A set refresh bit says that a newer credential is to be had; this one still stands."""
    bits = bytearray(SIZE // 8)
    bits[0] = 1
    document = bitstring.build_list_credential(
        world.acme.list_url, world.acme.did, ["refresh"], bytes(bits), valid_from=world.now
    )
    signed = data_integrity.add_proof(document, world.acme.secret, world.acme.method_id, SUITES[JCS], created=world.now)
    world.serve(world.acme.list_url, encode(signed))
    root = root_document(world)
    root["credentialStatus"] = world.status(world.acme, 7) | {"statusPurpose": "refresh"}
    presented = world.present([sign(world, root, world.acme, form)], challenge=NONCE, form=PRESENTED[form])

    assert world.verifier(takes=MemoryTakes()).authorize(presented, challenge=NONCE, request=READ)


@pytest.mark.parametrize("form", FORMS)
def test_p06_an_older_list_never_takes_the_place_of_a_newer(world: World, form: str) -> None:
    """P06, K25: a cache that serves yesterday's list again is not believed by who has seen today's."""
    verifier = world.verifier(takes=MemoryTakes())
    document = root_document(world)
    document["credentialStatus"] = world.status(world.acme, 7)
    presented = world.present([sign(world, document, world.acme, form)], challenge=NONCE, form=PRESENTED[form])

    def code() -> str | None:
        return verifier.inspect(presented, challenge=NONCE, request=READ).code

    world.publish(world.acme, signed_at=world.now - timedelta(seconds=20))
    older = world.served[world.acme.list_url]
    world.acme.revoked.add(7)
    world.publish(world.acme, signed_at=world.now - timedelta(seconds=10))
    newer = world.served[world.acme.list_url]
    found = []
    for served in (older, newer, older, newer):
        world.served[world.acme.list_url] = served
        found.append(code())
    world.acme.revoked.clear()
    world.publish(world.acme)
    found.append(code())

    assert [None, "status_revoked", "status_revoked", "status_revoked", None] == found


@pytest.mark.parametrize("kind", KINDS)
def test_p06_a_list_that_lies_about_its_time_is_refused(world: World, kind: str) -> None:
    """P06: a forged list with a later time, or none, gains nothing: it does not verify."""
    document = root_document(world)
    del document["credentialStatus"]
    claims: dict[str, object] = {"iat": int(world.now.timestamp()) - 60, "status": at(world)}
    token = sd_jwt.issue(document, world.acme.secret, world.acme.method_id, claims=claims)
    presented = world.present([token], challenge=NONCE)
    verifier = world.verifier(takes=MemoryTakes())
    serve(world, kind, [0] * 7 + [1])
    first = verifier.inspect(presented, challenge=NONCE, request=READ).code
    served: Any = world.served[world.acme.list_url]
    serve(world, kind, iat=int(world.now.timestamp()) + 30)
    body = bytearray(world.served[world.acme.list_url].body)  # type: ignore[union-attr]
    body[-1 if kind == "cwt" else -10] ^= 1
    world.serve(world.acme.list_url, bytes(body))
    second = verifier.inspect(presented, challenge=NONCE, request=READ).code
    world.served[world.acme.list_url] = served

    assert ["status_revoked", "status_verification_error"] == [first, second]
    assert "status_revoked" == verifier.inspect(presented, challenge=NONCE, request=READ).code
