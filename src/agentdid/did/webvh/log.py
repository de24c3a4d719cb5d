"""`did.jsonl`, line by line: the log is strict JSON Lines, every entry follows from the one before, or nothing does.

* A line is one strict JSON object of exactly the five members, ended by one LF; no blank line, no CR, no half line.
  Only the last LF may be missing: logs of other makers lack it.
* Numbers count up from 1, times grow, hashes chain, and a key that was authorized before signs each entry.
* What was verified once is not verified again: a log that begins with the bytes of a known one is read from there.

Spec: did:webvh 1.0, The DID Log File and Read (Resolve).
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast, final

from msgspec.json import decode

from agentdid.canon.jcs import canonicalize, canonicalize_plain
from agentdid.codec.base import decode_base58btc
from agentdid.codec.strict_json import parse
from agentdid.did.webvh.hashes import SHA_256, hash_inception
from agentdid.did.webvh.identifier import PLACEHOLDER, parse_identifier
from agentdid.did.webvh.parameters import Parameters, advance, begin
from agentdid.did.webvh.proof import read_proof, read_time
from agentdid.errors import AgentdidError, DidDeactivated, DidLogInvalid, FetchTooLarge
from agentdid.keys.many import find_false
from agentdid.limits import DEFAULT, Limits
from agentdid.record import Value

if TYPE_CHECKING:
    from datetime import datetime

    from agentdid.codec.strict_json import JsonText
    from agentdid.keys.many import Claim

_MEMBERS: Final = frozenset({"versionId", "versionTime", "parameters", "state", "proof"})
# As it is written: a number without leading zero, one dash, a SHA-256 multihash.
_VERSION_ID: Final = re.compile(r"([1-9][0-9]{0,8})-(Qm[1-9A-HJ-NP-Za-km-z]{44})")


@final
class Version(Value, frozen=True, eq=False, gc=False):
    """One verified entry of a log.

    Attributes:
        number: From 1.
        version_id: `number-entryHash`.
        time: When it took effect, as the controller says.
        time_text: As it is written.
        did: The `id` of its document.
        parameters: In force after it.
        line: The entry as it was served, without its line end.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"line"})

    number: int
    version_id: str
    time: datetime
    time_text: str
    did: str
    parameters: Parameters
    line: bytes

    @property
    def state(self) -> dict[str, Any]:
        """A fresh copy of the document; read when it is asked for, as most versions are never looked into."""
        return cast("dict[str, Any]", decode(self.line)["state"])


@final
class History(Value, frozen=True, eq=False):
    """A verified log.

    Attributes:
        content: Its lines, without the last line end.
        versions: Every entry, the first one first; never empty.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"content"})

    content: bytes
    versions: tuple[Version, ...]

    @property
    def scid(self) -> str:
        """Of every DID that the log has had."""
        return self.versions[0].parameters.scid

    @property
    def latest(self) -> Version:
        """The last entry."""
        return self.versions[-1]

    @property
    def deactivated(self) -> bool:
        """Whether the last entry ended the DID."""
        return self.latest.parameters.deactivated

    def has_witnesses(self) -> bool:
        """Whether any entry needs approval, so that the witness file must be had."""
        return any(each.parameters.witness.witnesses for each in self.versions)


def parse_log(body: bytes, *, known: History | None = None, limits: Limits = DEFAULT) -> History:
    """Return the verified history in a log, witnesses and clock aside.

    Args:
        body: The file as it was served.
        known: An earlier history; where `body` goes on from it, only what is new is verified.
        limits: `max_fetch_bytes`, `max_log_entries`, and those of each line.

    Raises:
        DidLogInvalid: The first entry that does not hold, by its place.
        DidDeactivated: The log goes on after its end.
        FetchTooLarge: Over the size or the number of entries.

    Spec: did:webvh 1.0, Read (Resolve) steps 1-8; ATTACKS J03, J05, J11, J13, J14, J18.
    """
    if len(body) > limits.max_fetch_bytes:
        raise FetchTooLarge(f"a log has at most {limits.max_fetch_bytes} bytes")
    content = body.removesuffix(b"\n")
    versions: list[Version] = []
    seen = b"" if known is None else known.content
    if known is not None and content.startswith(seen):
        if len(content) == len(seen):
            return known
        if content[len(seen) : len(seen) + 1] == b"\n":
            versions.extend(known.versions)
    lines = (content[len(seen) + 1 :] if versions else content).split(b"\n")
    if len(versions) + len(lines) > limits.max_log_entries:
        raise FetchTooLarge(f"a log has at most {limits.max_log_entries} entries")
    claims: list[Claim] = []
    numbers: list[int] = []
    failure: AgentdidError | None = None
    try:
        for line in lines:
            version, claimed = _read_entry(line, versions[-1] if versions else None, limits)
            versions.append(version)
            claims += claimed
            numbers += [version.number] * len(claimed)
    except (DidLogInvalid, DidDeactivated) as error:
        error.path = f"/{len(versions) + 1}{error.path}"
        failure = error
    # every entry before the one that failed is held to its signatures first: the first fault is the answer
    false = find_false(claims)
    if false is not None:
        raise DidLogInvalid("the proof does not hold", path=f"/{numbers[false]}/proof")
    if failure is not None:
        raise failure
    return History(content, tuple(versions))


def check_clock(history: History, latest: datetime) -> None:
    """Hold that no entry is from the future; times grow, so the last one speaks for all. Raises `DidLogInvalid`."""
    if history.latest.time > latest:
        raise DidLogInvalid("an entry is from the future", path=f"/{history.latest.number}/versionTime")


def _read_entry(line: bytes, previous: Version | None, limits: Limits) -> tuple[Version, list[Claim]]:
    """Return an entry that follows from the one before, and the signatures that it rests on."""
    number = 1 if previous is None else previous.number + 1
    text = _parse_line(line, limits)
    entry = cast("dict[str, Any]", text.value)
    if entry.keys() != _MEMBERS:
        raise DidLogInvalid("an entry has versionId, versionTime, parameters, state and proof")
    if previous is not None and previous.parameters.deactivated:
        raise DidDeactivated("the log goes on after the DID was deactivated")
    raw, state, version_id = entry["parameters"], entry["state"], entry["versionId"]
    if type(raw) is not dict or type(state) is not dict:
        raise DidLogInvalid("parameters and state are objects")
    try:
        parameters = begin(raw) if previous is None else advance(previous.parameters, raw)
    except DidLogInvalid as error:
        error.path = "/parameters"
        raise
    found = _VERSION_ID.fullmatch(version_id) if type(version_id) is str else None
    if found is None or int(found[1]) != number:
        raise DidLogInvalid(f"expected the versionId {number}-…", path="/versionId")
    time = _parse_time(entry["versionTime"], previous)
    did = _check_state(state, previous, parameters)
    own, chained = _hash_body(entry, previous, parameters, plain=text.plain)
    if decode_base58btc(found[2]) != SHA_256 + chained:
        raise DidLogInvalid("the entry's hash is another one", path="/versionId")
    if previous is None:
        _check_inception(entry, line, parameters.scid)
    claims = _read_proofs(entry["proof"], own, _active_keys(previous, parameters), text.plain, limits)
    return Version(number, version_id, time, entry["versionTime"], did, parameters, line), claims


def _parse_line(line: bytes, limits: Limits) -> JsonText:
    # JSON would take white space around a value; a line of a log is the object alone.
    if line[:1] != b"{" or line[-1:] != b"}":
        raise DidLogInvalid("a line of a log is one JSON object and nothing else")
    try:
        return parse(line, limits)
    except AgentdidError as error:
        raise DidLogInvalid(f"a line is not strict JSON ({error.code})") from None


def _parse_time(value: object, previous: Version | None) -> datetime:
    if type(value) is not str:
        raise DidLogInvalid("versionTime is a string", path="/versionTime")
    try:
        time = read_time(value)
    except DidLogInvalid as error:
        error.path = "/versionTime"
        raise
    if previous is not None and time <= previous.time:
        raise DidLogInvalid("versionTime is after that of the entry before", path="/versionTime")
    return time


def _check_state(state: dict[str, Any], previous: Version | None, parameters: Parameters) -> str:
    """Return the DID that a document is about: the one before, or, for a portable DID, one that moved."""
    did = state.get("id")
    if previous is not None and did == previous.did:
        return previous.did
    path = "/state/id"
    if type(did) is not str:
        raise DidLogInvalid("the document's id is a string", path=path)
    try:
        found = parse_identifier(did)
    except AgentdidError as error:
        raise DidLogInvalid(f"the document's id is no did:webvh ({error.detail})", path=path) from None
    if found.scid != parameters.scid:
        raise DidLogInvalid("the document's id has another SCID", path=path)
    if previous is not None:
        if not (previous.parameters.portable and parameters.portable):
            raise DidLogInvalid("the DID is not portable, and moved", path=path)
        names = state.get("alsoKnownAs")
        if not isinstance(names, list) or previous.did not in names:
            raise DidLogInvalid("a DID that moved is alsoKnownAs what it was", path=path)
    return found.did


def _hash_body(
    entry: dict[str, Any], previous: Version | None, parameters: Parameters, *, plain: bool
) -> tuple[bytes, bytes]:
    """Return the digests of the entry without proof, under its own `versionId` and under its predecessor's.

    The canonical order of the four members is parameters, state, versionId, versionTime, and the last two are of
    known form: both texts share all but their ends, and so do their hashes.
    """
    body = {"parameters": entry["parameters"], "state": entry["state"]}
    head = (canonicalize_plain(body) if plain else canonicalize(body))[:-1]
    own = sha256(head)
    chained = own.copy()
    end = f'","versionTime":"{entry["versionTime"]}"}}'
    predecessor = parameters.scid if previous is None else previous.version_id
    own.update(f',"versionId":"{entry["versionId"]}{end}'.encode())
    chained.update(f',"versionId":"{predecessor}{end}'.encode())
    return own.digest(), chained.digest()


def _check_inception(entry: dict[str, Any], line: bytes, scid: str) -> None:
    # Two texts, one with the SCID and one with the placeholder itself, would have one SCID.
    if PLACEHOLDER.encode() in line:
        raise DidLogInvalid("a placeholder was left in the first entry")
    if hash_inception(entry, scid) != scid:
        raise DidLogInvalid("the SCID is another one", path="/parameters/scid")


def _active_keys(previous: Version | None, parameters: Parameters) -> tuple[str, ...]:
    """Return the keys that may sign an entry: its own only if committed to (did:webvh 1.0, Authorized Keys)."""
    if previous is None or previous.parameters.next_key_hashes:
        return parameters.update_keys
    return previous.parameters.update_keys


def _read_proofs(
    value: object, document_hash: bytes, keys: tuple[str, ...], plain: bool, limits: Limits
) -> list[Claim]:
    proofs = value if type(value) is list else [value]
    if not 0 < len(proofs) <= limits.max_proofs:
        raise DidLogInvalid(f"an entry has 1 to {limits.max_proofs} proofs", path="/proof")
    try:
        return [read_proof(proof, document_hash, keys, plain=plain) for proof in proofs]
    except DidLogInvalid as error:
        error.path = "/proof"
        raise
