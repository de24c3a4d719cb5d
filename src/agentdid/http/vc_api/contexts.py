"""Contexts that official suites use and the package does not carry: known to this instance alone."""

from __future__ import annotations

from importlib import resources
from typing import Final

from agentdid.canon.contexts import register
from agentdid.canon.term_table import rebuild_context
from agentdid.codec.strict_json import encode, parse

# credentials/examples/v1 stands on it; the table is made from @digitalbazaar/odrl-context 1.0.0 (BSD-3-Clause)
_ODRL: Final = "https://www.w3.org/ns/odrl.jsonld"
_SHA256: Final = "2b562fab3094db29263303e2bf7314c657ea844dcb58ec6953107692f9546759"


def register_contexts() -> None:
    """Make them known; a table that is not the one of this version is refused.

    Raises:
        ValueError: The installation has been changed.
    """
    table = parse(resources.files("agentdid.http.vc_api").joinpath("odrl.json").read_bytes()).value
    register(_ODRL, encode(rebuild_context(table)), _SHA256)  # type: ignore[arg-type]  # layers, by the digest
