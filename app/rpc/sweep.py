"""One pass of discovery: from words to addresses, and from addresses to verdicts."""

from __future__ import annotations

import asyncio
import os
import resource
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from functools import partial
from ipaddress import IPv4Network

from app.rpc.pace import Pace
from app.rpc.probe import DEFAULT_LIMITS, BackendState, Probe, ProbeLimits, probe
from app.text.address import DEFAULT_RPC_PORT, Address, AddressProblem, parse_address
from app.text.problem import Problem
from app.text.version import ProtocolVersion

MAX_CANDIDATES = 65_536
"""The most addresses that the networks of one sweep may have: one port on a /16."""
MAX_AT_ONCE = 512
"""The most probes at a time, however many descriptors there are."""

_DESCRIPTORS_PER_PROBE = 2
_SPARE_DESCRIPTORS = 64
"""Left for the rest of the program: nodes, logs, the coordinator."""

_ProbeOne = Callable[[Address], Coroutine[None, None, Probe]]


class TooManyCandidates(Problem):
    """A sweep over more addresses than make sense."""


def candidates(
    networks: Iterable[str | IPv4Network], ports: Iterable[int], known: Iterable[Address]
) -> list[Address]:
    """The addresses to sweep, each once: first the known ones, then the networks in their order.

    A network is a CIDR, an IPv4 address, a host name, or one of the latter two with a port of its own; all
    others are looked at on each of `ports`, or on the default port where that is empty. Network and broadcast
    addresses are left out.

    Raises:
        AddressProblem: a word is none of these.
        TooManyCandidates: the networks have more than MAX_CANDIDATES addresses.
    """
    on_ports = tuple(ports) or (DEFAULT_RPC_PORT,)
    found = dict.fromkeys(known)
    room = MAX_CANDIDATES
    for word in networks:
        network = _network(word)
        if network is None:
            found |= dict.fromkeys(parse_address(str(word), port) for port in on_ports)
            continue
        room -= network.num_addresses * len(on_ports)
        if room < 0:
            raise TooManyCandidates(
                f"With '{word}' the sweep has more than {MAX_CANDIDATES} addresses to visit.",
                "Name smaller networks, or fewer ports.",
            )
        # All hosts on the first port, then on the next: what is most likely comes first.
        found |= dict.fromkeys(Address(str(host), port) for port in on_ports for host in network.hosts())
    return list(found)


async def sweep(
    addresses: Iterable[Address],
    *,
    client: ProtocolVersion | None,
    limits: ProbeLimits = DEFAULT_LIMITS,
    at_once: int | None = None,
    held: frozenset[Address] = frozenset(),
) -> AsyncGenerator[Probe, None]:
    """Probe these addresses, and yield every verdict as soon as it is known, good or bad.

    Those in `held` are not touched. At most `at_once` probes run at a time; None takes what the limit of open
    files allows. Close the iterator (`contextlib.aclosing`) to end the sweep early; nothing of it is left.

    Raises:
        OutOfSockets: this box cannot make connections.
    """
    todo = (address for address in addresses if address not in held)
    probes = _Probes(todo, partial(probe, client=client, limits=limits), at_once or probes_at_once())
    try:
        while probes.to_come:
            yield await probes.next()
    finally:
        await probes.stop()


class _Probes:
    """The probes of one sweep: those under way, and those still to be started."""

    def __init__(self, todo: Iterable[Address], probe_one: _ProbeOne, room: int) -> None:
        self._todo = deque(todo)
        self._probe_one = probe_one
        self._room = room
        self._under_way: set[asyncio.Task[Probe]] = set()
        self._done: asyncio.Queue[asyncio.Task[Probe]] = asyncio.Queue(room)
        self._pace = Pace()
        self._now = asyncio.get_running_loop().time

    @property
    def to_come(self) -> bool:
        """Whether there will be another verdict."""
        return bool(self._todo or self._under_way)

    async def next(self) -> Probe:
        """The verdict that is known next; every place that is free is filled before it is waited for."""
        self._fill()
        while not self._under_way:
            await asyncio.sleep(self._pace.wait_s(self._todo[0].host, self._now()))
            self._fill()
        task = await self._done.get()
        self._under_way.discard(task)
        seen = task.result()
        if seen.state is not BackendState.NO_ANSWER:
            self._pace.answered(seen.address.host)
        return seen

    async def stop(self) -> None:
        """Cancel what is under way, and wait for its end."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _fill(self) -> None:
        while self._todo and len(self._under_way) < self._room:
            if self._pace.wait_s(self._todo[0].host, self._now()):
                return
            address = self._todo.popleft()
            self._pace.ask(address.host, self._now())
            task = asyncio.create_task(self._probe_one(address), name=f"probe {address}")
            task.add_done_callback(self._done.put_nowait)
            self._under_way.add(task)


def probes_at_once() -> int:
    """How many probes can run at a time under the process's limit of open files."""
    soft_limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft_limit == resource.RLIM_INFINITY:
        return MAX_AT_ONCE
    free = soft_limit - len(os.listdir("/dev/fd")) - _SPARE_DESCRIPTORS
    return max(1, min(MAX_AT_ONCE, free // _DESCRIPTORS_PER_PROBE))


def _network(word: str | IPv4Network) -> IPv4Network | None:
    """The network that a word names; None where it must be a host."""
    if isinstance(word, IPv4Network):
        return word
    if "/" not in word or "://" in word:
        return None
    try:
        return IPv4Network(word.strip(), strict=False)
    except ValueError:
        raise AddressProblem(f"'{word}' is not an IPv4 network.", "Write it as 192.168.1.0/24.") from None
