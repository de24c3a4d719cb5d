"""The claim trees of sd-jwt-python, RFC 9901 and SD-JWT VC: hidden as marked, disclosed as asked, and as expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from agentdid.keys.secret import SecretKey
from agentdid.limits import DEFAULT
from agentdid.proof.disclosures import hide, open_payload
from agentdid.proof.jws import parse_jws, sign_jws
from agentdid.secure.sd_jwt import withhold
from tests.vectors_dir import vectors

if TYPE_CHECKING:
    from pathlib import Path

KEY = SecretKey.from_seed("Ed25519", bytes(32))
FOLDERS = {"sd-jwt-python-testcases": "testcases", "rfc9901-sd-jwt": "specifications", "sd-jwt-vc": "specifications"}


class Marked:
    """A key or an element that is tagged `!sd`."""

    def __init__(self, value: Any) -> None:  # noqa: ANN401  # any YAML value
        self.value = value

    def __hash__(self) -> int:
        return hash(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Marked) and self.value == other.value


class Loader(yaml.SafeLoader):
    """Safe YAML with `!sd`."""


def _marked(loader: Loader, node: yaml.Node) -> Marked:
    plain = {
        yaml.ScalarNode: lambda: loader.construct_object(_untagged(loader, node)),  # type: ignore[arg-type]
        yaml.SequenceNode: lambda: loader.construct_sequence(node, deep=True),  # type: ignore[arg-type]
        yaml.MappingNode: lambda: loader.construct_mapping(node, deep=True),  # type: ignore[arg-type]
    }
    return Marked(plain[type(node)]())


def _untagged(loader: Loader, node: yaml.ScalarNode) -> yaml.ScalarNode:
    tag = loader.resolve(yaml.ScalarNode, node.value, (node.style is None, False))
    return yaml.ScalarNode(tag, node.value, node.start_mark, node.end_mark, node.style)


Loader.add_constructor("!sd", _marked)
Loader.yaml_implicit_resolvers = {  # a date is a text here, as in JSON
    first: [(tag, pattern) for tag, pattern in rows if tag != "tag:yaml.org,2002:timestamp"]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def cases() -> list[Any]:
    """Return every specification, by folder and name."""
    found = []
    for folder, below in FOLDERS.items():
        try:
            base = vectors(folder) / below
        except pytest.skip.Exception:
            return []
        places = sorted(base.glob("*/specification.yml"))
        found += [pytest.param(place, id=f"{folder}/{place.parent.name}") for place in places]
    return found


def unmark(value: Any, path: tuple[str | int, ...], paths: list[tuple[str | int, ...]]) -> Any:  # noqa: ANN401
    """Return the claims without marks, and note the paths that had them."""
    if isinstance(value, dict):
        opened = {}
        for key, each in value.items():
            name = key.value if isinstance(key, Marked) else key
            if isinstance(key, Marked):
                paths.append((*path, name))
            opened[name] = unmark(each, (*path, name), paths)
        return opened
    if isinstance(value, list):
        paths += [(*path, position) for position, each in enumerate(value) if isinstance(each, Marked)]
        plain = [each.value if isinstance(each, Marked) else each for each in value]
        return [unmark(each, (*path, position), paths) for position, each in enumerate(plain)]
    return value


def wanted(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:  # noqa: ANN401
    """Return the paths that the holder discloses."""
    if isinstance(value, dict | list):
        rows = value.items() if isinstance(value, dict) else enumerate(value)
        return [each for name, below in rows if below for each in wanted(below, (*path, name))]
    return [path] if value else []


@pytest.mark.parametrize("place", cases())
def test_claim_tree(place: Path) -> None:
    """Issued, opened whole, held and disclosed: the claims are those of the file."""
    case = yaml.load(place.read_text("utf-8"), Loader)  # noqa: S506  # a SafeLoader with one tag more
    paths: list[tuple[str | int, ...]] = []
    claims = unmark(case["user_claims"], (), paths)
    decoys = {(): 5} if case.get("add_decoy_claims") else {}
    payload, disclosures = hide(claims, paths, decoys=decoys)
    token = "~".join([sign_jws({"typ": "example+sd-jwt"}, payload, KEY), *disclosures, ""])

    assert len(set(paths)) == len(disclosures)
    assert claims == opened(token)
    if "expect_verified_user_claims" in case:
        shown = withhold(token, frozenset(wanted(case.get("holder_disclosed_claims") or {})))
        assert unmark(case["expect_verified_user_claims"], (), []) == opened(shown)
        assert len(shown) <= len(token)


def opened(token: str) -> dict[str, object]:
    """Return what a verifier sees."""
    issued, *disclosures = token.split("~")[:-1]
    payload = parse_jws(issued).claims
    open_payload(payload, disclosures, DEFAULT)
    return payload


def test_they_are_all_here() -> None:
    """Where the vectors are, each folder has its specifications."""
    assert vectors("sd-jwt-python-testcases")
    assert len(cases()) >= 25
