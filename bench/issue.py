"""Issuing, beside one Ed25519 verification by libsodium: unsigned credential in, secured text out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentdid.codec.strict_json import encode
from agentdid.secure import data_integrity, sd_jwt
from bench.measure import CALLS, Row, Work, compare
from bench.verify import CLAIMS, ISSUER, NOW, SUITE, credential, floor

if TYPE_CHECKING:
    from typing import Any


def _jcs() -> Work:
    def call(document: Any) -> object:  # noqa: ANN401  # what `credential` returns
        return encode(data_integrity.add_proof(document, ISSUER[0], ISSUER[2], SUITE, created=NOW))

    return Work(lambda: [credential() for _ in range(CALLS)], call, 0.8)


def _sd_jwt() -> Work:
    paths = [("credentialSubject", name) for name in CLAIMS]

    def call(document: Any) -> object:  # noqa: ANN401  # as above
        return sd_jwt.issue(document, ISSUER[0], ISSUER[2], disclosable=paths)

    return Work(lambda: [credential() for _ in range(CALLS)], call, 1.1)


def works() -> dict[str, Work]:
    """Return what is timed, by row."""
    return {
        "issue an eddsa-jcs-2022 credential": _jcs(),
        f"issue an SD-JWT, all {len(CLAIMS)} claims disclosable": _sd_jwt(),
    }


def rows() -> list[Row]:
    """Return the figures."""
    return compare(floor(), works())
