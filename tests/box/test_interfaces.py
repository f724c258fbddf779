"""Which networks of a box are swept, which are not, and why."""

from __future__ import annotations

import socket
from ipaddress import IPv4Interface, IPv4Network
from types import SimpleNamespace

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.box import interfaces
from app.box.interfaces import Interface, Networks, box_networks, choose, is_this_box, read_interfaces
from app.box.links import Kind, Link


def interface(address: str, kind: Kind = Kind.REAL, *, name: str = "eth0", up: bool = True) -> Interface:
    return Interface(name, IPv4Interface(address), kind, up)


def chosen(*found: Interface, virtual: bool = False) -> tuple[list[str], list[str]]:
    networks = choose(found, virtual=virtual)
    return [str(i.network) for i in networks.swept], [str(left_out) for left_out in networks.left_out]


@pytest.mark.parametrize("address", ["192.168.1.7/24", "10.0.0.1/20", "10.0.0.1/30", "10.0.0.1/31"])
def test_real_networks_are_swept_with_their_true_netmask(address: str) -> None:
    assert chosen(interface(address)) == ([str(IPv4Network(address, strict=False))], [])


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        (
            interface("172.17.0.1/24", Kind.VIRTUAL, name="docker0"),
            "172.17.0.0/24 on docker0: a virtual network",
        ),
        (interface("10.0.0.1/19"), "10.0.0.0/19 on eth0: larger than a /20"),
        (interface("10.0.0.1/8"), "10.0.0.0/8 on eth0: larger than a /20"),
        (
            interface("100.64.0.9/32", name="tailscale0"),
            "100.64.0.9/32 on tailscale0: a link without a network",
        ),
        (interface("10.0.0.1/24", up=False), "10.0.0.0/24 on eth0: the interface is down"),
    ],
)
def test_what_is_left_out_has_a_reason(left_out: Interface, said: str) -> None:
    swept, reasons = chosen(left_out, interface("192.168.1.7/24"))
    assert swept == ["192.168.1.0/24"]
    assert len(reasons) == 1
    assert reasons[0].startswith(said)


def test_virtual_networks_are_swept_when_asked_for() -> None:
    assert chosen(interface("172.17.0.1/24", Kind.VIRTUAL), virtual=True) == (["172.17.0.0/24"], [])
    assert chosen(interface("172.17.0.1/16", Kind.VIRTUAL), virtual=True)[0] == []


@pytest.mark.parametrize("virtual", [True, False])
def test_loopback_is_never_swept_and_not_worth_a_word(virtual: bool) -> None:
    assert chosen(interface("127.0.0.1/8", Kind.LOOPBACK, name="lo"), virtual=virtual) == ([], [])


def test_two_interfaces_in_one_network_are_one_network() -> None:
    wire, air = interface("192.168.1.7/24"), interface("192.168.1.8/24", name="wlan0")
    assert choose([wire, air], virtual=False) == Networks((wire,), ())


kinds = st.sampled_from(Kind)
found = st.lists(
    st.builds(
        lambda address, prefix, kind, up: interface(f"{address}/{prefix}", kind, up=up),
        st.ip_addresses(v=4),
        st.integers(0, 32),
        kinds,
        st.booleans(),
    ),
    max_size=8,
)


@given(found, st.booleans())
@settings(deadline=None)
def test_every_network_is_swept_or_left_out(interfaces: list[Interface], virtual: bool) -> None:
    networks = choose(interfaces, virtual=virtual)
    swept = {i.network for i in networks.swept}
    assert len(swept) == len(networks.swept)
    for one in interfaces:
        if one.kind is not Kind.LOOPBACK:
            assert one.network in swept or one in [left.interface for left in networks.left_out]
    for one in networks.swept:
        assert 20 <= one.network.prefixlen <= 31
        assert one.up
        assert one.kind is Kind.REAL or (virtual and one.kind is Kind.VIRTUAL)


@pytest.fixture
def a_box(monkeypatch: pytest.MonkeyPatch) -> None:
    """A box with a card, a labelled second address on it, docker, and a VPN link."""

    def entry(address: str, netmask: str | None, family: int = socket.AF_INET) -> SimpleNamespace:
        return SimpleNamespace(family=family, address=address, netmask=netmask)

    addresses = {
        "lo": [entry("127.0.0.1", "255.0.0.0"), entry("::1", None, socket.AF_INET6)],
        "eth0": [entry("192.168.1.7", "255.255.255.0"), entry("fe80::1", None, socket.AF_INET6)],
        "eth0:1": [entry("192.168.2.7", "255.255.254.0")],
        "docker0": [entry("172.17.0.1", "255.255.0.0")],
        "wg0": [entry("10.8.0.2", "255.255.255.0")],
        "tun0": [entry("10.9.0.2", None)],
        "gone": [entry("10.10.0.2", "255.255.255.0")],
    }
    up = dict.fromkeys(("lo", "eth0", "docker0", "wg0", "tun0"), SimpleNamespace(isup=True))
    links = {
        "lo": Link(hardware_type=772),
        "eth0": Link(has_device=True),
        "docker0": Link(device_type="bridge"),
        "wg0": Link(hardware_type=65534),
        "tun0": Link(is_tunnel=True),
    }
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: addresses)
    monkeypatch.setattr(psutil, "net_if_stats", lambda: up)
    monkeypatch.setattr(interfaces, "read_links", lambda: links)


@pytest.mark.usefixtures("a_box")
def test_a_whole_box() -> None:
    networks = box_networks()
    assert [(i.name, str(i.network)) for i in networks.swept] == [
        ("eth0", "192.168.1.0/24"),
        ("eth0", "192.168.2.0/23"),
        ("wg0", "10.8.0.0/24"),
    ]
    assert {left.interface.name: left.reason for left in networks.left_out} == {
        "docker0": "a virtual network of this box",
        "tun0": "a link without a network; name the hosts behind it",
        "gone": "the interface is down",
    }
    assert networks.swept[0].address.ip.compressed == "192.168.1.7"


@pytest.mark.usefixtures("a_box")
@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("http://127.0.0.1:11434", True),
        ("http://127.0.0.9:11434", True),
        ("http://localhost:11434", True),
        ("http://[::1]:11434", True),
        ("http://192.168.2.7:11434", True),
        (f"http://{socket.gethostname()}:11434", True),
        ("http://192.168.1.8:11434", False),
        ("http://gpu-box.lan:11434", False),
        ("https://ollama.example/", False),
        ("", False),
    ],
)
def test_is_this_box(url: str, ours: bool) -> None:
    assert is_this_box(url) is ours


def test_the_box_that_the_tests_run_on() -> None:
    names = {name.partition(":")[0] for name in psutil.net_if_addrs()}
    found = read_interfaces()
    assert {i.name for i in found} <= names
    assert all(i.kind is Kind.LOOPBACK for i in found if i.name == "lo")
