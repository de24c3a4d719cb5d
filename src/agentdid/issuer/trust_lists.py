"""An issuer's trust lists as files: each comes after the one that it takes the place of."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, final

from msgspec import structs

from agentdid.codec.strict_json import parse
from agentdid.issuer.lists import write_file
from agentdid.limits import DEFAULT
from agentdid.proof.jws import is_compact
from agentdid.record import Value
from agentdid.trust.publication import make_trust_list, next_after, sign_trust_list
from agentdid.trust.trust_list import find_sequence
from agentdid.verify.structure import read_credential

if TYPE_CHECKING:
    from pathlib import Path

    from agentdid.issuer.issuer import Issuer
    from agentdid.trust.publication import Description


@final
class Published(Value, frozen=True):
    """A list that was written: where it belongs, its sequence, and the id to revoke it by, if it can be."""

    url: str
    sequence: int
    credential_id: str | None


def publish_trust_list(
    issuer: Issuer, described: Description, place: Path, *, form: str | None = None, revocable: bool = False
) -> Published:
    """Sign a list and write it to a file, in whose place a reader sees the old one or the new one, whole.

    Args:
        issuer: Who signs it.
        described: What it says. Its sequence is greater than that of the list in the file, whatever it says.
        place: The file that is served at its URL.
        form: One of `trust.publication.FORMS`.
        revocable: Whether it gets a status of its own: `Issuer.revoke` takes the id that is returned.

    Raises:
        TypeMismatch, DidInvalid: A reader would not take it.
        ValueError: A form that the issuer's key does not sign.
    """
    if place.exists():
        described = next_after(described, _sequence(place.read_bytes()))
    at = issuer.clock.now().replace(microsecond=0)
    document = make_trust_list(described, issuer.did, at=at)
    sequence = find_sequence(document)
    credential_id = f"{described.url}#{sequence}" if revocable else None
    if credential_id is not None:
        status = issuer.allot_status(
            credential_id,
            described.url,
            issued_at=at,
            valid_until=at + timedelta(seconds=described.ttl_s),
        )
        document = make_trust_list(structs.replace(described, sequence=sequence), issuer.did, at=at, status=status)
    signer, method_id = issuer.signing_key(at)
    write_file(place, sign_trust_list(document, signer, method_id, at=at, form=form))
    return Published(described.url, sequence, credential_id)


def _sequence(body: bytes) -> int:
    """Return the sequence of the list in a file. Raises what reading it raises: another file is not overwritten."""
    limits = structs.replace(
        DEFAULT, max_input_bytes=DEFAULT.max_status_list_bytes, max_members=DEFAULT.max_trust_list_members
    )
    text = body.strip()
    value = text.decode("ascii") if is_compact(text) else parse(text, limits).value
    return find_sequence(read_credential(value, plain=False, limits=limits).document)
