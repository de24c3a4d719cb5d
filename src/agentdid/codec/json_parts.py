"""A JSON object's text with one of its arrays apart: elements that were read before need not be read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

_OTHERWISE = (msgspec.MsgspecError, UnicodeError, RecursionError)


def splitter(name: str) -> Callable[[bytes], tuple[bytes, list[bytes]] | None]:
    """Return what takes an object's text apart at its member of that name.

    What it returns of a text is the text in which that array is empty, and the texts of the elements: put back into
    the array, they give the text byte for byte. `None` where the object has no such array, or white space between its
    elements. The array is the first of that name in the text, whatever it is inside of: so whoever parses what is
    around looks whether it was the object's own, and is empty there.
    """
    part = msgspec.defstruct("Part", [("elements", list[msgspec.Raw], msgspec.field(name=name))])
    decode = msgspec.json.Decoder(part).decode
    begin = b'"%b":[' % name.encode("ascii")

    def split(octets: bytes) -> tuple[bytes, list[bytes]] | None:
        try:
            elements: list[bytes] = list(map(bytes, decode(octets).elements))  # type: ignore[attr-defined]  # by its name
        except _OTHERWISE:
            return None
        array = b"[" + b",".join(elements) + b"]"
        start = octets.find(begin) + len(begin) - 1
        if not octets.startswith(array, start):
            return None
        return octets[: start + 1] + octets[start + len(array) - 1 :], elements

    return split
