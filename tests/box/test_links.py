"""Where an interface leads: from the kernel's facts, from a made-up /sys, and from the real kernel."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.box.links import Kind, Link, default_routes, kind_of, read_links

ROOT = Path(__file__).parents[2]
CARD = Link(has_device=True)
BARE = Link()
"""What the kernel says of a veth, a dummy, or vboxnet0."""


@pytest.mark.parametrize(
    ("link", "kind"),
    [
        (Link(hardware_type=772), Kind.LOOPBACK),
        (CARD, Kind.REAL),
        (BARE, Kind.VIRTUAL),
        (Link(is_tunnel=True), Kind.REAL),
        (Link(hardware_type=65534, device_type="wireguard"), Kind.REAL),
        (Link(hardware_type=512), Kind.REAL),
        (Link(has_default_route=True), Kind.REAL),
        (Link(device_type="bridge", lower=frozenset({"bare"})), Kind.VIRTUAL),
        (Link(device_type="bridge"), Kind.VIRTUAL),
        (Link(device_type="bridge", lower=frozenset({"bare", "card"})), Kind.REAL),
        (Link(device_type="bridge", lower=frozenset({"tap"})), Kind.VIRTUAL),
        (Link(device_type="bridge", lower=frozenset({"gone"})), Kind.VIRTUAL),
        (Link(device_type="vlan", lower=frozenset({"card"})), Kind.REAL),
        (Link(device_type="bond", lower=frozenset({"card"})), Kind.REAL),
        (Link(device_type="vlan", lower=frozenset({"bare"})), Kind.VIRTUAL),
        (Link(device_type="vxlan", lower=frozenset({"card"})), Kind.VIRTUAL),
    ],
)
def test_kinds(link: Link, kind: Kind) -> None:
    assert kind_of("it", {"it": link, "card": CARD, "bare": BARE, "tap": Link(is_tunnel=True)}) is kind


def test_it_may_stand_on_something_that_stands_on_hardware() -> None:
    links = {
        "vmbr0": Link(device_type="bridge", lower=frozenset({"vlan7"})),
        "vlan7": Link(device_type="vlan", lower=frozenset({"bond0"})),
        "bond0": Link(device_type="bond", lower=frozenset({"card"})),
        "card": CARD,
    }
    assert {kind_of(name, links) for name in links} == {Kind.REAL}


def test_what_the_kernel_does_not_know_is_taken_for_real() -> None:
    assert kind_of("en0", {}) is Kind.REAL


def test_default_routes() -> None:
    table = (
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
        "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
        "tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000080\t0\t0\t0\n"
        "down0\t00000000\t010200C0\t0002\t0\t0\t0\t00000000\t0\t0\t0\n"
        "cut\t00000000\n"
    )
    assert default_routes(table) == {"eth0"}
    assert default_routes("") == frozenset()


def test_links_are_read_from_sysfs(tmp_path: Path) -> None:
    def interface(name: str, **files: str) -> Path:
        folder = tmp_path / "net" / name
        folder.mkdir(parents=True)
        for file, text in files.items():
            (folder / file).write_text(text)
        return folder

    interface("lo", type="772\n", uevent="INTERFACE=lo\nIFINDEX=1\n")
    card = interface("eth0", type="1\n", uevent="INTERFACE=eth0\n")
    (card / "device").symlink_to(tmp_path)
    bridge = interface("br0", type="1\n", uevent="DEVTYPE=bridge\nINTERFACE=br0\n")
    (bridge / "lower_eth0").symlink_to(card)
    interface("tun0", type="65534\n", tun_flags="0x1001\n", uevent="")
    interface("odd", type="what\n")
    (tmp_path / "net" / "bonding_masters").write_text("")
    (tmp_path / "route").write_text("header\neth0 00000000 01000000 0003 0 0 0 00000000 0 0 0\n")

    assert read_links(tmp_path / "net", tmp_path / "route") == {
        "lo": Link(hardware_type=772),
        "eth0": Link(has_device=True, has_default_route=True),
        "br0": Link(device_type="bridge", lower=frozenset({"eth0"})),
        "tun0": Link(hardware_type=65534, is_tunnel=True),
        "odd": Link(),
    }


def test_a_system_that_tells_nothing(tmp_path: Path) -> None:
    assert read_links(tmp_path / "none", tmp_path / "none") == {}


KINDS = """
import json
from app.box.links import kind_of, read_links
links = read_links()
print(json.dumps({name: kind_of(name, links) for name in links}))
"""
BUILD = f"""
set -e
mount -t sysfs sysfs /sys
ip link add inner type veth peer name outer
ip link add docker7 type bridge
ip link set outer master docker7
ip tuntap add vpn mode tun
ip tuntap add zt mode tap
ip link add cluster type vxlan id 5 dstport 4789 dev vpn
ip tuntap add vmtap mode tap
ip link add virbr type bridge
ip link set vmtap master virbr
exec {sys.executable} -c '{KINDS}'
"""


def test_the_real_kernel() -> None:
    if not (shutil.which("unshare") and shutil.which("ip")):
        pytest.skip("this system has no unshare and ip")
    for options in (["--net", "--mount"], ["--net", "--mount", "--map-root-user"]):
        command = ["unshare", *options, "sh", "-c", BUILD]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            break
    else:
        pytest.skip(f"this system lets us build no network: {done.stderr}")
    assert json.loads(done.stdout) == {
        "lo": "loopback",
        "inner": "virtual",
        "outer": "virtual",
        "docker7": "virtual",
        "vpn": "real",
        "zt": "real",
        "vmtap": "real",
        "virbr": "virtual",
        "cluster": "virtual",
    }
