"""A sweep in a network of its own, run in a fresh network namespace; prints what it saw as JSON.

`silent` has 254 addresses that swallow every packet. `far` has 2046, of which the kernel must find out one by
one who is there, and only the last one is.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from contextlib import aclosing
from pathlib import Path

from app.rpc.probe import BackendState
from app.rpc.sweep import candidates, sweep
from tests.lab.boxes import box, ip

PORT = 50052
SYN_SENT = "02"


def pending_connections(table: str) -> int:
    """Connections to PORT that have had no answer yet, from the text of /proc/net/tcp."""
    rows = (line.split() for line in table.splitlines()[1:])
    return sum(1 for row in rows if row[3] == SYN_SENT and int(row[2].rpartition(":")[2], 16) == PORT)


async def swept(network: str) -> dict[str, object]:
    """What a sweep of the network sees, and how many connections were pending at the same time."""
    states: Counter[str] = Counter()
    found = []
    peak = 0

    async def watch() -> None:
        nonlocal peak
        while True:
            table = Path("/proc/net/tcp").read_text()  # noqa: ASYNC240  the kernel's memory, no disk
            peak = max(peak, pending_connections(table))
            await asyncio.sleep(0.01)

    watching = asyncio.create_task(watch())
    async with aclosing(sweep(candidates([network], [PORT], []), client=None)) as probes:
        async for seen in probes:
            states[seen.state] += 1
            if seen.state is not BackendState.NO_ANSWER:
                found.append(str(seen.address))
    watching.cancel()
    return {"states": states, "found": found, "peak": peak}


def silent() -> dict[str, object]:
    # Nobody is asked who is there (no ARP), and what is sent comes out at an end that has no address.
    ip("link", "add", "near", "type", "veth", "peer", "name", "nowhere")
    ip("link", "set", "near", "arp", "off")
    ip("address", "add", "10.77.0.1/16", "dev", "near")
    ip("link", "set", "near", "up")
    ip("link", "set", "nowhere", "up")
    return asyncio.run(swept("10.77.5.0/24"))


def far() -> dict[str, object]:
    with box("near", "10.77.0.1/21", "10.77.7.254/21"):
        ip("neighbour", "flush", "all")
        return asyncio.run(swept("10.77.0.0/21"))


if __name__ == "__main__":
    ip("link", "set", "lo", "up")
    print(json.dumps({"silent": silent, "far": far}[sys.argv[1]]()))  # noqa: T201  how it reports
