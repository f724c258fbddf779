"""An Ollama that is none: in a test, or as a program of its own.

`python -m tests.support.ollama_server --model llama3.2:latest` prints its URL and serves until it is ended.
"""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import signal
import ssl
from collections.abc import Iterable
from typing import Self

from tests.support.ollama.api import Api, listens_to
from tests.support.ollama.faults import Delivery, Ending, Faults, Gate
from tests.support.ollama.forms import written
from tests.support.ollama.http import Exchange, HttpServer, Request
from tests.support.ollama.models import FakeModel, full_name
from tests.support.ollama.pulls import Pulls
from tests.support.ollama.scheduler import DEFAULT_KEEP_ALIVE_S, Scheduler

__all__ = ["Delivery", "Ending", "FakeModel", "Faults", "Gate", "OllamaStandIn"]

PAGE = b"<!doctype html><title>Welcome</title>It works!"


class OllamaStandIn:
    """One node. `async with` starts it, and at the end complains of what it did not expect."""

    def __init__(
        self,
        models: Iterable[FakeModel] = (),
        *,
        registry: Iterable[FakeModel] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        version: str = "0.32.15",
        num_parallel: int = 1,
        max_loaded: int = 3,
        max_queue: int = 512,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.models = {full_name(model.name) or model.name: model for model in models}
        """What it has, by name; may be changed at any time."""
        self.registry = {full_name(model.name) or model.name: model for model in registry}
        """What can be pulled, by name."""
        self.faults = Faults()
        self.requests: list[Request] = []
        """All that was asked, in order."""
        self.host = host
        self.port = port
        self._tls = tls
        self._answering = 0
        self._scheduler = Scheduler(
            self.faults, num_parallel=num_parallel, max_loaded=max_loaded, max_queue=max_queue
        )
        self._pulls = Pulls(self.models, self.registry, self.faults)
        self._api = Api(self.models, self._scheduler, self._pulls, self.faults, version)
        self._http = HttpServer(self._answer)
        self._checks_names = ipaddress.ip_address(host).is_loopback

    async def __aenter__(self) -> Self:
        await self.come_up()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.go_down()
        assert not self._http.mistakes, self._http.mistakes

    @property
    def url(self) -> str:
        """Where it listens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    @property
    def loaded(self) -> list[str]:
        """Names of the models in memory, those that were loaded first at the front."""
        return list(self._scheduler.loaded)

    @property
    def loads(self) -> int:
        """How often a model was loaded, or was to be."""
        return self._scheduler.loads

    @property
    def reloads(self) -> int:
        """How often a loaded model was loaded anew, for other options."""
        return self._scheduler.reloads

    @property
    def in_flight(self) -> int:
        """Requests that are being answered."""
        return self._scheduler.in_flight

    @property
    def waiting(self) -> int:
        """Requests that wait for others to the same model to end."""
        return self._scheduler.waiting

    @property
    def words(self) -> Gate:
        """Where each word of an answer waits, by its place."""
        return self._api.words

    @property
    def loading(self) -> Gate:
        """Where a load waits."""
        return self._scheduler.gate

    @property
    def listing(self) -> Gate:
        """Where /api/ps waits."""
        return self._api.listing

    @property
    def answering(self) -> int:
        """Requests of any kind that are being answered; one whose client has left is not."""
        return self._answering

    @property
    def pulling(self) -> Gate:
        """Where each line of a pull waits, by its place."""
        return self._pulls.gate

    @property
    def arrived(self) -> dict[str, int]:
        """Bytes that have arrived of each layer that is, or was, being pulled; by digest."""
        return self._pulls.arrived

    async def come_up(self) -> None:
        """Listen, on the same port as before if there was one."""
        self.port = await self._http.start(self.host, self.port, self._tls)

    async def go_down(self) -> None:
        """Refuse every connection, break those that there are, and forget what was loaded."""
        await self._http.stop()
        self._scheduler.close()

    async def load(self, name: str, **options: object) -> None:
        """Have a model in memory, with these options."""
        async with self._scheduler.use(self.models[name], options, DEFAULT_KEEP_ALIVE_S):
            pass

    async def _answer(self, exchange: Exchange) -> None:
        request = exchange.request
        self.requests.append(request)
        self._answering += 1
        try:
            await self._reply(exchange)
        finally:
            self._answering -= 1

    async def _reply(self, exchange: Exchange) -> None:
        request = exchange.request
        if self.faults.hang:
            await asyncio.Event().wait()
        elif self.faults.html:
            await exchange.reply(200, PAGE, "text/html")
        elif self.faults.token and request.headers.get("authorization") != f"Bearer {self.faults.token}":
            await exchange.reply(401, written({"error": "unauthorized"}))
        elif self._checks_names and not listens_to(request.headers.get("host", "")):
            await exchange.reply(403, content_type="")
        else:
            await self._api.answer(exchange)


async def _serve(node: OllamaStandIn) -> None:
    ended = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, ended.set)
    async with node:
        print(node.url, flush=True)  # noqa: T201  what it is started for
        await ended.wait()


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.ollama_server")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="a free one, if none is given")
    parser.add_argument("--model", action="append", default=[], metavar="NAME[=PARAMETERS]")
    parser.add_argument("--registry", action="append", default=[], metavar="NAME[=PARAMETERS]")
    parser.add_argument("--answer", help="what every model says")
    given = parser.parse_args()
    said = {} if given.answer is None else {"answer": given.answer}
    models, registry = (
        [FakeModel(name, parameters=parameters or "3.2B", **said) for name, parameters in named]
        for named in (_named(given.model), _named(given.registry))
    )
    asyncio.run(_serve(OllamaStandIn(models, registry=registry, host=given.host, port=given.port)))


def _named(written_models: Iterable[str]) -> list[tuple[str, str]]:
    return [(name, parameters) for name, _, parameters in (one.partition("=") for one in written_models)]


if __name__ == "__main__":
    main()
