"""Unpacking what a sender packed: one compressed member, at most so many bytes, and nothing behind it."""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import Final

from agentdid.errors import StatusListTooLarge, StatusMalformed

GZIP: Final = zlib.MAX_WBITS | 16
"""RFC 1952, and no other wrapper (zlib.h, inflateInit2): what Bitstring Status List says."""
ZLIB: Final = zlib.MAX_WBITS
"""RFC 1950: what Token Status List says."""
_NAMES: Final = {GZIP: "gzip", ZLIB: "zlib"}
_PIECE_BYTES: Final = 1 << 20


def pack(octets: bytes, wrapper: int) -> bytes:
    """Return the octets packed; the same octets give the same bytes: gzip's time stamp stays zero."""
    return zlib.compress(octets, 9, wrapper)


def unpack(packed: bytes, wrapper: int, max_bytes: int, path: str) -> bytes:
    """Return what one compressed member holds, without ever holding more than `max_bytes` of it.

    Raises:
        StatusMalformed: Not such a member, cut short, or with anything behind it.
        StatusListTooLarge: It holds more than `max_bytes`.

    Spec: ATTACKS K16.
    """
    member = zlib.decompressobj(wrapper)
    try:
        piece = member.decompress(packed, min(_PIECE_BYTES, max_bytes + 1))
        if member.eof:
            octets = piece
        else:
            # A long list comes in pieces: asked for at once, zlib would hold it twice while it joins its blocks.
            whole = BytesIO()
            while piece and whole.tell() <= max_bytes:
                whole.write(piece)
                piece = member.decompress(member.unconsumed_tail, _PIECE_BYTES)
            octets = whole.getvalue()
    except zlib.error:
        raise StatusMalformed(f"not a {_NAMES[wrapper]} member", path=path) from None
    if len(octets) > max_bytes:
        raise StatusListTooLarge(f"unpacks to more than {max_bytes} bytes", path=path)
    if not member.eof:
        raise StatusMalformed(f"the {_NAMES[wrapper]} member is cut short", path=path)
    if member.unused_data:
        raise StatusMalformed(f"something stands behind the {_NAMES[wrapper]} member", path=path)
    return octets
