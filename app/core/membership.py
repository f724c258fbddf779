"""Who belongs to the cluster: adding and removing backends and nodes, saved on every change."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from app.config.origins import Resolved
from app.config.state import SavedBackend, StateFile
from app.core.backends import Backend, Backends
from app.core.discovery import SWEPT, WORKERS, Sweep
from app.core.events import Bus
from app.core.pool import Node, Pool
from app.rpc.names import resolve
from app.text.address import Address, parse_address, parse_node_url
from app.text.problem import Problem

STATE = "state"
"""Origin of what the program itself has saved, and may therefore remove."""


class Membership:
    """Adds and removes, in the registry, in the pool and in the state file alike."""

    def __init__(self, bus: Bus, state: StateFile, backends: Backends, pool: Pool) -> None:
        self._bus = bus
        self._state = state
        self._backends = backends
        self._pool = pool

    def know(self, resolved: Resolved) -> None:
        """Make known the backends and nodes that the settings name."""
        for address, origin in resolved.backends:
            self._backends.add(address, str(origin))
        for url, origin in resolved.nodes:
            self._pool.add(url, str(origin))

    async def follow(self, before: Resolved, now: Resolved) -> None:
        """Know what `now` names, and forget what only `before` named; a backend that we hold stays."""
        self.know(now)
        for address in {a for a, _ in before.backends} - {a for a, _ in now.backends} - self._backends.held:
            self._backends.forget(address)
        for url in {url for url, _ in before.nodes} - {url for url, _ in now.nodes}:
            await self._pool.forget(url)

    async def add_backend(self, text: str) -> Backend:
        """Make `host[:port]` a backend, save it, and probe it at once.

        Raises:
            AddressProblem: it is no address, or its name does not resolve.
        """
        address = parse_address(text)
        await resolve(address)
        if self._backends.get(address) is None:
            self._backends.add(address, STATE)
            self._bus.say(str(address), "added")
        await self._save_backends([address], "added")
        return (await self._backends.check([address]))[0]

    async def remove_backend(self, text: str) -> None:
        """Forget the backend `host[:port]`.

        Raises:
            Problem: it is not known, is held by our coordinator, or is named elsewhere.
        """
        address = parse_address(text)
        known = self._backends.get(address)
        if known is None:
            raise Problem(f"No backend {address} is known.", "See 'backends list'.")
        if address in self._backends.held:
            raise Problem(f"{address} is held by our coordinator.", "Stop the coordinator first.")
        _must_be_ours(str(address), known.origin)
        self._backends.forget(address)
        await asyncio.to_thread(self._state.update, lambda s: s.without_backend(str(address)))
        self._bus.say(str(address), "removed")

    async def keep_found(self, sweep: Sweep) -> tuple[Backend, ...]:
        """Save the workers that a sweep has found and that were not saved before; returns those."""
        found = [b for b in sweep.backends if b.origin == SWEPT and b.state in WORKERS]
        await self._save_backends((b.address for b in found), "discovered")
        return tuple(found)

    async def add_node(self, text: str) -> Node:
        """Make an Ollama URL a node, save it, and ask it at once.

        Raises:
            AddressProblem: it is no URL.
        """
        url = parse_node_url(text)
        self._pool.add(url, STATE)
        await asyncio.to_thread(self._state.update, lambda s: s.with_node(url))
        self._bus.say(url, "added")
        await self._pool.refresh()
        node = self._pool.get(url)
        assert node is not None, "just added"
        return node

    async def remove_node(self, text: str) -> None:
        """Forget the node at an Ollama URL.

        Raises:
            Problem: it is not known, or is named by something else than the state.
        """
        url = parse_node_url(text)
        known = self._pool.get(url)
        if known is None:
            raise Problem(f"No node {url} is known.", "See 'nodes list'.")
        _must_be_ours(url, known.origin)
        await self._pool.forget(url)
        await asyncio.to_thread(self._state.update, lambda s: s.without_node(url))
        self._bus.say(url, "removed")

    async def _save_backends(self, addresses: Iterable[Address], how: str) -> None:
        new = tuple(SavedBackend(str(address), how) for address in addresses)
        await asyncio.to_thread(self._state.update, lambda s: s.with_backends(new))


def _must_be_ours(name: str, origin: str) -> None:
    if origin not in (STATE, SWEPT):
        raise Problem(
            f"{name} is named by the {origin}, which this program never changes.", "Remove it there."
        )
