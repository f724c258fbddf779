"""Where does a network interface of this box lead to: to itself, to containers and virtual machines, or out?

Names say little (a bridge is called `br0`, `vmbr0`, `docker0` or anything else), so the kernel is asked, in
`/sys/class/net/<name>`. An interface leads out where

- hardware is behind it (`device`), which includes the virtual hardware of a virtual machine, or
- it stands on one with hardware (`lower_*`): a VLAN, a bond, or a bridge with a network card in it, which is
  where a host of virtual machines has its own address; but not a VXLAN, which is a network of containers, or
- it is a tunnel, that is a tun or tap device, or no Ethernet at all: WireGuard, Tailscale, OpenVPN, ZeroTier,
  PPP. Those are real ways to other boxes, and people have workers there, or
- the default route goes through it: to a container, its half of a veth pair is the way out.

What remains are bridges of container and virtual machine programs, veth pairs and dummies: virtual.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

SYSFS = Path("/sys/class/net")
ROUTES = Path("/proc/net/route")

_ETHERNET, _LOOPBACK = 1, 772
"""Types of hardware, from linux/if_arp.h."""
_OVERLAYS = frozenset({"vxlan", "geneve"})
_ROUTE_IS_UP = 0x1


class Kind(StrEnum):
    """Where an interface leads to."""

    LOOPBACK = "loopback"
    VIRTUAL = "virtual"
    """To containers or virtual machines on this box."""
    REAL = "real"
    """To other boxes."""


@dataclass(frozen=True, slots=True)
class Link:
    """What the kernel says about one interface."""

    hardware_type: int = _ETHERNET
    has_device: bool = False
    is_tunnel: bool = False
    """A tun or tap device."""
    device_type: str = ""
    """The kernel's word for what it is, such as `bridge`, `vlan`, `wireguard`; mostly empty."""
    lower: frozenset[str] = frozenset()
    """The interfaces that it stands on."""
    has_default_route: bool = False


def kind_of(name: str, links: Mapping[str, Link]) -> Kind:
    """Where the interface leads to. One that the kernel says nothing about is taken for real."""
    link = links.get(name)
    if link is None:
        return Kind.REAL
    if link.hardware_type == _LOOPBACK:
        return Kind.LOOPBACK
    is_way_out = link.is_tunnel or link.has_default_route or link.hardware_type != _ETHERNET
    return Kind.REAL if is_way_out or _has_hardware(name, links) else Kind.VIRTUAL


def _has_hardware(name: str, links: Mapping[str, Link]) -> bool:
    """Whether hardware is somewhere below; below a bridge of virtual machines there are tap devices only."""
    link = links.get(name, Link())
    below = () if link.device_type in _OVERLAYS else link.lower
    return link.has_device or any(_has_hardware(lower, links) for lower in below)


def read_links(sysfs: Path = SYSFS, routes: Path = ROUTES) -> dict[str, Link]:
    """Every interface of this box, by name; empty on a system that does not tell."""
    try:
        folders = [folder for folder in sysfs.iterdir() if folder.is_dir()]
    except OSError:
        return {}
    outward = default_routes(_text(routes))
    return {folder.name: _read_link(folder, folder.name in outward) for folder in folders}


def default_routes(table: str) -> frozenset[str]:
    """The interfaces with an IPv4 default route, from the text of /proc/net/route."""
    found = set[str]()
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 8:
            continue
        name, destination, flags, mask = fields[0], fields[1], fields[3], fields[7]
        if int(destination, 16) == int(mask, 16) == 0 and int(flags, 16) & _ROUTE_IS_UP:
            found.add(name)
    return frozenset(found)


def _read_link(folder: Path, has_default_route: bool) -> Link:
    hardware_type = _text(folder / "type").strip()
    events = dict(line.split("=", 1) for line in _text(folder / "uevent").splitlines() if "=" in line)
    return Link(
        hardware_type=int(hardware_type) if hardware_type.isdecimal() else _ETHERNET,
        has_device=(folder / "device").exists(),
        is_tunnel=(folder / "tun_flags").exists(),
        device_type=events.get("DEVTYPE", ""),
        lower=frozenset(lower.name.removeprefix("lower_") for lower in folder.glob("lower_*")),
        has_default_route=has_default_route,
    )


def _text(file: Path) -> str:
    """The text of a file of the kernel; empty where the interface has gone meanwhile."""
    try:
        return file.read_text()
    except OSError:
        return ""
