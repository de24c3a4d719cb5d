"""The `AgentVP` challenge of a 401 answer, and the checks a client makes before it signs anything for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, final
from urllib.parse import urlsplit

from agentdid.errors import AudienceMismatch, HeaderInvalid
from agentdid.present.exchange import SCHEME, origin
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

# RFC 9110 §11.6.1: a scheme, then comma-separated name="quoted-string" parameters. Ours never need escapes.
_CHALLENGE: Final = re.compile(r'(?:^|,\s*)AgentVP\s+((?:[a-z_]+="[^"\\\x00-\x1f\x7f]*"(?:\s*,\s*(?=[a-z_]+="))?)+)')
_PARAMETER: Final = re.compile(r'([a-z_]+)="([^"]*)"')
_MAX_HEADER: Final = 4_096


@final
class Challenge(Value, frozen=True):
    """What a partner asks for before it answers.

    Attributes:
        nonce: To be presented back once.
        audience: What the presentation must name, byte for byte.
        dcql: Where to read what must be disclosed; `None` when nothing more is said.
    """

    nonce: str
    audience: str
    dcql: str | None = None

    def encode(self) -> str:
        """Return the value of `WWW-Authenticate`."""
        parameters = {"nonce": self.nonce, "aud": self.audience, "dcql": self.dcql}
        shown = ", ".join(f'{name}="{value}"' for name, value in parameters.items() if value is not None)
        return f"{SCHEME} {shown}"

    @classmethod
    def find(cls, headers: Sequence[str]) -> Challenge | None:
        """Return the challenge among `WWW-Authenticate` values, or `None` when nobody asks for a presentation.

        Raises:
            HeaderInvalid: An `AgentVP` challenge without nonce or audience, or with a parameter twice.
        """
        for header in headers:
            found = _CHALLENGE.search(header[:_MAX_HEADER])
            if found is None:
                continue
            pairs = _PARAMETER.findall(found.group(1))
            parameters = dict(pairs)
            if len(parameters) != len(pairs) or not parameters.get("nonce") or not parameters.get("aud"):
                raise HeaderInvalid("expected an AgentVP challenge with one nonce and one aud")
            return cls(parameters["nonce"], parameters["aud"], parameters.get("dcql"))
        return None

    def check_for(self, url: str) -> None:
        """Hold that this challenge comes from, and points back to, the origin that was called.

        Raises:
            AudienceMismatch: It asks to sign for somebody else, or to read the query elsewhere.

        Spec: specs/presentation-over-http.md H5.
        """
        here = origin(url)
        if self.audience != here:
            raise AudienceMismatch("the challenge names another audience than the origin that was called")
        if self.dcql is not None and (origin(self.dcql) != here or urlsplit(self.dcql).fragment):
            raise AudienceMismatch("the challenge points to another origin for its query")
