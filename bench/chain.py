"""Chains: five links, the presentation and all statuses, beside as many bare Ed25519 verifications of equal messages.

Six signatures are six verifications by libsodium over messages of the same lengths: the floor. What a chain costs more
is parsing, hashing, keys, narrowing, status and trust. `links cached` is the same chain presented again: each of its
links has been verified, its time, status and policy are judged anew.
"""

from __future__ import annotations

import itertools
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair

from agentdid.audit.receipt import ReceiptKey
from agentdid.clock import FixedClock
from agentdid.delegation.link import ParentLink, build_link, secure_link
from agentdid.limits import DEFAULT
from agentdid.present.presentation import make_presentation
from agentdid.sources.source import RecordedSource
from agentdid.status.bitstring import build_list_credential
from agentdid.storage.audit_log import AuditLog
from agentdid.trust.anchors import Trust
from agentdid.verifier.service import Verifier
from agentdid.verify.memory import Memory
from agentdid.verify.structure import read_chain
from bench.measure import CALLS, Row, Work, added, compare
from bench.verify import AUDIENCE, NOW, SUITE, _party, capability, data_integrity

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentdid.keys.secret import SecretKey

DEPTH: Final = 5
DID: Final = "did:web:partner.example"
FORMS: Final = {"SD-JWT": ("vc+sd-jwt", "vp+jwt"), "JCS": ("eddsa-jcs-2022", "eddsa-jcs-2022")}
_PUBLIC, _SECRET = crypto_sign_seed_keypair(b"f" * 32)
Party = tuple["SecretKey", str, str]


def _list_url(name: str) -> str:
    return f"https://status.{name}.example/status/1"


def _parties(series: int) -> list[tuple[str, Party]]:
    names = [f"{role}-{series}" for role in ("acme", "a", "b", "c", "d", "leaf")]
    return [(name, _party(name)) for name in names]


def _chain(form: str, parties: list[tuple[str, Party]]) -> list[str | dict[str, object]]:
    """A root and as many children as there are parties, every link with its own status list."""
    chain: list[str | dict[str, object]] = []
    parent = None
    for place, ((name, issuer), (_, subject)) in enumerate(itertools.pairwise(parties)):
        wanted = capability()
        wanted["root"] = wanted["principal"] = parties[0][1][1]
        wanted["delegation"] = {"maxDepth": 8}
        grants: list[dict[str, object]] = wanted["grants"]  # type: ignore[assignment]  # one grant
        grants[0] |= {"id": f"g{place}", "from": None if place == 0 else f"g{place - 1}"}
        url = _list_url(name)
        status = {
            "id": f"{url}#94567",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": "94567",
            "statusListCredential": url,
        }
        begin = NOW - timedelta(hours=2) + timedelta(minutes=place)
        document = build_link(
            issuer=issuer[1], subject=subject[1], capability=wanted, at=begin, ttl=timedelta(hours=9 - place),
            parent=parent, status=status,
        )  # fmt: skip
        chain.append(secure_link(document, issuer[0], issuer[2], form=form, at=begin))
        leaf = read_chain(chain, DEFAULT)[-1]
        if leaf.capability is None:
            raise TypeError("a link has a capability")
        parent = ParentLink(leaf.credential, leaf.capability, leaf.secured.digest)
    return chain


def _lists(parties: list[tuple[str, Party]]) -> dict[str, dict[str, object]]:
    lists = {}
    for name, (secret, did, method_id) in parties[:-1]:
        document = build_list_credential(_list_url(name), did, ["revocation"], bytes(16_384), valid_from=NOW)
        lists[_list_url(name)] = data_integrity.add_proof(document, secret, method_id, SUITE, created=NOW)
    return lists


def _verifier(
    lists: dict[str, dict[str, object]], roots: list[str], memory: Memory, audit: AuditLog | None = None,
    receipts: ReceiptKey | None = None, policy: dict[str, object] | None = None,
) -> Verifier:  # fmt: skip
    trust = Trust.parse(
        {
            "audience": AUDIENCE,
            "did": DID,
            "resource": [{"prefix": f"{AUDIENCE}/", "root": roots[0]}],
            "anchor": [
                {"did": root, "types": ["AgentCapabilityCredential"], "roots": [root], "actions": ["invoice.*"]}
                for root in roots
            ],
            **({} if policy is None else {"policy": policy}),
        }
    )
    return Verifier(
        trust, source=RecordedSource.load(lists, NOW), clock=FixedClock(NOW), memory=memory, audit=audit,
        receipts=receipts,
    )  # fmt: skip


def _present(chain: list[str | dict[str, object]], leaf: Party, form: str, nonce: str) -> bytes:
    return make_presentation(
        chain, holder=leaf[1], signer=leaf[0], method_id=leaf[2], audience=AUDIENCE, challenge=nonce, at=NOW, form=form
    ).encode()


def _lengths(chain: list[str | dict[str, object]], presented: bytes) -> list[int]:
    """Return the lengths of what the six signatures of a presented chain are over."""
    lengths = [len(link.secured.signatures[0].message) for link in read_chain(chain, DEFAULT)]
    return [*lengths, len(presented.rpartition(b".")[0]) if presented[:1] == b"e" else lengths[0]]


def floor_of(lengths: list[int]) -> Work:
    """Return what a figure is a ratio to: bare verifications over messages of these lengths."""
    signed = [crypto_sign(b"m" * length, _SECRET) for length in lengths]

    def call(each: list[bytes]) -> None:
        for one in each:
            crypto_sign_open(one, _PUBLIC)

    return Work(lambda: [signed] * CALLS, call, 1.0)


def _works(name: str, depth: int) -> tuple[Work, Work, Work]:
    """Return the floor of a chain, the chain as never seen before, and the chain presented again."""
    form, around = FORMS[name]
    parties = _parties(0)[-depth - 1 :]
    chain = _chain(form, parties)
    lists, roots = _lists(parties), [parties[0][1][1]]
    numbers = itertools.count()
    leaf = parties[-1][1]

    def presentations() -> list[tuple[bytes, str]]:
        nonces = [f"nonce-{name}-{depth}-{next(numbers)}" for _ in range(CALLS)]
        return [(_present(chain, leaf, around, nonce), nonce) for nonce in nonces]

    def judging(verifier: Verifier) -> Callable[[Any], object]:
        return lambda each: verifier.verify(each[0], challenge=each[1])

    new, again = _verifier(lists, roots, Memory(max_links=0)), _verifier(lists, roots, Memory())
    lengths = _lengths(chain, presentations()[0][0])
    bar = 1.6 if depth == DEPTH else 100.0
    return floor_of(lengths), Work(presentations, judging(new), bar), Work(presentations, judging(again), 3.2)


def rows() -> list[Row]:
    """Return the figures."""
    found = []
    for name in FORMS:
        six, new, again = _works(name, DEPTH)
        title = f"{DEPTH} links + presentation + statuses, {name}"
        found += compare(six, {f"{title}: over {DEPTH + 1} verifies": new})
        one = Work(floor_of([64]).prepare, floor_of([64]).call, 1.0)
        found += compare(one, {f"{title}, links cached: over one verify": again})
        found.append(_linear(name))
    return found + _kept()


def _kept() -> list[Row]:
    """What a record and a receipt add to the decision on a chain, over one verify, each beside the same unrecorded.

    The log takes each line in a write of its own under its lock, and signs and syncs a checkpoint every 1,000 entries;
    it does not wait for the disk at each entry (`durable=False`), which is the disk's time and not ours. The second row
    is with the evidence, all that a replay needs.
    """
    form, around = FORMS["SD-JWT"]
    parties = _parties(0)
    chain, leaf = _chain(form, parties), parties[-1][1]
    key = ReceiptKey(parties[0][1][0], f"{DID}#key-1")
    numbers = itertools.count()

    def presentations() -> list[tuple[bytes, str]]:
        nonces = [f"nonce-kept-{next(numbers)}" for _ in range(CALLS)]
        return [(_present(chain, leaf, around, nonce), nonce) for nonce in nonces]

    with tempfile.TemporaryDirectory() as folder:
        works, logs = {}, []
        for name, evidence in (("plain", None), ("kept", False), ("evidence", True)):
            log = None
            if evidence is not None:
                log = AuditLog.open(Path(folder) / name, key.signer, owner=DID, durable=False, evidence=evidence)
                logs.append(log)
            verifier = _verifier(
                _lists(parties), [parties[0][1][1]], Memory(), audit=log, receipts=None if log is None else key
            )
            works[name] = Work(presentations, lambda each, judge=verifier.verify: judge(each[0], challenge=each[1]), 0)  # type: ignore[misc]
        rows = [
            added(floor_of([64]), works["plain"], works["kept"], "receipt and log entry, over one verify", 1.0),
            added(floor_of([64]), works["plain"], works["evidence"], "receipt, log entry and evidence", 3.0),
        ]
        for log in logs:
            log.close()
    return rows


def _linear(name: str) -> Row:
    """A link more costs what a link costs: the time of 5 links over 2, beside what a line through 1 and 2 says."""
    one, two, five = (_works(name, depth)[1] for depth in (1, 2, DEPTH))
    base = compare(one, {"two": Work(two.prepare, two.call, 9.0), "five": Work(five.prepare, five.call, 9.0)})
    step = base[0].figure - 1.0
    expected = 1.0 + step * (DEPTH - 1)
    return Row(
        f"growth of {DEPTH} links over the line through 1 and 2, {name}",
        base[1].figure / expected, base[1].low / expected, base[1].high / expected, base[1].microseconds, 1.15,
    )  # fmt: skip
