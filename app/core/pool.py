"""The pool: the Ollama nodes that are known, what each has, and which one to ask."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from app.core.events import Bus, Change, Severity
from app.ollama.client import LoadedModel, NodeModel, OllamaClient, OllamaLimits
from app.ollama.names import same_model
from app.text.problem import Problem

LATENCIES = 60
"""How many are remembered of each node."""


@dataclass(frozen=True, slots=True)
class Node:
    """One Ollama server, as last seen."""

    url: str
    origin: str
    up: bool | None = None
    """None until it was asked."""
    version: str | None = None
    latency_ms: float | None = None
    latencies_ms: tuple[float | None, ...] = ()
    """Of the last times that it was asked, the newest at the end; None where it did not answer."""
    models: tuple[NodeModel, ...] = ()
    loaded: tuple[LoadedModel, ...] = ()
    in_flight: int = 0
    """Our own requests that it is answering; those of others cannot be seen."""
    detail: str = ""
    """Why it is down."""
    last_error: str = ""
    """What went wrong with it last, be it over by now."""
    last_error_at: datetime | None = None
    checked: datetime | None = None

    @property
    def local(self) -> tuple[NodeModel, ...]:
        """Its models but the stubs, which run elsewhere."""
        return tuple(model for model in self.models if not model.remote)

    def model(self, name: str) -> NodeModel | None:
        """The model of that name, local to the node; names are compared as Ollama does, not as strings."""
        return next((model for model in self.local if same_model(model.name, name)), None)

    def has_loaded(self, name: str) -> bool:
        """Whether the model is in the node's memory now."""
        return any(same_model(m.name, name) for m in self.loaded)


@dataclass(frozen=True, slots=True)
class NodeSeen(Change):
    """A node is new, or something about it has changed."""

    node: Node

    @property
    def thing(self) -> Hashable:
        """One node."""
        return ("node", self.node.url)


@dataclass(frozen=True, slots=True)
class NodeForgotten(Change):
    """A node is no longer in the pool."""

    url: str

    @property
    def thing(self) -> Hashable:
        """One node: replaces whatever was said of it before."""
        return ("node", self.url)


class Pool:
    """All the nodes, each with one client of ours."""

    def __init__(self, bus: Bus, limits: OllamaLimits) -> None:
        self._bus = bus
        self._limits = limits
        self._nodes: dict[str, Node] = {}
        self._clients: dict[str, OllamaClient] = {}
        self._in_flight: Counter[str] = Counter()

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every node, in the order in which they became known."""
        return tuple(self._nodes.values())

    def get(self, url: str) -> Node | None:
        """The node at `url`, or None where none is known."""
        return self._nodes.get(url)

    def add(self, url: str, origin: str) -> Node:
        """Make a node known; one that is known already stays as it is."""
        if url not in self._nodes:
            self._clients[url] = OllamaClient(url, limits=self._limits)
            self._see(Node(url, origin))
        return self._nodes[url]

    async def forget(self, url: str) -> None:
        """Remove a node; what it is answering for us breaks off."""
        if self._nodes.pop(url, None) is not None:
            await self._clients.pop(url).aclose()
            self._bus.publish(NodeForgotten(url))

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(client.aclose() for client in self._clients.values()))

    def candidates(self, model: str) -> tuple[Node, ...]:
        """The nodes that are up and have the model, the one to ask first at the front.

        The order: it is loaded there, then the fewest of our own requests in flight, then the order in which
        the nodes were named. Queue length and free memory are not to be had from Ollama.
        """
        able = [node for node in self.nodes if node.up and node.model(model)]
        return tuple(sorted(able, key=lambda node: (not node.has_loaded(model), node.in_flight)))

    def context(self, url: str, model: str) -> int | None:
        """The tokens of context that a model has in a node's memory, as last seen."""
        node = self._nodes.get(url)
        loaded = node.loaded if node is not None else ()
        return next((each.context_length for each in loaded if same_model(each.name, model)), None)

    @contextmanager
    def asking(self, url: str) -> Iterator[OllamaClient]:
        """The client of a node, counted as in flight while it is in use; remembers why that failed."""
        self._count(url, 1)
        try:
            with self.tending(url) as client:
                yield client
        finally:
            self._count(url, -1)

    @contextmanager
    def tending(self, url: str) -> Iterator[OllamaClient]:
        """The client of a node, for what is no request to a model; remembers why that failed.

        Raises:
            Problem: no such node is known.
        """
        if url not in self._clients:
            raise Problem(f"No node {url} is known.", "'nodes list' shows them, 'nodes add URL' adds one.")
        try:
            yield self._clients[url]
        except Problem as problem:
            self._remember(url, problem)
            raise

    async def refresh(self) -> None:
        """Ask every node what it is, has and has loaded; one that does not answer is down."""
        await asyncio.gather(*(self.refresh_one(url) for url in self._nodes))

    def configure(self, limits: OllamaLimits) -> None:
        """From now on these limits hold, for the nodes that are known too."""
        self._limits = limits
        for client in self._clients.values():
            client.configure(limits)

    async def watch(self, interval_s: Callable[[], float]) -> None:
        """Refresh again and again, for ever; the interval is asked for each time."""
        while True:
            await self.refresh()
            await asyncio.sleep(interval_s())

    async def refresh_one(self, url: str) -> None:
        """Ask the node at `url` what it is, has and has loaded."""
        asked = datetime.now(UTC)
        try:
            with self.tending(url) as client:
                started = time.monotonic()
                version = await client.version()
                latency_ms = (time.monotonic() - started) * 1000
                models, loaded = await client.tags(), await client.loaded()
        except Problem as problem:
            self._look(url, asked, None, up=False, loaded=(), detail=str(problem))
        else:
            told = {"version": version, "models": models, "loaded": loaded}
            self._look(url, asked, latency_ms, up=True, detail="", **told)

    def _look(
        self,
        url: str,
        asked: datetime,
        latency_ms: float | None,
        **seen: Any,  # noqa: ANN401  fields of Node
    ) -> None:
        if node := self._nodes.get(url):
            latencies = (*node.latencies_ms[1 - LATENCIES :], latency_ms)
            self._see(replace(node, checked=asked, latency_ms=latency_ms, latencies_ms=latencies, **seen))

    def _remember(self, url: str, problem: Problem) -> None:
        if node := self._nodes.get(url):
            self._see(replace(node, last_error=problem.sentence, last_error_at=datetime.now(UTC)))

    def _count(self, url: str, change: int) -> None:
        self._in_flight[url] += change
        if node := self._nodes.get(url):
            self._see(replace(node, in_flight=self._in_flight[url]))

    def _see(self, node: Node) -> None:
        before = self._nodes.get(node.url)
        self._nodes[node.url] = node
        if before is None or replace(before, checked=node.checked) != node:
            self._bus.publish(NodeSeen(node))
        if before is not None and before.up is not None and before.up != node.up:
            said, severity = ("up", Severity.GOOD) if node.up else (f"down: {node.detail}", Severity.WARNING)
            self._bus.say(node.url, said, severity)
