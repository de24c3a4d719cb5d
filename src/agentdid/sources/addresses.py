"""Which network addresses may be spoken to: the public ones, and those the operator allowed by name.

`ipaddress.is_global` is not asked: its tables have changed between Python releases (CVE-2024-4032), and what is
public enough to be fetched is our decision. The tables follow IANA's special-purpose registries.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Final, TypeAlias

from agentdid.errors import FetchFailed, FetchForbiddenAddress

if TYPE_CHECKING:
    from collections.abc import Iterable

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_CLOSED_V4: Final = tuple(
    IPv4Network(each)
    for each in (
        "0.0.0.0/8",  # this host; connects to loopback on Linux
        "10.0.0.0/8",  # private (RFC 1918)
        "100.64.0.0/10",  # carrier-grade NAT (RFC 6598), and a cloud's metadata
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a cloud's host agent behind a public number
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocol assignments (RFC 6890)
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays (RFC 7526)
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarking (RFC 2544)
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_GLOBAL_V6: Final = IPv6Network("2000::/3")
"""All global unicast that IANA has opened. Outside lie loopback, mapped, NAT64, unique local, link-local, multicast."""
_CLOSED_V6: Final = tuple(
    IPv6Network(each)
    for each in (
        "2001::/23",  # IETF protocol assignments: Teredo (carries an IPv4 address), ORCHID, benchmarking
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, carries an IPv4 address
        "3fff::/20",  # documentation (RFC 9637)
    )
)


def parse_networks(allow: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks that addresses and CIDRs name.

    Raises:
        ValueError: Neither an address nor a CIDR, or a CIDR with bits set behind its prefix.
    """
    return tuple(ip_network(each) for each in allow)


def parse_address(text: str) -> Address | None:
    """Return the address that `text` spells, an IPv4 one where it is mapped into IPv6; `None` for a name."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # The kernel speaks IPv4 to ::ffff:10.0.0.1, so that is the address to judge.
    return getattr(address, "ipv4_mapped", None) or address


def check_addresses(found: Iterable[str], allow: tuple[Network, ...]) -> tuple[str, ...]:
    """Return the addresses in the order found, each fit to be connected to.

    Raises:
        FetchForbiddenAddress: One of them is neither public nor allowed. One is enough: whoever mixes them hopes
            that another is tried later. The detail does not say which, for it may be secret.
        FetchFailed: None was found.

    Spec: ATTACKS I01, I02, I04.
    """
    vetted: list[str] = []
    for text in found:
        address = parse_address(text)
        if address is None or not (_is_public(address) or any(address in network for network in allow)):
            raise FetchForbiddenAddress("the host is at an address that is not public")
        if str(address) not in vetted:
            vetted.append(str(address))
    if not vetted:
        raise FetchFailed("the host has no address")
    return tuple(vetted)


def _is_public(address: Address) -> bool:
    """Whether the tables above leave the address open."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_V4)
    return address.scope_id is None and address in _GLOBAL_V6 and not any(address in each for each in _CLOSED_V6)
