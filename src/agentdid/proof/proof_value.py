"""Parts of the proof values of selective suites: a header of three bytes, then one CBOR array.

Every form that is not the one of the specification is `derived_proof_malformed`, of base proofs too.

Spec: vc-di-ecdsa section 3.5; vc-di-bbs section 3.3.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from agentdid.codec.cbor import decode_cbor
from agentdid.errors import DerivedProofMalformed, EncodingInvalid

_MAX_LABEL: Final = 0xFFFF
"""Blank nodes that can stand in one input: each takes several bytes of `Limits.max_input_bytes`."""


def read_parts(octets: bytes, header: bytes, count: int) -> list[object]:
    """Return the elements of a proof value with this header and this many of them. Raises `DerivedProofMalformed`."""
    if octets[: len(header)] != header:
        raise DerivedProofMalformed("a proof value of another suite or feature")
    try:
        parts = decode_cbor(octets[len(header) :])
    except EncodingInvalid as error:
        raise DerivedProofMalformed(error.detail) from None
    if type(parts) is not list or len(parts) != count:
        raise DerivedProofMalformed(f"expected an array of {count} elements")
    return parts


def part_of(value: object, length: int | None = None) -> bytes:
    """Return a byte string, of this length. Raises `DerivedProofMalformed`."""
    if type(value) is not bytes or (length is not None and len(value) != length):
        raise DerivedProofMalformed("expected bytes" if length is None else f"expected {length} bytes")
    return value


def read_pointers(value: object) -> tuple[str, ...]:
    """Return a list of texts. Raises `DerivedProofMalformed`."""
    if type(value) is not list or not all(type(each) is str for each in value):
        raise DerivedProofMalformed("expected a list of JSON Pointers")
    return tuple(value)


def check_positions(value: object) -> tuple[int, ...]:
    """Return a list of ascending positions. Raises `DerivedProofMalformed`."""
    if type(value) is not list or not all(type(each) is int and each >= 0 for each in value):
        raise DerivedProofMalformed("expected a list of positions")
    if any(before >= after for before, after in pairwise(value)):
        raise DerivedProofMalformed("expected ascending positions, each once")
    return tuple(value)


def read_labels(value: object) -> dict[str, object]:
    """Return a compressed map of labels: `c14n0`, `c14n1`, … without a gap. Raises `DerivedProofMalformed`.

    Spec: vc-di-ecdsa section 3.5.5.
    """
    if type(value) is not dict or len(value) > _MAX_LABEL or set(value) != set(range(len(value))):
        raise DerivedProofMalformed("expected a map from the numbers of canonical labels, without a gap")
    return {f"c14n{number}": label for number, label in value.items()}


def read_number(value: object) -> int:
    """Return the number of a replaced label. Raises `DerivedProofMalformed`."""
    if type(value) is not int or not 0 <= value <= _MAX_LABEL:
        raise DerivedProofMalformed("expected the number of a label")
    return value
