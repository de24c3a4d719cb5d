"""What an argument may be: the six kinds of constraint, each of which can read itself and judge a value.

What it establishes: a constraint that parsed has exactly one meaning. A value that is absent, repeated, not scalar
or of another type than the constraint speaks about is never permitted. Rules:

* Decimals are strings (or integers, as arguments), compared exactly; a JSON float is never a number here.
* Values are equal only within one JSON type: ``true`` is not ``1``, ``"5"`` is not ``5``.
* Lists hold values of one type, each once.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias, final

from agentdid.errors import CapabilityUnknownCaveat, InputTooLarge, TypeMismatch
from agentdid.record import Value

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Network, IPv6Network

Scalar: TypeAlias = str | int | bool
"""What constraints compare; a JSON number with a fraction and null are not among them."""

MAX_LIST: Final = 256
"""Elements of one list inside a grant: every one may be compared with every one of the parent's."""
MAX_NETWORKS: Final = 64
"""Networks of one `cidr`, resources of one grant: these comparisons are pairwise."""
_MAX_DECIMAL_CHARS: Final = 64
"""A longer decimal is no amount of anything, and exact arithmetic on it costs."""

_MAX_ZONE_CHARS: Final = 64
"""The longest IANA name has 32; longer ones never reach the file system."""

_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_CIDR: Final = re.compile(r"[0-9A-Fa-f:.]+/(?:0|[1-9][0-9]{0,2})")
_ZONE: Final = re.compile(
    r"UTC|(?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Etc|Europe|Indian|Pacific)(?:/[A-Za-z0-9_+\-]+)+"
)
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_END: Final = 24 * 60
_WITH_VALUE: Final = frozenset({"type", "value"})
_WITH_LIST: Final = frozenset({"type", "in"})
_WITH_BOUNDS: Final = frozenset({"type", "min", "max"})
_WITH_WINDOW: Final = frozenset({"type", "days", "from", "to", "zone"})
_SCALARS: Final = frozenset({str, int, bool})


def find_decimal(text: str) -> Decimal | None:
    r"""Return the decimal that `text` spells, or `None`.

    ASCII ``-?(0|[1-9][0-9]*)(\.[0-9]+)?``, at most 64 characters.

    Spec: specs/capability-credential.md C11.
    """
    # before the cache, so that strangers cannot make it hold long texts
    return _find_decimal(text) if len(text) <= _MAX_DECIMAL_CHARS else None


@lru_cache(maxsize=1024)
def _find_decimal(text: str) -> Decimal | None:
    """Return the decimal that a text of bounded length spells, or `None`."""
    return Decimal(text) if _DECIMAL.fullmatch(text) is not None else None


def find_number(value: object) -> Decimal | None:
    """Return the exact number that an argument means, or `None`: a decimal string or an integer, never a float."""
    if type(value) is str:
        return find_decimal(value)
    if type(value) is int:
        return Decimal(value)
    return None


@final
class Const(Value, frozen=True):
    """Exactly one value."""

    value: Scalar

    def permits(self, value: object) -> bool:
        """Tell whether `value` is the one, in type too."""
        return type(value) is type(self.value) and value == self.value


@final
class Enum(Value, frozen=True):
    """One of several values of one type."""

    values: frozenset[Scalar]
    kind: type

    def permits(self, value: object) -> bool:
        """Tell whether `value` is one of them, in type too."""
        return type(value) is self.kind and value in self.values


@final
class Range(Value, frozen=True):
    """A number between two bounds, both included; at least one bound is there."""

    minimum: Decimal | None
    maximum: Decimal | None

    def permits(self, value: object) -> bool:
        """Tell whether `value` is a decimal string or an integer inside the bounds."""
        number = find_number(value)
        if number is None:
            return False
        if self.minimum is not None and number < self.minimum:
            return False
        return self.maximum is None or number <= self.maximum


@final
class Prefix(Value, frozen=True):
    """A text that begins in one way. Plain characters: no path, no case, no Unicode form is understood."""

    value: str

    def permits(self, value: object) -> bool:
        """Tell whether `value` is a string that begins with the prefix."""
        return type(value) is str and value.startswith(self.value)


@final
class Cidr(Value, frozen=True):
    """An IP address inside one of several networks."""

    networks: tuple[IPv4Network | IPv6Network, ...]

    def permits(self, value: object) -> bool:
        """Tell whether `value` is the text of one address (without a scope) in a network of its own IP version."""
        if type(value) is not str or "%" in value:
            return False
        import ipaddress  # noqa: PLC0415 - 3 ms that only users of this constraint pay

        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            return False
        return any(address in network for network in self.networks)


@final
class TimeWindow(Value, frozen=True):
    """Some hours on some days of the week, in one time zone.

    Attributes:
        days: Days of the week, 0 is Monday.
        start: Minutes after midnight, included.
        end: Minutes after midnight, excluded; 1440 is the day's end. Always after `start`.
        zone: `UTC` or an IANA name.
    """

    days: frozenset[int]
    start: int
    end: int
    zone: str

    def permits(self, value: object) -> bool:
        """Tell whether `value` is an instant (aware `datetime`, as only the environment has) inside the window."""
        if not isinstance(value, datetime) or value.tzinfo is None:
            return False
        import zoneinfo  # noqa: PLC0415 - 5 ms that only users of this constraint pay

        local = value.astimezone(zoneinfo.ZoneInfo(self.zone))
        return local.weekday() in self.days and self.start <= local.hour * 60 + local.minute < self.end


Constraint: TypeAlias = Const | Enum | Range | Prefix | Cidr | TimeWindow


def parse_scalars(value: object, path: str) -> tuple[frozenset[Scalar], type]:
    """Return the distinct scalars of a non-empty list of one type, and that type.

    Raises:
        TypeMismatch: Not such a list; a value that stands twice.
        InputTooLarge: More than `MAX_LIST` values.
    """
    if type(value) is not list or not value:
        raise TypeMismatch("expected a non-empty array", path=path)
    if len(value) > MAX_LIST:
        raise InputTooLarge(f"at most {MAX_LIST} elements", path=path)
    kind = type(value[0])
    if kind not in _SCALARS or set(map(type, value)) != {kind}:
        raise TypeMismatch("expected strings, integers or booleans, all of one type", path=path)
    values = frozenset(value)
    if len(values) != len(value):
        raise TypeMismatch("a value stands twice", path=path)
    return values, kind


def parse_decimal(value: object, path: str) -> Decimal:
    """Return the decimal of a JSON string. Raises `TypeMismatch` for any other spelling, a JSON number included."""
    number = find_decimal(value) if type(value) is str else None
    if number is None:
        raise TypeMismatch('expected a decimal as a string, such as "500.00"', path=path)
    return number


def _const(value: dict[str, object], path: str) -> Const:
    """Return a `const`."""
    _check_members(value, _WITH_VALUE, path)
    content = value["value"]
    if isinstance(content, str | int):
        return Const(content)
    raise TypeMismatch("expected a string, an integer or a boolean", path=f"{path}/value")


def _enum(value: dict[str, object], path: str) -> Enum:
    """Return an `enum`."""
    _check_members(value, _WITH_LIST, path)
    return Enum(*parse_scalars(value["in"], f"{path}/in"))


def _range(value: dict[str, object], path: str) -> Range:
    """Return a `range`, whose bounds leave something."""
    if len(value) == 1 or not value.keys() <= _WITH_BOUNDS:
        raise TypeMismatch("a range has min, max or both, and nothing else", path=path)
    minimum = parse_decimal(value["min"], f"{path}/min") if "min" in value else None
    maximum = parse_decimal(value["max"], f"{path}/max") if "max" in value else None
    if minimum is not None and maximum is not None and minimum > maximum:
        raise TypeMismatch("min is above max", path=path)
    return Range(minimum, maximum)


def _prefix(value: dict[str, object], path: str) -> Prefix:
    """Return a `prefix`."""
    _check_members(value, _WITH_VALUE, path)
    text = value["value"]
    if type(text) is not str or not text:
        raise TypeMismatch("expected a non-empty string", path=f"{path}/value")
    return Prefix(text)


def _cidr(value: dict[str, object], path: str) -> Cidr:
    """Return a `cidr`."""
    _check_members(value, _WITH_LIST, path)
    texts, kind = parse_scalars(value["in"], f"{path}/in")
    if kind is not str:
        raise TypeMismatch("expected networks as strings", path=f"{path}/in")
    if len(texts) > MAX_NETWORKS:
        raise InputTooLarge(f"at most {MAX_NETWORKS} networks", path=f"{path}/in")
    import ipaddress  # noqa: PLC0415 - 3 ms that only users of this constraint pay

    networks = []
    for text in sorted(str(each) for each in texts):
        try:
            # the pattern keeps out what ip_network also reads: bare addresses, netmasks, hostmasks, scopes
            if _CIDR.fullmatch(text) is None:
                raise ValueError  # noqa: TRY301 - joins the one answer below
            networks.append(ipaddress.ip_network(text, strict=True))
        except ValueError:
            raise TypeMismatch("expected a network such as 192.0.2.0/24, no host bits", path=f"{path}/in") from None
    return Cidr(tuple(networks))


def _minute(value: object, path: str) -> int:
    """Return the minutes after midnight of a time of day."""
    match = _CLOCK.fullmatch(value) if type(value) is str else None
    if match is None:
        raise TypeMismatch("expected a time of day such as 08:30", path=path)
    return int(match[1]) * 60 + int(match[2])


def _time_window(value: dict[str, object], path: str) -> TimeWindow:
    """Return a `timeWindow`."""
    _check_members(value, _WITH_WINDOW, path)
    days, _ = parse_scalars(value["days"], f"{path}/days")
    if not days <= set(_DAYS):
        raise TypeMismatch("expected days as mon, tue, wed, thu, fri, sat, sun", path=f"{path}/days")
    start = _minute(value["from"], f"{path}/from")
    end = _DAY_END if value["to"] == "24:00" else _minute(value["to"], f"{path}/to")
    if start >= end:
        raise TypeMismatch("a window ends after it begins, on the same day (24:00 at the latest)", path=f"{path}/to")
    zone = value["zone"]
    if type(zone) is not str or not _is_zone(zone):
        raise TypeMismatch("expected UTC or the IANA name of a time zone", path=f"{path}/zone")
    return TimeWindow(frozenset(_DAYS.index(str(day)) for day in days), start, end, zone)


def _is_zone(name: str) -> bool:
    """Tell whether this machine knows the IANA time zone of that name."""
    if len(name) > _MAX_ZONE_CHARS or _ZONE.fullmatch(name) is None:
        return False
    import zoneinfo  # noqa: PLC0415 - 5 ms that only users of this constraint pay

    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _check_members(value: dict[str, object], members: frozenset[str], path: str) -> None:
    """Hold that a constraint has exactly these members. Raises `TypeMismatch`."""
    if value.keys() != members:
        raise TypeMismatch(f"expected exactly the members {', '.join(sorted(members))}", path=path)


_KINDS: Final[dict[object, Callable[[dict[str, object], str], Constraint]]] = {
    "const": _const,
    "enum": _enum,
    "range": _range,
    "prefix": _prefix,
    "cidr": _cidr,
    "timeWindow": _time_window,
}


def parse_constraint(value: object, path: str) -> Constraint:
    """Return the constraint that one member of `constraints` states.

    Raises:
        CapabilityUnknownCaveat: A type that is unknown here; it could be what the issuer relied on.
        TypeMismatch: Anything else outside the form.
        InputTooLarge: A list that is too long.

    Spec: specs/capability-credential.md C12.
    """
    if type(value) is not dict or type(value.get("type")) is not str:
        raise TypeMismatch("expected an object with a type", path=path)
    parse = _KINDS.get(value["type"])
    if parse is None:
        raise CapabilityUnknownCaveat("expected const, enum, range, prefix, cidr or timeWindow", path=f"{path}/type")
    return parse(value, path)
