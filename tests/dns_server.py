"""A real name server on loopback that answers as it is told: a list of answers for each name, one a look-up.

`DnsServer.resolver` is what a `GuardedFetcher` takes: it asks over UDP, as the system's resolver would. The last answer
of a list stays; `SILENCE` is none at all, and a name that is not there does not exist (RFC 1035 section 4.1).
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

SILENCE: Final[tuple[str, ...]] = ("silence",)
_A, _AAAA, _IN = 1, 28, 1
_RESPONSE, _NO_SUCH_NAME = 0x8180, 0x8183


class DnsServer:
    """Serves `names`: each name's answers, in turn, an answer being all addresses of the name at that time."""

    def __init__(self, names: dict[str, list[tuple[str, ...]]]) -> None:
        self.names = {name: list(answers) for name, answers in names.items()}
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._stopped = threading.Event()

    def resolver(self, host: str, _port: int) -> list[str]:
        """Return all addresses of a name: one query for each family, both answered from one state of the name."""
        found = [address for kind in (_A, _AAAA) for address in self._ask(host, kind)]
        answers = self.names.get(host, [])
        if len(answers) > 1:
            answers.pop(0)
        return found

    def __enter__(self) -> Self:
        """Begin to serve."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self._stopped.set()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as knock:
            knock.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _ask(self, host: str, kind: int) -> list[str]:
        number = secrets.randbelow(0x10000)
        labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in host.split(".")) + b"\0"
        query = struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">2H", kind, _IN)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(2)
            asking.sendto(query, self._socket.getsockname())
            try:
                reply = asking.recv(4_096)
            except TimeoutError as error:
                raise socket.gaierror(socket.EAI_AGAIN, "no answer") from error
        back, flags, _, count, _, _ = struct.unpack(">6H", reply[:12])
        if back != number or flags == _NO_SUCH_NAME:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        found, at = [], len(query)
        for _ in range(count):
            _, _, _, _, length = struct.unpack(">HHHIH", reply[at : at + 12])
            found.append(str(ipaddress.ip_address(reply[at + 12 : at + 12 + length])))
            at += 12 + length
        return found

    def _serve(self) -> None:
        """Answer each datagram until told to stop."""
        while not self._stopped.is_set():
            with suppress(OSError):
                query, asker = self._socket.recvfrom(4_096)
                reply = self._reply(query) if query else None
                if reply is not None:
                    self._socket.sendto(reply, asker)

    def _reply(self, query: bytes) -> bytes | None:
        number, at, labels = query[:2], 12, []
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode("ascii"))
            at += 1 + query[at]
        question = query[12 : at + 5]
        (kind,) = struct.unpack(">H", question[-4:-2])
        name = ".".join(labels)
        self.asked.append(name)
        if name not in self.names:
            return number + struct.pack(">5H", _NO_SUCH_NAME, 1, 0, 0, 0) + question
        addresses = self.names[name][0]
        if addresses == SILENCE:
            return None
        version = 4 if kind == _A else 6
        packed = [ip.packed for ip in map(ipaddress.ip_address, addresses) if ip.version == version]
        # 0xC00C points back at the name in the question (RFC 1035 §4.1.4)
        records = b"".join(struct.pack(">HHHIH", 0xC00C, kind, _IN, 0, len(raw)) + raw for raw in packed)
        return number + struct.pack(">5H", _RESPONSE, 1, len(packed), 0, 0) + question + records
