"""What is done with the models of the nodes: loaded, unloaded, pulled, deleted."""

from __future__ import annotations

import time
from collections.abc import Sequence

from app.core.events import Bus
from app.core.pool import Node, Pool
from app.core.pulls import Pulls
from app.ollama.client import KeepAlive
from app.ollama.names import parse_name
from app.text.problem import Problem
from app.text.units import duration_text


class Upkeep:
    """Does it on the node that is named, or on the only one that it can be meant for.

    Each method tells the URL of that node, and raises a Problem where there is none, where several could be
    meant, or where the node does not do it.
    """

    def __init__(self, bus: Bus, pool: Pool, pulls: Pulls) -> None:
        self._bus = bus
        self._pool = pool
        self._pulls = pulls

    async def load(self, model: str, url: str | None = None, keep_alive: KeepAlive | None = None) -> str:
        """Have a model in a node's memory; where none is named, the one that a prompt would go to."""
        able = self._pool.candidates(model)
        if url is None and not able:
            raise Problem(f"No node that is up has {model}.", f"Pull it first: 'pull {model}'.")
        node = self._node(url) if url is not None else able[0]
        known = node.model(model)
        embedding = known is not None and known.capabilities == frozenset({"embedding"})
        started = time.monotonic()
        with self._pool.asking(node.url) as client:
            await client.load(model, keep_alive=keep_alive, embedding=embedding)
        took = duration_text(time.monotonic() - started)
        return await self._done(node.url, f"loaded {model} in {took}")

    async def unload(self, model: str, url: str | None = None) -> str:
        """Have a model leave a node's memory as soon as nobody uses it."""
        holding = [node for node in self._pool.nodes if node.has_loaded(model)]
        node = self._node(url) if url is not None else _only(holding, f"has {model} loaded")
        with self._pool.tending(node.url) as client:
            await client.unload(model)
        return await self._done(node.url, f"unloaded {model}")

    async def delete(self, model: str, url: str | None = None) -> str:
        """Have a model leave a node's disk; it can only be pulled again."""
        node = self.keeper(model, url)
        with self._pool.tending(node.url) as client:
            await client.delete(model)
        return await self._done(node.url, f"deleted {model}")

    async def pull(self, model: str, url: str | None = None) -> str:
        """Bring a model from the registry to a node."""
        name = parse_name(model).display
        up = [node for node in self._pool.nodes if node.up]
        node = self._node(url) if url is not None else _only(up, "is up")
        await self._pulls.pull(node.url, name)
        return node.url

    def stop_pull(self, model: str, url: str | None = None) -> None:
        """Stop a pull that is under way."""
        name = parse_name(model).display
        going = [pull.url for pull in self._pulls.now if pull.model == name]
        self._pulls.stop(url or _only([self._node(at) for at in going], f"pulls {name}").url, name)

    def keeper(self, model: str, url: str | None) -> Node:
        """The node at `url`, or the only one that has the model."""
        keeping = [node for node in self._pool.nodes if node.model(model)]
        return self._node(url) if url is not None else _only(keeping, f"has {model}")

    def _node(self, url: str) -> Node:
        node = self._pool.get(url)
        if node is None:
            raise Problem(f"No node {url} is known.", "'nodes list' shows them, 'nodes add URL' adds one.")
        return node

    async def _done(self, url: str, what: str) -> str:
        self._bus.say(url, what)
        await self._pool.refresh_one(url)
        return url


def _only(nodes: Sequence[Node], what: str) -> Node:
    if not nodes:
        raise Problem(f"No node {what}.", "'nodes list' shows how each is, 'nodes add URL' adds another.")
    if len(nodes) > 1:
        urls = ", ".join(node.url for node in nodes)
        raise Problem(f"More than one node {what}.", f"Say on which: {urls}.")
    return nodes[0]
