"""Who belongs to the cluster: adding and removing backends and nodes, saved on every change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from app.config.origins import Resolved
from app.config.state import Remark, SavedBackend, State, StateFile
from app.core.backends import Backend, Backends
from app.core.discovery import SWEPT, WORKERS
from app.core.events import Bus
from app.core.pool import Node, Pool
from app.rpc.names import resolve
from app.text.address import Address, parse_address, parse_node_url
from app.text.problem import Problem

STATE = "state"
"""Origin of what the program itself has saved, and may therefore remove."""


@dataclass(frozen=True, slots=True)
class Removed:
    """A backend that was forgotten, with all that was kept of it."""

    saved: SavedBackend
    remark: Remark


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

    async def recall(self) -> None:
        """Read what a person has said of the backends.

        Raises:
            StateProblem: the state cannot be read.
        """
        state = await asyncio.to_thread(self._state.peek)
        for address, remark in state.remarks.items():
            self._backends.remark(parse_address(address), remark)

    async def rename(self, text: str, name: str) -> Backend:
        """Show `name` beside the address of a backend; nothing, where it is empty.

        Raises:
            Problem: no such backend is known.
        """
        return await self._say_of(text, lambda said: replace(said, name=name))

    async def note(self, text: str, note: str) -> Backend:
        """Keep a note on a backend; none, where it is empty.

        Raises:
            Problem: no such backend is known.
        """
        return await self._say_of(text, lambda said: replace(said, note=note))

    async def disable(self, text: str) -> Backend:
        """Neither probe nor use a backend from now on; it stays known.

        Raises:
            Problem: it is not known, or is held by our coordinator.
        """
        self._must_not_be_held(self._known(text).address)
        backend = await self._say_of(text, lambda said: replace(said, disabled=True))
        self._bus.say(str(backend.address), "disabled")
        return backend

    async def enable(self, text: str) -> Backend:
        """Undo `disable`, and probe it at once.

        Raises:
            Problem: no such backend is known.
        """
        backend = await self._say_of(text, lambda said: replace(said, disabled=False))
        self._bus.say(str(backend.address), "enabled")
        return (await self._backends.check([backend.address]))[0]

    async def _say_of(self, text: str, change: Callable[[Remark], Remark]) -> Backend:
        known = self._known(text)
        remark = change(known.remark)
        await asyncio.to_thread(self._state.update, lambda s: s.with_remark(str(known.address), remark))
        self._backends.remark(known.address, remark)
        return self._known(text)

    async def remove_backend(self, text: str) -> Removed:
        """Forget the backend `host[:port]`; what is returned brings it back.

        Raises:
            Problem: it is not known, is held by our coordinator, or is named elsewhere.
        """
        known = self._known(text)
        address = known.address
        self._must_not_be_held(address)
        _must_be_ours(str(address), known.origin)
        before = await asyncio.to_thread(self._state.peek)
        await asyncio.to_thread(self._state.update, lambda s: s.without_backend(str(address)))
        self._backends.forget(address)
        self._bus.say(str(address), "removed")
        saved = (backend for backend in before.backends if backend.address == str(address))
        return Removed(next(saved, SavedBackend(str(address), "discovered")), known.remark)

    async def bring_back(self, removed: Removed) -> None:
        """Undo `remove_backend`: the backend is known again, with its name and note, as enabled as it was."""
        saved, remark = removed.saved, removed.remark
        address = parse_address(saved.address)

        def both(state: State) -> State:
            return state.with_backends([saved]).with_remark(saved.address, remark)

        await asyncio.to_thread(self._state.update, both)
        self._backends.remark(address, remark)
        self._backends.add(address, STATE)
        await self._backends.check([address])

    def _known(self, text: str) -> Backend:
        address = parse_address(text)
        known = self._backends.get(address)
        if known is None:
            remedy = "'backends list' shows them, 'backends add HOST' adds one."
            raise Problem(f"No backend {address} is known.", remedy)
        return known

    def _must_not_be_held(self, address: Address) -> None:
        if address in self._backends.held:
            raise Problem(f"{address} is held by our coordinator.", "Stop the coordinator first.")

    async def keep_found(self, backends: Iterable[Backend]) -> tuple[Backend, ...]:
        """Save those of `backends` that are workers which a sweep has found; returns those."""
        found = [b for b in backends if b.origin == SWEPT and b.state in WORKERS]
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
            raise Problem(f"No node {url} is known.", "'nodes list' shows them, 'nodes add URL' adds one.")
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
