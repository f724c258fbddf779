"""From words to candidates, and from candidates to verdicts."""

from __future__ import annotations

import asyncio
import os
import resource
from contextlib import ExitStack, aclosing
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.rpc import sweep as sweeping
from app.rpc.connection import OutOfSockets
from app.rpc.probe import BackendState, Probe, ProbeLimits
from app.rpc.sweep import MAX_AT_ONCE, MAX_CANDIDATES, TooManyCandidates, candidates, probes_at_once, sweep
from app.text.address import Address, AddressProblem
from tests.support.rpc_fakes import answers, closed_port, fake_server, full_queue, listening_only, worker

LIMITS = ProbeLimits(connect_s=20, reply_s=20)
BRISK = ProbeLimits(connect_s=0.4, reply_s=0.3)

prefixes = st.integers(22, 32)
networks = st.builds(
    lambda address, prefix: IPv4Network((int(address), prefix), strict=False),
    st.ip_addresses(v=4),
    prefixes,
)
ports = st.lists(st.integers(1, 65535), min_size=1, max_size=3, unique=True)


def words(*addresses: Address) -> list[str]:
    return [str(address) for address in addresses]


@pytest.mark.parametrize(
    ("network", "on", "expected"),
    [
        ("10.0.0.0/30", [1], ["10.0.0.1:1", "10.0.0.2:1"]),
        ("10.0.0.0/31", [1], ["10.0.0.0:1", "10.0.0.1:1"]),
        ("10.0.0.7/32", [1], ["10.0.0.7:1"]),
        ("10.0.0.2/30", [1], ["10.0.0.1:1", "10.0.0.2:1"]),
        (IPv4Network("10.0.0.0/30"), [1], ["10.0.0.1:1", "10.0.0.2:1"]),
        ("10.0.0.5", [1, 2], ["10.0.0.5:1", "10.0.0.5:2"]),
        ("10.0.0.5:9", [1, 2], ["10.0.0.5:9"]),
        ("GPU-box.lan", [1], ["gpu-box.lan:1"]),
        ("rpc://gpu-box/", [1], ["gpu-box:1"]),
        ("gpu-box:50053", [1, 2], ["gpu-box:50053"]),
        ("gpu-box", [], ["gpu-box:50052"]),
        ("10.0.0.0/30", [1, 2], ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.1:2", "10.0.0.2:2"]),
    ],
)
def test_words(network: str | IPv4Network, on: list[int], expected: list[str]) -> None:
    assert words(*candidates([network], on, [])) == expected


def test_known_ones_come_first_and_nothing_comes_twice() -> None:
    known = [Address("10.0.0.2", 1), Address("gpu-box", 1)]
    assert words(*candidates(["10.0.0.0/30", "gpu-box", "10.0.0.1"], [1], known)) == [
        "10.0.0.2:1",
        "gpu-box:1",
        "10.0.0.1:1",
    ]


@pytest.mark.parametrize(
    "word",
    [
        "10.0.0.0/33",
        "10.0.0.0/",
        "/24",
        "fe80::/64",
        "10.0.0/24",
        "host name",
        "",
        "::1",
        "box:70000",
        "1.2.3",
    ],
)
def test_a_bad_word_is_named(word: str) -> None:
    with pytest.raises(AddressProblem) as raised:
        candidates(["10.0.0.1", word], [1], [])
    assert f"'{word}'" in raised.value.sentence
    assert raised.value.remedy


@pytest.mark.parametrize(
    ("networks", "on"),
    [
        (["10.0.0.0/8"], [1]),
        (["0.0.0.0/0"], [1]),
        (["10.0.0.0/16"], [1, 2]),
        (["10.0.0.0/16", "10.9.0.0/30"], [1]),
    ],
)
def test_too_many_candidates(networks: list[str], on: list[int]) -> None:
    with pytest.raises(TooManyCandidates, match=f"{networks[-1]}.*{MAX_CANDIDATES}"):
        candidates(networks, on, [])


def test_a_slash_16_is_not_too_many() -> None:
    assert len(candidates(["10.0.0.0/16"], [1], [Address("gpu-box", 1)])) == 2**16 - 2 + 1


@given(
    swept=st.lists(networks, max_size=3),
    on=ports,
    known=st.lists(st.builds(Address, st.just("known"), st.integers(1, 9))),
)
@settings(deadline=None)
def test_candidates_are_the_hosts_of_the_networks(
    swept: list[IPv4Network], on: list[int], known: list[Address]
) -> None:
    found = candidates([str(network) for network in swept], on, known)
    assert len(set(found)) == len(found)
    assert found[: len(set(known))] == list(dict.fromkeys(known))
    for address in found[len(set(known)) :]:
        assert address.port in on
        assert any(IPv4Address(address.host) in network for network in swept)
    for network in swept:
        ends = {str(network.network_address), str(network.broadcast_address)}
        others = [other for other in swept if other != network]
        for address in found:
            if address.host in ends and not any(IPv4Address(address.host) in other for other in others):
                assert network.prefixlen >= 31


async def all_of(
    *addresses: Address, at_once: int | None = None, held: frozenset[Address] = frozenset()
) -> list[Probe]:
    async with aclosing(sweep(addresses, client=None, limits=BRISK, at_once=at_once, held=held)) as probes:
        return [seen async for seen in probes]


async def test_every_address_gets_its_verdict() -> None:
    with fake_server(worker(answers())) as free, listening_only() as busy, full_queue() as full:
        closed = closed_port()
        seen = await all_of(free.address, busy, full, closed)
    assert {probe.address: probe.state for probe in seen} == {
        free.address: BackendState.FREE,
        busy: BackendState.BUSY,
        full: BackendState.BUSY,
        closed: BackendState.REFUSED,
    }
    assert len(seen) == 4


async def test_what_is_found_is_told_before_the_silent_ones_are_given_up() -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(listening_only()) for _ in range(3)]
        free = stack.enter_context(fake_server(worker(answers())))
        addresses = [*silent, free.address]
        async with aclosing(sweep(addresses, client=None, limits=LIMITS)) as probes:
            first = await anext(probes)
    assert (first.address, first.state) == (free.address, BackendState.FREE)


async def test_no_addresses_no_verdicts() -> None:
    assert await all_of() == []


async def test_held_backends_are_not_touched() -> None:
    with fake_server(worker(answers())) as ours, fake_server(worker(answers())) as other:
        seen = await all_of(ours.address, other.address, held=frozenset({ours.address}))
    assert [probe.address for probe in seen] == [other.address]
    assert ours.visits == []


def probing() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("probe ")]


@pytest.mark.parametrize("at_once", [1, 3])
async def test_no_more_probes_at_once_than_allowed(at_once: int) -> None:
    with ExitStack() as stack:
        addresses = [stack.enter_context(listening_only()) for _ in range(5)]
        limits = ProbeLimits(reply_s=0.05)
        counts, seen = [], []
        async with aclosing(sweep(addresses, client=None, limits=limits, at_once=at_once)) as probes:
            async for probe in probes:
                counts.append(len(probing()))
                seen.append(probe.address)
    assert sorted(seen) == sorted(addresses)
    assert max(counts) <= at_once
    assert not probing()


async def test_closed_early_it_leaves_nothing_behind() -> None:
    descriptors = sorted(os.listdir("/dev/fd"))
    with ExitStack() as stack:
        closed = closed_port()
        silent = [stack.enter_context(listening_only()) for _ in range(10)]
        async with aclosing(sweep([closed, *silent], client=None, limits=LIMITS)) as probes:
            assert (await anext(probes)).state is BackendState.REFUSED
            assert len(probing()) == len(silent)
        assert not probing()
    assert sorted(os.listdir("/dev/fd")) == descriptors


async def test_cancelled_it_leaves_nothing_behind() -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(listening_only()) for _ in range(10)]
        task = asyncio.create_task(all_of(*silent))
        await asyncio.wait([task], timeout=0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not probing()


async def test_a_problem_of_this_box_ends_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    done = asyncio.Event()

    async def probe(address: Address, **_: object) -> Probe:
        if address.port == 1:
            raise OutOfSockets("This box cannot open another connection.")
        try:
            await asyncio.Event().wait()
        finally:
            done.set()
        raise AssertionError

    monkeypatch.setattr(sweeping, "probe", probe)
    with pytest.raises(OutOfSockets):
        await all_of(Address("127.0.0.1", 2), Address("127.0.0.1", 1))
    assert done.is_set(), "the other probe was cancelled, and waited for"
    assert not probing()


def test_probes_at_once_keep_below_the_limit_of_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    in_use = len(os.listdir("/dev/fd"))

    def with_limit(soft: int) -> int:
        monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, resource.RLIM_INFINITY))
        return probes_at_once()

    assert with_limit(resource.RLIM_INFINITY) == MAX_AT_ONCE
    assert with_limit(1_000_000) == MAX_AT_ONCE
    assert with_limit(1024) >= 254, "a /24 at once, with the limit that most systems set"
    assert 2 * with_limit(256) + in_use <= 256
    assert with_limit(16) == 1
