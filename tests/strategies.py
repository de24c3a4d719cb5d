"""Hypothesis strategies for the property tests: small alphabets, so that relations hold often enough to matter."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

ACTIONS: Final = ("invoice.read", "invoice.write", "invoice.pay")
RESOURCES: Final = (
    "https://api.partner.example",
    "https://api.partner.example/a",
    "https://api.partner.example/a/",
    "https://api.partner.example/a/b",
    "https://api.partner.example/ab",
    "https://api.partner.example./a/b",
    "https://api.partner.example/a/../ab",
    "https://api.partner.example/A/b",
)
TEXTS: Final = ("EU", "EU-west", "EU-west-1", "US", "10.1.2.3", "10.1.200.9", "2001:db8::7", "5", "7.5", "-2")
SCALARS: Final = (*TEXTS, 0, 1, 5, 7, True, False)
NETWORKS: Final = ("10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "0.0.0.0/0", "2001:db8::/32", "2001:db8::/64")
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NAMES: Final = ("amount", "region", "env.ip")
APPROVERS: Final = ("did:web:acme.example", "did:web:beta.example", "did:web:gamma.example")
DECIMALS: Final = ("-2", "0", "1", "5", "5.00", "5.01", "7.5", "100")
AMOUNTS: Final = tuple(each for each in DECIMALS if not each.startswith("-"))


def subsets(values: tuple[object, ...], most: int = 4) -> st.SearchStrategy[list[object]]:
    """Non-empty lists of distinct `values`, compared with their types."""
    return st.lists(
        st.sampled_from(values), min_size=1, max_size=most, unique_by=lambda each: (type(each).__name__, each)
    )


def _enum_values() -> st.SearchStrategy[list[object]]:
    """Values for an enum, all of one type."""
    return st.one_of(subsets(TEXTS), subsets((0, 1, 5, 7)), subsets((True, False)))


@st.composite
def _ranges(draw: st.DrawFn) -> dict[str, object]:
    """One range in its wire form."""
    low, high = sorted((draw(st.sampled_from(DECIMALS)), draw(st.sampled_from(DECIMALS))), key=float)
    keep = draw(st.sampled_from(("min", "max", "both")))
    bounds = {"min": low} if keep == "min" else {"max": high} if keep == "max" else {"min": low, "max": high}
    return {"type": "range", **bounds}


@st.composite
def _windows(draw: st.DrawFn) -> dict[str, object]:
    """One time window in its wire form."""
    start, end = sorted(draw(st.sets(st.sampled_from(("00:00", "08:00", "12:00", "18:00")), min_size=2, max_size=2)))
    return {
        "type": "timeWindow",
        "days": draw(subsets(DAYS)),
        "from": start,
        "to": draw(st.sampled_from((end, "24:00"))),
        "zone": draw(st.sampled_from(("UTC", "Etc/GMT+2"))),
    }


def constraints() -> st.SearchStrategy[dict[str, object]]:
    """One constraint in its wire form."""
    return st.one_of(
        st.sampled_from(SCALARS).map(lambda value: {"type": "const", "value": value}),
        _enum_values().map(lambda values: {"type": "enum", "in": values}),
        _ranges(),
        st.sampled_from(("EU", "EU-west", "1", "10.1")).map(lambda value: {"type": "prefix", "value": value}),
        subsets(NETWORKS, 3).map(lambda values: {"type": "cidr", "in": values}),
        _windows(),
    )


def limits() -> st.SearchStrategy[dict[str, object]]:
    """The `limits` of a grant in their wire form."""
    calls = st.fixed_dictionaries(
        {"max": st.sampled_from((0, 1, 5)), "window": st.sampled_from(("PT1M", "PT60S", "PT1H", "P1D"))}
    )
    budget = st.fixed_dictionaries(
        {
            "max": st.sampled_from(AMOUNTS),
            "unit": st.sampled_from(("EUR", "USD")),
            "argument": st.just("amount"),
            "unitArgument": st.just("currency"),
        }
    )
    return st.dictionaries(st.sampled_from(("calls", "budget")), st.one_of(calls, budget), max_size=2)


@st.composite
def approvals(draw: st.DrawFn) -> dict[str, object] | None:
    """The `approval` of a grant in its wire form."""
    if draw(st.booleans()):
        return None
    approvers = draw(subsets(APPROVERS, 3))
    entry = st.one_of(
        st.sampled_from(DECIMALS).map(lambda value: {"gt": value}), _enum_values().map(lambda values: {"in": values})
    )
    when = draw(st.one_of(st.just("always"), st.dictionaries(st.sampled_from(NAMES), entry, min_size=1, max_size=2)))
    return {"when": when, "approvers": approvers, "threshold": draw(st.integers(1, len(approvers)))}


@st.composite
def grants(draw: st.DrawFn, identifier: str = "g1", source: str | None = None) -> dict[str, object]:
    """One grant in its wire form."""
    return {
        "id": identifier,
        "from": source,
        "type": draw(st.sampled_from(("http", "http", "mcp_tool"))),
        "actions": draw(subsets(ACTIONS, 3)),
        "resources": draw(
            st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=3, unique=True),
        ),
        "constraints": draw(st.dictionaries(st.sampled_from(NAMES), constraints(), max_size=2)),
        "limits": draw(limits()),
        "approval": draw(approvals()),
        "autonomyMax": draw(st.integers(0, 5)),
    }


@st.composite
def narrowed(draw: st.DrawFn, parent: dict[str, object]) -> dict[str, object]:
    """A grant that takes some of `parent` away and adds conditions: narrower by how it is made."""
    child = dict(parent)
    child["actions"] = draw(st.lists(st.sampled_from(parent["actions"]), min_size=1, unique=True))  # type: ignore[arg-type]
    child["resources"] = draw(st.lists(st.sampled_from(parent["resources"]), min_size=1, unique=True))  # type: ignore[arg-type]
    child["constraints"] = {
        **draw(st.dictionaries(st.sampled_from(NAMES), constraints(), max_size=1)),
        **parent["constraints"],  # type: ignore[dict-item]
    }
    if parent["approval"] is None:
        child["approval"] = draw(approvals())
    child["autonomyMax"] = draw(st.integers(0, parent["autonomyMax"]))  # type: ignore[arg-type]
    return child


def arguments() -> st.SearchStrategy[dict[str, object]]:
    """Arguments of a request: fitting, mistyped, repeated and absent ones."""
    value = st.one_of(
        st.sampled_from(SCALARS), st.sampled_from(DECIMALS), st.sampled_from((5.0, None, ["EU"], {"a": 1}, "01", "1e2"))
    )
    return st.dictionaries(st.sampled_from(NAMES), value, max_size=3)
