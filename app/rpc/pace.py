"""How many hosts can be asked for at once before the network stack loses some of them?

For each host of its own network that the kernel does not know yet, it asks all of them (ARP), three times in
three seconds, and keeps an entry in its neighbour table meanwhile. On Linux that table ends at 1024 entries.
Past that a connection is attempted to no effect, without an error, and a host that is there looks as if it
were off; so do the hosts of the other programs on this box. (Measured: 4094 addresses in 3 s, and a worker
among the last was not found.)
"""

from __future__ import annotations

_KERNEL_ASKS_S = 3.2
MAX_UNANSWERED_HOSTS = 512
"""Half of the table: the other half is for the rest of the box. A /23 fits in without a pause."""


class Pace:
    """Holds a sweep back while too many of its hosts are being asked for; `now` is any clock's seconds."""

    def __init__(self) -> None:
        self._asked: dict[str, float] = {}

    def wait_s(self, host: str, now: float) -> float:
        """How long to wait before this host may be asked for."""
        while self._asked and (oldest := next(iter(self._asked.items())))[1] <= now:
            del self._asked[oldest[0]]
        if host in self._asked or len(self._asked) < MAX_UNANSWERED_HOSTS:
            return 0.0
        return next(iter(self._asked.values())) - now

    def ask(self, host: str, now: float) -> None:
        """A connection to this host is about to be made."""
        self._asked.pop(host, None)
        self._asked[host] = now + _KERNEL_ASKS_S

    def answered(self, host: str) -> None:
        """The host is there, so the kernel no longer asks for it."""
        self._asked.pop(host, None)
