"""The IPv4 networks of this box, and which of them are worth a sweep."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from urllib.parse import urlsplit

import psutil

LARGEST_PREFIX = 20
"""Networks with a shorter prefix are swept only when a person names them."""

_SYSFS = Path("/sys/class/net")
_VIRTUAL_NAMES = (
    "docker",
    "br-",
    "veth",
    "virbr",
    "cni",
    "flannel",
    "cali",
    "podman",
    "lxc",
    "lxdbr",
    "vmnet",
)


@dataclass(frozen=True, slots=True)
class Interface:
    """One IPv4 address of this box, with the true netmask of its interface."""

    name: str
    address: IPv4Interface
    loopback: bool = False
    virtual: bool = False
    """A bridge or pair of container and virtual machine software; a VPN link is not: workers live there."""

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
    left_out: tuple[LeftOut, ...]


def box_networks(*, virtual: bool = False) -> Networks:
    """The networks of this box that a sweep takes, and those that it leaves out, each with the reason."""
    return choose(interfaces(), virtual=virtual)


def choose(found: Iterable[Interface], *, virtual: bool) -> Networks:
    """Sort interfaces out: loopback never, virtual ones only when asked for, huge ones only when named."""
    swept: dict[IPv4Network, Interface] = {}
    left_out: list[LeftOut] = []
    for interface in found:
        reason = _reason(interface, virtual=virtual)
        if reason:
            left_out.append(LeftOut(interface, reason))
        else:
            swept.setdefault(interface.network, interface)
    return Networks(tuple(swept.values()), tuple(entry for entry in left_out if not entry.interface.loopback))


def interfaces() -> tuple[Interface, ...]:
    """Every IPv4 address of an interface that is up."""
    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    return tuple(
        Interface(
            name,
            address := ipaddress.IPv4Interface(f"{entry.address}/{entry.netmask or '255.255.255.255'}"),
            loopback=address.is_loopback,
            virtual=_is_virtual(name),
        )
        for name, entries in psutil.net_if_addrs().items()
        if name in up
        for entry in entries
        if entry.family == socket.AF_INET
    )


def is_this_box(url: str) -> bool:
    """Whether the host of a URL is this box: loopback, or one of its own addresses."""
    host = urlsplit(url).hostname or ""
    if host in ("localhost", "::1", socket.gethostname()):
        return True
    try:
        address = IPv4Address(host)
    except ValueError:
        return False
    return address.is_loopback or any(address == own.address.ip for own in interfaces())


def _reason(interface: Interface, *, virtual: bool) -> str:
    if interface.loopback:
        return "loopback"
    if interface.virtual and not virtual:
        return "a virtual bridge; ask for it with --virtual"
    if interface.network.prefixlen < LARGEST_PREFIX:
        return f"larger than a /{LARGEST_PREFIX}; name it, or a part of it"
    return ""


def _is_virtual(name: str) -> bool:
    return name.startswith(_VIRTUAL_NAMES) or (_SYSFS / name / "bridge").is_dir()
