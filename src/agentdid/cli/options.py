"""Options that several verbs share, and how their values are read. No secret is ever an argument."""

from __future__ import annotations

import os
import re
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from agentdid.codec.instant import parse_instant
from agentdid.codec.strict_json import parse
from agentdid.errors import AgentdidError
from agentdid.limits import DEFAULT
from agentdid.proof.jws import is_compact
from agentdid.sources.source import NetworkSource, RecordedSource
from agentdid.trust.anchors import Trust

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agentdid.keys.secret import Signer
    from agentdid.sources.resolver import Resolver
    from agentdid.verify.needs import Source

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
PassphraseFd = Annotated[int | None, typer.Option("--passphrase-fd", help="Read the passphrase from this descriptor.")]
PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", help="Read the passphrase from the first line of this file.")
]
TrustFile = Annotated[Path | None, typer.Option("--trust", help="The trust policy (trust.toml).")]
SourcesFile = Annotated[
    Path | None, typer.Option("--sources", help="JSON: URL or DID to its answer, instead of the network.")
]
KeyUri = Annotated[
    str | None,
    typer.Option("--signer", help="Where the signing key lives: a PKCS#11 URI (RFC 7512) with its module-path."),
]
NewKey = Annotated[bool, typer.Option("--new-key", help="With --signer: make the key there now.")]
MarksFile = Annotated[Path | None, typer.Option("--marks", help="Remember here the versions seen of did:webvh.")]
LogKey = Annotated[
    str | None, typer.Option("--key", help="The key of the log's checkpoints (Multikey); else the one it names itself.")
]
Output = Annotated[Path | None, typer.Option("--out", help="Write here instead of to stdout.")]

ALGORITHMS: Final = {
    "ed25519": "Ed25519",
    "p256": "P-256",
    "p384": "P-384",
    "p521": "P-521",
    "mldsa44": "ML-DSA-44",
    "mldsa65": "ML-DSA-65",
    "mldsa87": "ML-DSA-87",
    "composite": "ML-DSA-44-Ed25519",
    "composite65": "ML-DSA-65-Ed25519",
}
ISSUER_ALGORITHMS: Final = ALGORITHMS | {"bls": "BLS12-381-G2"}
"""Those and the keys that sign nothing but credentials."""
_VARIABLE: Final = "AGENTDID_PASSPHRASE"
_PIN_VARIABLE: Final = "AGENTDID_PIN"
_DURATION: Final = re.compile(r"([1-9][0-9]{0,6})([smhd])")
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_MAX_FILE: Final = 16 * DEFAULT.max_input_bytes


def read_passphrase(descriptor: int | None, file: Path | None, *, new: bool = False) -> str:
    """Return the passphrase from a descriptor, a file, the environment or, at a terminal, a prompt.

    Raises:
        ValueError: It is empty, or there is nobody to ask.
    """
    if descriptor is not None:
        with os.fdopen(os.dup(descriptor), encoding="utf-8") as stream:
            found = stream.readline().rstrip("\r\n")
    elif file is not None:
        with file.open(encoding="utf-8") as stream:
            found = stream.readline().rstrip("\r\n")
    elif _VARIABLE in os.environ:
        found = os.environ[_VARIABLE]
    elif sys.stdin.isatty():
        found = getpass("Passphrase: ")
        if new and getpass("Again: ") != found:
            raise ValueError("the two passphrases differ")
    else:
        message = f"a passphrase is needed: --passphrase-fd, --passphrase-file or {_VARIABLE}"
        raise ValueError(message)
    if not found:
        raise ValueError("the passphrase is empty")
    return found


def read_pin() -> str:
    """Return a token's PIN from the environment or, at a terminal, a prompt. Raises `ValueError`: nobody to ask."""
    if _PIN_VARIABLE in os.environ:
        return os.environ[_PIN_VARIABLE]
    if sys.stdin.isatty():
        return getpass("PIN of the token: ")
    message = f"the token's PIN is needed: pin-source in the PKCS#11 URI, or {_PIN_VARIABLE}"
    raise ValueError(message)


@contextmanager
def read_signer(uri: str | None, algorithm: str, *, new: bool) -> Iterator[Signer | None]:
    """Yield the signer that `--signer` names, open; `None` where none is named.

    Args:
        uri: The option's value.
        algorithm: Of a key that is made now.
        new: Whether it is.

    Raises:
        ValueError: No PKCS#11 URI, or `--new-key` without one.
        AgentdidError: By the token.
    """
    if uri is None:
        if new:
            raise ValueError("--new-key goes with --signer")
        yield None
        return
    from agentdid.keystores.reference import open_signer, parse_reference  # noqa: PLC0415  # few keys live elsewhere

    signer = open_signer(parse_reference(uri), pin=read_pin, make=algorithm if new else None)
    try:
        yield signer
    finally:
        signer.close()


def read_input(name: str) -> bytes:
    """Return the bytes of a file, or of stdin for `-`: more than any input may have, so that its size is judged."""
    if name == "-":
        return sys.stdin.buffer.read(_MAX_FILE)
    with Path(name).open("rb") as stream:
        return stream.read(_MAX_FILE)


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        ValueError: It holds something else.
        Malformed: Not strict JSON.
    """
    value = parse(path.read_bytes()).value
    if not isinstance(value, dict):
        message = f"{path}: expected a JSON object"
        raise ValueError(message)
    return value


def read_credentials(data: bytes) -> list[Any]:
    """Return the credentials in a file: one compact token, one JSON object, or a JSON array of either, root first.

    Raises:
        Malformed: Neither.
    """
    text = data.strip()
    if is_compact(text):
        return [text.decode("utf-8", "replace")]
    value = parse(text).value
    return value if isinstance(value, list) else [value]


def read_trust(path: Path | None) -> Trust:
    """Return the policy of a trust file, or the one that believes nobody."""
    return Trust.nobody() if path is None else Trust.load(path)


def read_source(path: Path | None, trust: Trust, held_at: datetime) -> Source:
    """Return the recorded answers of a file, or the network through its guard."""
    if path is not None:
        try:
            return RecordedSource.load(path, held_at)
        except AgentdidError as error:
            message = f"{path}: {error}"
            raise ValueError(message) from None
    return NetworkSource(allow=trust.fetch_allow, ca=trust.fetch_ca, limits=trust.limits)


def read_resolver(sources: Path | None, trust: Trust, marks: Path | None = None) -> Resolver:
    """Return the resolver over recorded answers, or over the network through its guard.

    Args:
        sources: The recorded answers.
        trust: Bounds, exceptions to the guard, and who may be asked for other methods.
        marks: Where the versions seen of did:webvh are kept; otherwise in memory, as long as the process runs.
    """
    from agentdid.sources.resolver import Resolver  # noqa: PLC0415  # only where DIDs are resolved for others
    from agentdid.storage.marks import MemoryMarks, SqlMarks  # noqa: PLC0415

    seen = MemoryMarks(forgets=True) if marks is None else SqlMarks.open(marks)
    return Resolver(read_source(sources, trust, now()), limits=trust.limits, universal=trust.resolver, marks=seen)


def read_duration(text: str) -> timedelta:
    """Return the duration that `90s`, `10m`, `1h` or `2d` writes. Raises `ValueError`."""
    found = _DURATION.fullmatch(text)
    if found is None:
        message = f"expected a duration such as 90s, 10m, 1h or 2d, got {text!r}"
        raise ValueError(message)
    return timedelta(seconds=int(found.group(1)) * _UNITS[found.group(2)])


def read_instant(text: str | None) -> datetime | None:
    """Return the instant that RFC 3339 text writes, or `None`. Raises `ValueError`."""
    if text is None:
        return None
    try:
        return parse_instant(text.upper(), "")
    except AgentdidError as error:
        raise ValueError(error.detail) from None


def read_algorithm(name: str, known: Mapping[str, str] = ALGORITHMS) -> str:
    """Return the key algorithm of a `--key` value. Raises `ValueError`."""
    if name not in known:
        message = f"--key is one of {', '.join(known)}, got {name!r}"
        raise ValueError(message)
    return known[name]


def now() -> datetime:
    """Return the machine's time in UTC."""
    return datetime.now(UTC)


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read. Raises `OSError` when it exists."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
