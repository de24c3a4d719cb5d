"""Layer K for Bitstring Status Lists, end to end: what cannot be found out is never "not revoked"."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agentdid.codec.instant import encode_instant
from agentdid.codec.strict_json import encode
from agentdid.delegation.usage import Request
from agentdid.errors import CODES
from agentdid.issuer.issuer import Issuer
from agentdid.proof.suites import SUITES
from agentdid.secure import data_integrity, sd_jwt
from agentdid.status.bitstring import build_list_credential, encode_list
from agentdid.storage.nonces import MemoryTakes
from agentdid.verifier.service import Verifier
from agentdid.verify.needs import Absent
from tests.chains import (
    FORMS,
    JCS,
    NONCE,
    PRESENTED,
    Ending,
    Wire,
    chain_of,
    child_document,
    ending,
    forged,
    root_document,
    sign,
)
from tests.stores import CHEAP, PASSPHRASE
from tests.world import RESOURCE, Party, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

READ = Request("http", "invoice.read", f"{RESOURCE}/7")
SIZE = 131_072
UNAVAILABLE = Ending("status_unavailable", "undecided", "status")
UNVERIFIED = Ending("status_verification_error", "refused", "status")
FOREIGN = Ending("status_issuer_mismatch", "refused", "status")


@pytest.fixture
def world() -> World:
    """The world of the attack."""
    return World()


def judge(world: World, chain: list[Wire], holder: Party | None = None, **limits: object) -> Ending | None:
    """How the verifier refuses a presented chain; `None` when it accepts."""
    (form,) = {JCS if isinstance(chain[-1], dict) else FORMS[0]}
    presented = world.present(chain, holder, challenge=NONCE, form=PRESENTED[form])
    verifier = world.verifier(trust=world.trust(limits=limits), takes=MemoryTakes())
    report = verifier.inspect(presented, challenge=NONCE, request=READ)
    if report.outcome == "accepted":
        return None
    return ending(lambda: verifier.authorize(presented, challenge=NONCE, request=READ))


def unsigned_list(world: World, party: Party, bits: bytes = bytes(SIZE // 8), **changes: object) -> dict[str, Any]:
    """A party's list credential, not yet signed."""
    document = build_list_credential(
        party.list_url, party.did, ["revocation"], bits, valid_from=world.now, valid_until=world.now + timedelta(days=1)
    )
    return document | changes


def serve(world: World, party: Party, document: dict[str, Any], signer: Party | None = None) -> None:
    """Serve a party's list, signed by it or by another."""
    who = signer or party
    signed = data_integrity.add_proof(document, who.secret, who.method_id, SUITES[JCS], created=world.now)
    world.serve(party.list_url, encode(signed))


def entry(world: World, party: Party, **changes: object) -> dict[str, object]:
    """A status entry in a party's list."""
    return world.status(party, 7) | changes


def root_with(world: World, form: str, status: object) -> list[Wire]:
    """A root by acme with another status."""
    document = root_document(world)
    document["credentialStatus"] = status
    return [sign(world, document, world.acme, form)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("code", sorted(code for code in CODES if code.startswith("fetch_")))
def test_k01_a_list_that_cannot_be_had(world: World, form: str, code: str) -> None:
    """K01: host down, 404, 502, timeout, redirect, TLS: unavailable, and undecided."""
    world.served[world.acme.list_url] = Absent(world.acme.list_url, code, "it did not come")

    assert UNAVAILABLE == judge(world, chain_of(world, form))


def test_k01_a_list_whose_issuer_cannot_be_resolved(world: World) -> None:
    """K01: a list by somebody whose document does not come cannot be verified, so nothing is known."""
    lists = world.party("lists", method="web")
    del world.served["https://lists.example/.well-known/did.json"]
    trust = world.trust()
    named = [{**trust.encode()["anchors"][0], "status_issuers": [lists.did]}]  # type: ignore[index,dict-item]
    chain = root_with(world, JCS, world.status(lists, 7))
    verifier = world.verifier(trust=world.trust(anchor=[{k: v for k, v in named[0].items() if v}]))

    assert UNAVAILABLE == ending(lambda: verifier.verify_credential(chain))  # type: ignore[arg-type]


@pytest.mark.parametrize("form", FORMS)
def test_k02_a_verifier_that_may_not_fetch_it(world: World, form: str) -> None:
    """K02: the real source, and a list at an address that it never asks."""
    issuer = world.party("issuer")
    document = root_document(world, issuer)
    document["credentialStatus"] = entry(world, issuer, statusListCredential="https://127.0.0.1:9/status")
    document["credentialSubject"]["capability"]["principal"] = issuer.did
    anchor = {"did": issuer.did, "types": ["AgentCapabilityCredential"], "roots": [world.partner.did]}
    trust = world.trust(anchor=[anchor | {"actions": ["invoice.read"]}])
    presented = world.present([sign(world, document, issuer, form)], challenge=NONCE, form=PRESENTED[form])

    class Frozen:
        """The world's time."""

        now = staticmethod(lambda: world.now)

    verifier = Verifier(trust, clock=Frozen())

    assert UNAVAILABLE == ending(lambda: verifier.authorize(presented, challenge=NONCE, request=READ))


def test_k03_a_list_that_the_issuer_does_not_have(tmp_path: Path) -> None:
    """K03: an unknown list is not an empty one."""
    with (
        Issuer.create(tmp_path / "issuer.db", passphrase=PASSPHRASE, kdf=CHEAP) as issuer,
        pytest.raises(CODES["credential_not_found"]),
    ):
        issuer.signed_list("0")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("index", ["131072", "-1", "18446744073709551616", "99999999999999999999"])
def test_k04_an_index_outside_the_list(world: World, form: str, index: str) -> None:
    """K04: above the end, below zero: no bit wraps around."""
    chain = root_with(world, form, entry(world, world.acme, statusListIndex=index))

    assert Ending("range_error", "refused", "status") == judge(world, chain)


@pytest.mark.parametrize("index", [0, SIZE - 1])
def test_k04_the_first_and_the_last_index(world: World, index: int) -> None:
    """K04: the ends of the list are read as such: set they revoke, clear they do not."""
    chain = root_with(world, JCS, world.status(world.acme, index))
    before = judge(world, chain)
    world.acme.revoked.add(index)
    world.publish(world.acme)

    assert [None, Ending("status_revoked", "refused", "status")] == [before, judge(world, chain)]


@pytest.mark.parametrize("form", FORMS)
def test_k06_a_list_too_short(world: World, form: str) -> None:
    """K06: fewer than 131,072 entries give no herd privacy."""
    world.publish(world.acme, size=SIZE - 8)

    assert Ending("status_list_length_error", "refused", "status") == judge(world, chain_of(world, form))


def _forge(world: World) -> bytes:
    served: Any = world.served[world.acme.list_url]
    return encode(forged(json.loads(served.body)))


def _exchange(world: World) -> bytes:
    # the bits of today under the signature of yesterday
    served: Any = world.served[world.acme.list_url]
    document = json.loads(served.body)
    bits = bytearray(SIZE // 8)
    bits[1] = 1
    document["credentialSubject"]["encodedList"] = encode_list(bytes(bits))
    return encode(document)


def _with_authentication(world: World) -> bytes:
    document = unsigned_list(world, world.acme)
    options = {"challenge": "c", "domain": "d"}
    return encode(
        data_integrity.add_proof(
            document,
            world.acme.secret,
            world.acme.method_id,
            SUITES[JCS],
            purpose="authentication",
            created=world.now,
            options=options,
        )
    )


def _none(world: World) -> bytes:
    token = sd_jwt.issue(unsigned_list(world, world.acme), world.acme.secret, world.acme.method_id)
    _, payload, _ = token.split(".")
    return f"eyJhbGciOiJub25lIiwidHlwIjoidmMrc2Qtand0In0.{payload}.~".encode()


@pytest.mark.parametrize(
    "body",
    [
        lambda world: encode(unsigned_list(world, world.acme)),
        _forge,
        _exchange,
        _with_authentication,
        _none,
        lambda _: b"",
        lambda _: b"{}",
        lambda _: b"[]",
        lambda _: b"null",
        lambda _: b"<html>",
        lambda _: b"\xd2\x84\x43\xa1\x01\x26\xa0",
        lambda _: b'{"a":1,"a":2}',
        lambda world: encode(root_document(world)),
        lambda world: encode(sign(world, root_document(world), world.acme, JCS)),
    ],
)
def test_k08_what_is_no_signed_list(world: World, body: Callable[[World], bytes]) -> None:
    """K08: unsigned, forged, of other bits, for another purpose, of `alg: none`, CBOR, nothing, another credential."""
    world.serve(world.acme.list_url, body(world))

    assert UNVERIFIED == judge(world, chain_of(world, JCS))


def test_k08_a_list_by_its_issuers_name_and_anothers_key(world: World) -> None:
    """K08: a list that names acme and was signed by the stranger."""
    serve(world, world.acme, unsigned_list(world, world.acme), world.stranger)

    assert UNVERIFIED == judge(world, chain_of(world, JCS))


def test_k08_one_list_in_place_of_another(world: World) -> None:
    """K08: acme's other list, truly signed, is not the one that the credential names."""
    other = unsigned_list(world, world.acme, id="https://acme.example/status/2")
    serve(world, world.acme, other)

    assert UNVERIFIED == judge(world, chain_of(world, JCS))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("who", ["stranger", "agent", "partner", "rogue"])
def test_k09_a_list_by_another_issuer(world: World, form: str, who: str) -> None:
    """K09: a valid list by a valid DID that may not speak here, the subject and the resource's owner among them."""
    party = world.party("rogue", method="web") if who == "rogue" else getattr(world, who)
    chain = root_with(world, form, world.status(party, 7))

    assert FOREIGN == judge(world, chain)
    assert "https://rogue.example/.well-known/did.json" not in world.asked


@pytest.mark.parametrize("form", FORMS)
def test_k09_a_list_under_the_issuers_url_by_a_stranger(world: World, form: str) -> None:
    """K09: at acme's address lies a list that the stranger made in its own name."""
    document = unsigned_list(world, world.acme, issuer=world.stranger.did)
    serve(world, world.acme, document, world.stranger)

    assert FOREIGN == judge(world, chain_of(world, form))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("who", "expected"), [("acme", None), ("agent", None), ("helper", FOREIGN), ("stranger", FOREIGN)]
)
def test_k09_an_ancestors_list(world: World, form: str, who: str, expected: Ending | None) -> None:
    """K09: a delegated link's status may stand in its issuer's or an ancestor's list, in no descendant's."""
    chain = chain_of(world, form)
    document = child_document(world, chain[0], world.agent, world.helper)
    document["credentialStatus"] = world.status(getattr(world, who), 11)
    chain.append(sign(world, document, world.agent, form))

    assert expected == judge(world, chain, world.helper)


@pytest.mark.parametrize(
    ("purpose", "purposes", "expected"),
    [
        ("suspension", ["revocation"], UNVERIFIED),
        ("revocation", ["suspension"], UNVERIFIED),
        ("message", ["message"], Ending("status_unknown_value", "refused", "status")),
        ("suspension", ["revocation", "suspension"], None),
    ],
)
def test_k11_another_purpose(world: World, purpose: str, purposes: list[str], expected: Ending | None) -> None:
    """K11: a list answers for its own purposes only, and a purpose without a meaning here is no clean bill."""
    document = unsigned_list(world, world.acme)
    document["credentialSubject"]["statusPurpose"] = purposes
    serve(world, world.acme, document)

    assert expected == judge(world, root_with(world, JCS, entry(world, world.acme, statusPurpose=purpose)))


def test_k11_every_entry_counts(world: World) -> None:
    """K11: of two entries, one clean and one suspended, the second is not passed over."""
    bits = bytearray(SIZE // 8)
    bits[1] = 0x80
    document = unsigned_list(world, world.acme, bytes(bits))
    document["credentialSubject"]["statusPurpose"] = ["revocation", "suspension"]
    serve(world, world.acme, document)
    clean = entry(world, world.acme)
    suspended = world.status(world.acme, 8) | {"statusPurpose": "suspension"}

    assert Ending("status_suspended", "refused", "status") == judge(world, root_with(world, JCS, [clean, suspended]))


@pytest.mark.parametrize("form", FORMS)
def test_k13_an_expired_list(world: World, form: str) -> None:
    """K13: freshly signed and past its own end; a minute's skew is allowed it."""
    ended = [
        unsigned_list(
            world, world.acme, validFrom=encode_instant(world.now - timedelta(days=2)), validUntil=encode_instant(end)
        )
        for end in (world.now - timedelta(seconds=61), world.now - timedelta(seconds=59))
    ]
    found = []
    for document in ended:
        serve(world, world.acme, document)
        found.append(judge(world, chain_of(world, form)))

    assert [Ending("status_list_expired", "undecided", "status"), None] == found


@pytest.mark.parametrize(
    ("ttl_ms", "staleness_s", "age_s", "code"),
    [
        (None, 60, 60, None),
        (None, 60, 61, "status_stale"),
        (315_360_000_000, 60, 61, "status_stale"),
        (315_360_000_000, 200_000, 86_400, None),
        (315_360_000_000, 200_000, 86_401, "status_stale"),
        (0, 3_600, 60, None),
        (0, 3_600, 61, "status_stale"),
        (0, 10, 11, "status_stale"),
        (120_000, 3_600, 121, "status_stale"),
        (120_000, 3_600, 120, None),
        (None, 200_000, 86_401, "status_stale"),
    ],
)
def test_k15_how_old_a_list_may_be(
    world: World, ttl_ms: int | None, staleness_s: int, age_s: int, code: str | None
) -> None:
    """K15: the issuer's ttl counts between a minute and a day, and the policy's own bound is never exceeded."""
    chain = root_with(world, JCS, entry(world, world.acme))
    document = unsigned_list(world, world.acme, validUntil=encode_instant(world.now + timedelta(days=9)))
    if ttl_ms is not None:
        document["credentialSubject"]["ttl"] = ttl_ms
    signed_at = world.now - timedelta(seconds=age_s)
    document["validFrom"] = encode_instant(signed_at)
    signed = data_integrity.add_proof(document, world.acme.secret, world.acme.method_id, SUITES[JCS], created=signed_at)
    world.serve(world.acme.list_url, encode(signed))

    assert (None if code is None else Ending(code, "undecided", "status")) == judge(
        world, chain, status_staleness_s=staleness_s
    )
    # one that is stale is asked for once more, and no oftener: `judge` judges it once, and again where it refuses
    assert (1 if code is None else 4) == world.asked.count(world.acme.list_url)


def test_k15_a_list_from_the_future(world: World) -> None:
    """K15: a list signed an hour ahead would be fresh for an hour longer than anybody can know."""
    world.publish(world.acme, signed_at=world.now + timedelta(hours=1))

    assert UNVERIFIED == judge(world, chain_of(world, JCS))


def test_k16_a_bomb_for_a_list(world: World) -> None:
    """K16: 16 MiB and a byte of zeros in 16 kB is refused, whoever signed it."""
    serve(world, world.acme, unsigned_list(world, world.acme, bytes(16 * 1024 * 1024 + 1)))

    assert Ending("status_list_too_large", "refused", "status") == judge(world, chain_of(world, JCS))


@pytest.mark.parametrize("size", ["1", 0, -1, 16, 2**31, 1.5, None, True, [1]])
def test_k18_a_size_that_nobody_can_mean(world: World, size: object) -> None:
    """K18: `statusSize` is a small number."""
    chain = root_with(world, JCS, entry(world, world.acme, statusSize=size))

    assert Ending("status_malformed", "malformed", "status") == judge(world, chain)


@pytest.mark.parametrize(
    ("changes", "code", "family"),
    [
        ({"statusSize": 2}, "status_unknown_value", "refused"),
        ({"type": "TokenStatusListEntry"}, "status_unknown_value", "refused"),
        ({"type": "StatusList2021Entry"}, "status_unknown_value", "refused"),
        ({"type": ["BitstringStatusListEntry", "TokenStatusListEntry"]}, "status_malformed", "malformed"),
    ],
)
def test_k19_a_status_that_is_not_understood(world: World, changes: dict[str, object], code: str, family: str) -> None:
    """K19: another type, or more than one bit, is not "valid"."""
    chain = root_with(world, JCS, entry(world, world.acme, **changes))

    assert Ending(code, family, "status") == judge(world, chain)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("attack", "check"),
    [
        ("untrusted", "root"),
        ("forged", "signatures"),
        ("holder", "holder"),
        ("nonce", "holder"),
        ("expired", "validity"),
    ],
)
def test_k21_no_list_is_asked_for_before_its_turn(world: World, form: str, attack: str, check: str) -> None:
    """K21: trust, signature, holder and time come first; whoever fails there learns nothing and moves nothing."""
    issuer = world.stranger if attack == "untrusted" else world.acme
    document = root_document(world, issuer)
    document["credentialStatus"] = entry(world, world.acme)
    if attack == "expired":
        document["validFrom"] = encode_instant(world.now - timedelta(hours=2))
        document["validUntil"] = encode_instant(world.now - timedelta(hours=1))
    link = sign(world, document, issuer, form)
    chain = [forged(link) if attack == "forged" else link]
    holder = world.helper if attack == "holder" else world.agent
    presented = world.present(chain, holder, challenge=NONCE, form=PRESENTED[form])
    challenge = "another" if attack == "nonce" else NONCE

    assert check == ending(lambda: world.verifier().authorize(presented, challenge=challenge, request=READ)).check
    assert world.acme.list_url not in world.asked


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("life_s", "expected"), [(3_600, None), (3_601, UNAVAILABLE)])
def test_k22_a_delegated_link_without_status(world: World, form: str, life_s: int, expected: Ending | None) -> None:
    """K22: what cannot be revoked lives an hour at most."""
    chain = chain_of(world, form)
    document = child_document(world, chain[0], world.agent, world.helper)
    document["validUntil"] = encode_instant(world.now - timedelta(minutes=1) + timedelta(seconds=life_s))
    chain.append(sign(world, document, world.agent, form))

    assert expected == judge(world, chain, world.helper)


@pytest.mark.parametrize("form", FORMS)
def test_k22_a_root_without_status(world: World, form: str) -> None:
    """K22: a root link that names no list cannot be known to stand."""
    document = root_document(world)
    del document["credentialStatus"]

    assert UNAVAILABLE == judge(world, [sign(world, document, world.acme, form)])
    assert world.acme.list_url not in world.asked


def test_k25_the_issuers_revocation_is_final(tmp_path: Path, world: World) -> None:
    """K25: whatever is asked of the issuer afterwards, the bit stays set in every list it signs."""
    with Issuer.create(tmp_path / "issuer.db", passphrase=PASSPHRASE, kdf=CHEAP) as issuer:
        capability = world.capability(principal=issuer.did)
        made = issuer.issue(to=world.agent.did, capability=capability, idempotency_key="once")
        first, second = issuer.revoke(made.id), issuer.revoke(made.id)
        issuer.issue(to=world.agent.did, capability=capability, idempotency_key="once")
        bits, _ = issuer.ledger.bits(made.list_url.rpartition("/")[2])

    assert [True, False] == [first, second]
    assert 1 == bits[made.index >> 3] >> (7 - (made.index & 7)) & 1
