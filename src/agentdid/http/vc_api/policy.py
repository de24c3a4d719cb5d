"""What this instance asks of a verifier's inputs: CONTRACT's "stated ways", said as data, here and nowhere else.

The checks are the product's (`agentdid.verify`); `CONFORMANCE` says which of the product's own demands they leave out.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from msgspec import structs

from agentdid.http.problems import problem
from agentdid.trust.anchors import Trust
from agentdid.trust.profile import Profile

if TYPE_CHECKING:
    from fastapi.responses import JSONResponse

    from agentdid.errors import AgentdidError

CONFORMANCE: Final = Profile(
    bound_subject=False,
    bound_audience=False,
    bound_time=False,
    credentials_presented=False,
    one_signer=False,
    defined_terms=True,
    vc_claims=True,
    any_context=True,
    any_disclosure=True,
    bare_digests=True,
)
LENIENT: Final = structs.replace(CONFORMANCE, issuer_signs=False)
"""For published vectors whose issuer is not the controller of the key (`--lenient-issuer`)."""
REFUSED: Final = 400
"""Every refusal, whoever acts next: what official suites wait for is 400 or 422."""


def trust_of(profile: Profile, domain: str | None = None) -> Trust:
    """Return the policy: any issuer and any carried context, and the audience that a request states, if it does."""
    return Trust(domain or "", "", MappingProxyType({}), any_issuer=True, profile=profile)


def refusal(error: AgentdidError) -> JSONResponse:
    """Return the problem details of a refusal, under the one status."""
    return problem(REFUSED, error.code, error.detail, kind=error.problem)
