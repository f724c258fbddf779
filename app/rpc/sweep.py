"""One pass over many addresses: words become candidates, candidates become verdicts."""

from __future__ import annotations

import asyncio
import ipaddress
import resource
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

from app.rpc.probe import Probe, ProbeLimits, probe
from app.text.address import Address, AddressProblem, parse_address
from app.text.problem import Problem
from app.text.version import ProtocolVersion

CANDIDATES_LIMIT = 1 << 17
"""More addresses than one sweep takes: a /16 on two ports."""
AT_ONCE_LIMIT = 1024
SPARED_DESCRIPTORS = 64
"""Left to the rest of the process while a sweep runs."""
_SMALLEST_WITH_BROADCAST = 30


def candidates(networks: Iterable[str], ports: Sequence[int], known: Iterable[Address] = ()) -> list[Address]:
    """Every address to probe, each once: the known ones first, then every host of the networks on every port.

    A word is a CIDR, an address, a host name, or one of the latter two with a port of its own.

    Raises:
        AddressProblem: a word is none of these. Problem: there are too many addresses.
    """
    found = dict.fromkeys(known)
    for word in networks:
        for host, port in _hosts(word):
            found.update(dict.fromkeys(Address(host, p) for p in ((port,) if port else ports)))
            if len(found) > CANDIDATES_LIMIT:
                raise Problem(
                    f"'{word}' makes more than {CANDIDATES_LIMIT} addresses to sweep.",
                    "Name a smaller network.",
                )
    return list(found)


async def sweep(
    addresses: Iterable[Address],
    *,
    client: ProtocolVersion | None,
    limits: ProbeLimits = ProbeLimits(),
    held: frozenset[Address] = frozenset(),
    at_once: int | None = None,
) -> AsyncIterator[Probe]:
    """Probe the addresses, many at once, and yield each verdict as soon as it is there.

    Those in `held` are not touched. Close the iterator to end the sweep early; nothing is left behind.

    Raises:
        Problem: this process has no descriptor left.
    """
    waiting = iter([address for address in addresses if address not in held])
    width = at_once or descriptors_free()
    probing: set[asyncio.Task[Probe]] = set()
    try:
        while True:
            for address in waiting:
                work = probe(address, client=client, limits=limits)
                probing.add(asyncio.create_task(work, name=f"probe {address}"))
                if len(probing) >= width:
                    break
            if not probing:
                return
            done, probing = await asyncio.wait(probing, return_when=asyncio.FIRST_COMPLETED)
            for finished in done:
                yield finished.result()
    finally:
        for task in probing:
            task.cancel()
        await asyncio.gather(*probing, return_exceptions=True)


def descriptors_free() -> int:
    """How many connections a sweep may have open at once, by this process's limit and what it has open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        in_use = sum(1 for _ in Path("/proc/self/fd").iterdir())
    except OSError:
        in_use = SPARED_DESCRIPTORS
    room = AT_ONCE_LIMIT if soft == resource.RLIM_INFINITY else soft - in_use - SPARED_DESCRIPTORS
    return max(1, min(room, AT_ONCE_LIMIT))


def _hosts(word: str) -> Iterable[tuple[str, int | None]]:
    if "/" not in word:
        port = parse_address(word).port if ":" in word else None
        return [(parse_address(word).host, port)]
    try:
        network = ipaddress.IPv4Network(word, strict=False)
    except ValueError:
        raise AddressProblem(
            f"'{word}' is no IPv4 network.", "Write it as 192.168.1.0/24, or name a host."
        ) from None
    if network.prefixlen > _SMALLEST_WITH_BROADCAST:
        return ((str(address), None) for address in network)
    return ((str(address), None) for address in network.hosts())
