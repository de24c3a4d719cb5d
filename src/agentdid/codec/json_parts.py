"""A JSON object's text with one of its arrays apart: elements that were read before need not be read again."""

from __future__ import annotations

from typing import Final

import msgspec

_decode_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_elements: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode: Final = msgspec.json.Encoder().encode
_EMPTY: Final = msgspec.Raw(b"[]")
_OTHERWISE: Final = (KeyError, msgspec.MsgspecError, UnicodeError, RecursionError)


def split(octets: bytes, name: str) -> tuple[bytes, list[bytes]] | None:
    """Return a compact object's text in which the array of that name is empty, and the texts of its elements.

    Nothing is lost: put back into the array, the elements give the text byte for byte, so a text is strict JSON if and
    only if these are (`strict_json.parse`), depths added. `None` where the object is not written so: it has white
    space around what it is split at, the member twice, or no array there.
    """
    try:
        members = _decode_members(octets)
        array = members[name]
        elements = _decode_elements(array)
    except _OTHERWISE:
        return None
    if _encode(members) != octets or _encode(elements) != bytes(array):
        return None
    members[name] = _EMPTY
    return _encode(members), [bytes(each) for each in elements]
