"""The IPv4 networks of this box, and which of them are worth a sweep."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from urllib.parse import urlsplit

import psutil

from app.box.links import Kind, kind_of, read_links

LARGEST_PREFIX = 20
"""A network with a shorter prefix, of more than 4096 addresses, is swept only when a person names it."""

_ONE_ADDRESS = 32


@dataclass(frozen=True, slots=True)
class Interface:
    """One IPv4 address of this box, with the true netmask."""

    name: str
    address: IPv4Interface
    kind: Kind
    up: bool

    @property
    def network(self) -> IPv4Network:
        """The network that the address is in."""
        return self.address.network


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A network that is not swept, and why."""

    interface: Interface
    reason: str

    def __str__(self) -> str:
        return f"{self.interface.network} on {self.interface.name}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Networks:
    """The networks of this box, sorted out."""

    swept: tuple[Interface, ...]
    """Each network once, however many interfaces are in it."""
    left_out: tuple[LeftOut, ...]
    """All others but loopback, of which nobody needs to be told."""


def box_networks(*, virtual: bool = False) -> Networks:
    """The networks of this box that a sweep takes, and those that it leaves out, each with the reason.

    With `virtual`, networks of containers and virtual machines are swept as well.
    """
    return choose(read_interfaces(), virtual=virtual)


def choose(interfaces: Iterable[Interface], *, virtual: bool) -> Networks:
    """Sort interfaces into those whose network is swept and those whose network is not."""
    swept: dict[IPv4Network, Interface] = {}
    left_out: list[LeftOut] = []
    for interface in interfaces:
        if interface.kind is Kind.LOOPBACK:
            continue
        reason = _why_not(interface, virtual=virtual)
        if reason:
            left_out.append(LeftOut(interface, reason))
        else:
            swept.setdefault(interface.network, interface)
    return Networks(tuple(swept.values()), tuple(left_out))


def read_interfaces() -> tuple[Interface, ...]:
    """Every IPv4 address of this box, as the system has it now."""
    states, links = psutil.net_if_stats(), read_links()
    found = []
    for label, addresses in psutil.net_if_addrs().items():
        # A further address of eth0 may be labelled eth0:1; it is the same interface.
        name = label.partition(":")[0]
        up = name in states and states[name].isup
        found += [
            Interface(name, _with_netmask(entry.address, entry.netmask), kind_of(name, links), up)
            for entry in addresses
            if entry.family == socket.AF_INET
        ]
    return tuple(found)


def is_this_box(url: str) -> bool:
    """Whether the host in a URL is this box: loopback, its own name, or one of its own addresses."""
    host = urlsplit(url).hostname or ""
    if host in ("localhost", "::1", socket.gethostname().lower()):
        return True
    try:
        address = IPv4Address(host)
    except ValueError:
        return False
    return address.is_loopback or any(address == own.address.ip for own in read_interfaces())


def _why_not(interface: Interface, *, virtual: bool) -> str:
    if not interface.up:
        return "the interface is down"
    if interface.kind is Kind.VIRTUAL and not virtual:
        return "a virtual network of this box"
    if interface.network.prefixlen < LARGEST_PREFIX:
        return f"larger than a /{LARGEST_PREFIX}; name it, or a part of it"
    if interface.network.prefixlen == _ONE_ADDRESS:
        return "a link without a network; name the hosts behind it"
    return ""


def _with_netmask(address: str, netmask: str | None) -> IPv4Interface:
    return IPv4Interface(f"{address}/{netmask or _ONE_ADDRESS}")
