"""Reading a day's evidence beside the entries that name it: in one pass, every byte looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from agentdid.audit.packed import decode_body, digest_of, read_line
from agentdid.record import Value
from agentdid.storage.evidence_files import TORN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agentdid.audit.record import Place

_MAX_HELD: Final = 64 << 20  # bytes of documents that are held for a day's bundles


@final
class Bundle(Value, frozen=True, eq=False):
    """What was found of an entry's evidence.

    Attributes:
        packed: The JSON of its line; `None` where there is none.
        fault: What is wrong with it; empty where nothing is.
        absent: Whether it is gone, which it may be.
    """

    packed: dict[str, Any] | None
    fault: str = ""
    absent: bool = False


@final
class DayReader:
    """One day's file, read from its beginning to its end as the entries come.

    Attributes:
        name: Of the file.
        faults: Offset and words for each line that was changed and is no entry's bundle.
        unnamed: The offsets of bundles that no entry names.
        broken: The offset of what a write left at the end; `None` where it came to its end.
    """

    def __init__(self, path: Path, *, keep: bool = False) -> None:
        """Begin.

        Args:
            path: Of the file.
            keep: Whether the documents are held for `find`.
        """
        self.name = path.name
        self.faults: list[tuple[int, str]] = []
        self.unnamed: list[int] = []
        self.broken: int | None = None
        self._stream = path.open("rb") if path.is_file() else None
        self._at = 0
        self._places: dict[str, tuple[int, int]] = {}
        self._held: dict[str, bytes] | None = {} if keep else None
        self._bytes = 0

    @property
    def is_there(self) -> bool:
        """Whether the day's evidence is kept."""
        return self._stream is not None

    def take(self, place: Place) -> Bundle:
        """Return the bundle of the next entry that names this day."""
        if self._stream is None:
            return Bundle(None, absent=True)
        self._pass(place.at)
        self._stream.seek(place.at)
        line = self._stream.read(place.length + 1)
        self._at = max(self._at, place.at + place.length + 1)
        if line[:-1].isspace() and len(line) == place.length + 1:
            return Bundle(None, absent=True)  # blanked, and nothing else moved
        if line[-1:] != b"\n" or digest_of(line[:-1]) != place.digest:
            return Bundle(None, "the evidence was changed")
        try:
            packed = read_line(line[:-1])
        except ValueError as error:
            return Bundle(None, str(error))
        lacking = [name for name in _names(packed) if name not in self._places]
        return Bundle(packed, f"the document {lacking[0]} of its evidence is gone or changed" if lacking else "")

    def find(self, name: str) -> bytes:
        """Return the body of a document that came before. Raises `KeyError`, `ValueError`."""
        if self._held is not None and name in self._held:
            return self._held[name]
        at, length = self._places[name]
        if self._stream is None:
            raise KeyError(name)
        back = self._stream.tell()
        self._stream.seek(at)
        found = decode_body(self._stream.read(length))
        self._stream.seek(back)
        if found is None:
            raise ValueError("no document stands there")
        self._hold(name, found[1])
        return found[1]

    def finish(self) -> None:
        """Read what comes after the last entry's bundle, and close the file."""
        if self._stream is not None:
            self._pass(None)
            self._stream.close()

    def _pass(self, end: int | None) -> None:
        """Look at the lines before an offset: documents, and what no entry names."""
        if self._stream is None:
            return
        self._stream.seek(self._at)
        for line in self._lines(end):
            at, self._at = self._at, self._at + len(line)
            text = line.removesuffix(b"\n")
            if end is None and len(text) == len(line):
                self.broken = at
                return
            if not text or text.endswith(TORN) or text.isspace():
                continue
            try:
                found = decode_body(text)
            except ValueError as error:
                self.faults.append((at, str(error)))
                continue
            if not line.endswith(b"\n"):
                self.faults.append((at, "the line is not ended"))
            if found is None:
                self.unnamed.append(at)
            else:
                self._places[found[0]] = (at, len(text))
                self._hold(*found)

    def _lines(self, end: int | None) -> Iterator[bytes]:
        while self._stream is not None and (end is None or self._at < end):
            line = self._stream.readline()
            if not line:
                return
            if end is not None and self._at + len(line) > end:
                # two lines that were made one, of which the second is an entry's
                line = line[: end - self._at]
            yield line

    def _hold(self, name: str, body: bytes) -> None:
        if self._held is None:
            return
        if self._bytes > _MAX_HELD:
            self._held.clear()
            self._bytes = 0
        self._held[name] = body
        self._bytes += len(body)


def _names(value: object) -> Iterator[str]:
    """Yield the digests that a packed bundle refers to."""
    if not isinstance(value, dict) or not isinstance(value.get("question"), dict):
        policy = value.get("policy") if isinstance(value, dict) else None
        if isinstance(policy, dict):
            yield policy["digest"]
        return
    yield value["question"]["trust"]["digest"]
    for row in value["answers"]:
        reply = row["reply"]
        for each in reply if isinstance(reply, list) else [reply]:
            if isinstance(each, dict) and "digest" in each:
                yield each["digest"]
