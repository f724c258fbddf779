"""A stand-in for an Ollama server, built from what its source says, with faults to order.

It cannot be had as a package; the real `ollama` client is run against it so that it does not drift. Run it by
itself with `python -m tests.support.ollama_server --model NAME`.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

VERSION = "0.32.15"
JSON = "application/json; charset=utf-8"
STREAM = "application/x-ndjson"
RUNNER_OPTIONS = ("num_ctx", "num_batch", "num_gpu", "main_gpu", "use_mmap", "num_thread")
"""A request that differs in one of these makes the model load again."""


@dataclass(slots=True)
class FakeModel:
    """One model that the server has."""

    name: str
    parameters: str = "3.2B"
    count: int = 3_212_749_888
    size: int = 2_019_393_189
    answer: str = "The sky is blue because of Rayleigh scattering."
    thinking: str = ""
    family: str = "llama"
    quantization: str = "Q4_K_M"
    remote_host: str = ""

    @property
    def digest(self) -> str:
        """As a manifest's would be."""
        return hashlib.sha256(self.name.encode()).hexdigest()


@dataclass(slots=True)
class Faults:
    """What goes wrong; all off."""

    hang: bool = False
    """Accept every request, and say nothing."""
    status: int = 0
    """Answer prompts with this status and `message`."""
    message: str = ""
    error_after: int | None = None
    """Break off with an error line after so many words."""
    end_after: int | None = None
    """End without a last line after so many words."""
    drop_after: int | None = None
    """Drop the connection after so many words."""
    html: bool = False
    """Be another server altogether."""
    forbidden: bool = False
    """403 without a body, as for a host name that is not allowed."""
    huge_line: int = 0
    """Send one line of so many bytes."""
    bytes_at_once: int = 0
    """Cut the stream into pieces of so many bytes, wherever they fall."""


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked."""

    method: str
    path: str
    body: Any


@dataclass(slots=True)
class OllamaStandIn:
    """One server on loopback: `async with OllamaStandIn([FakeModel("m:latest")]) as node: node.url`."""

    models: Sequence[FakeModel]
    host: str = "127.0.0.1"
    faults: Faults = field(default_factory=Faults)
    requests: list[Request] = field(default_factory=list)
    loaded: dict[str, datetime] = field(default_factory=dict)
    loads: Counter[str] = field(default_factory=Counter)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared by a test that wants to hold streams open after their first word."""
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client has gone in the middle of an answer."""
    in_flight: int = 0
    url: str = ""
    _options: dict[str, Any] = field(default_factory=dict)
    _slots: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self.gate.set()
        self._server = await asyncio.start_server(self._connected, self.host, 0)
        self.url = f"http://{self.host}:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while request := await _read_request(reader):
                self.requests.append(request)
                if self.faults.hang:
                    await asyncio.Event().wait()
                await self._answer(request, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, _Dropped):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _answer(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self.faults.html:
            await _send(writer, 200, "<html>hello</html>", "text/html")
        elif self.faults.forbidden:
            await _send(writer, 403, "")
        elif request.path in ("/api/chat", "/api/generate") and request.method == "POST":
            await self._generate(request, reader, writer)
        else:
            await self._short(request, writer)

    async def _short(self, request: Request, writer: asyncio.StreamWriter) -> None:
        routes: Mapping[str, tuple[tuple[str, ...], Callable[[Any], tuple[int, object]]]] = {
            "/": (("GET", "HEAD"), lambda _: (200, "Ollama is running")),
            "/api/version": (("GET", "HEAD"), lambda _: (200, {"version": VERSION})),
            "/api/tags": (("GET", "HEAD"), lambda _: (200, {"models": [_tag(m) for m in self.models]})),
            "/api/ps": (("GET",), lambda _: (200, {"models": [*self._running()]})),
            "/api/show": (("POST",), self._show),
            "/v1/models": (
                ("GET",),
                lambda _: (200, {"object": "list", "data": [_entry(m) for m in self.models]}),
            ),
        }
        if request.path not in routes:
            await _send(writer, 404, "404 page not found", "text/plain")
            return
        methods, reply = routes[request.path]
        if request.method not in methods:
            await _send(writer, 405, "405 method not allowed", "text/plain")
            return
        status, body = reply(request.body)
        if isinstance(body, str):
            await _send(writer, status, body, "text/plain; charset=utf-8", head=request.method == "HEAD")
        else:
            await _send(writer, status, json.dumps(body), head=request.method == "HEAD")

    def _running(self) -> Iterator[dict[str, Any]]:
        for model in self.models:
            if model.name in self.loaded:
                yield {
                    "name": model.name,
                    "model": model.name,
                    "size": model.size,
                    "digest": model.digest,
                    "details": _details(model),
                    "expires_at": _time(self.loaded[model.name]),
                    "size_vram": model.size // 2,
                    "context_length": 4096,
                }

    def _show(self, body: Any) -> tuple[int, object]:
        name = body.get("model") or body.get("name") if isinstance(body, dict) else None
        if not name:
            return 400, {"error": "model is required"}
        model = self._find(name)
        if model is None:
            return 404, {"error": f"model '{name}' not found"}
        return 200, {
            "modelfile": f"# Modelfile\nFROM /store/blobs/sha256-{model.digest}\n",
            "template": "{{ .Prompt }}",
            "details": _details(model),
            "model_info": {
                "general.architecture": model.family,
                "general.parameter_count": model.count,
                f"{model.family}.block_count": 28,
            },
            "capabilities": ["completion", "tools"],
            "modified_at": _time(datetime.now(UTC)),
        }

    def _find(self, name: str) -> FakeModel | None:
        wanted = name if ":" in name else f"{name}:latest"
        return next((m for m in self.models if m.name.casefold() == wanted.casefold()), None)

    async def _generate(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        body = request.body if isinstance(request.body, dict) else {}
        name, is_chat = body.get("model", ""), request.path == "/api/chat"
        model = self._find(name)
        if self.faults.status:
            await _send(writer, self.faults.status, json.dumps({"error": self.faults.message}))
        elif not body:
            await _send(writer, 400, json.dumps({"error": "missing request body"}))
        elif model is None:
            await _send(writer, 404, json.dumps({"error": f"model '{name}' not found"}))
        else:
            async with self._slots.setdefault(model.name, asyncio.Semaphore(1)):
                self._load(model, body)
                self.in_flight += 1
                try:
                    await self._stream(model, body, is_chat, reader, writer)
                finally:
                    self.in_flight -= 1

    def _load(self, model: FakeModel, body: Mapping[str, Any]) -> None:
        runner = {k: v for k, v in (body.get("options") or {}).items() if k in RUNNER_OPTIONS}
        if model.name not in self.loaded or self._options.get(model.name) != runner:
            self.loads[model.name] += 1
        self._options[model.name] = runner
        self.loaded[model.name] = datetime.now(UTC) + timedelta(minutes=5)

    async def _stream(
        self,
        model: FakeModel,
        body: Mapping[str, Any],
        is_chat: bool,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        last = {
            "done": True,
            "done_reason": "stop",
            "total_duration": 1_897_385_625,
            "load_duration": 1_631_208,
            "prompt_eval_count": 17,
            "prompt_eval_duration": 313_560_000,
            "eval_count": 50,
            "eval_duration": 1_577_990_000,
        }
        if body.get("stream") is False:
            whole = _said(is_chat, model.answer, model.thinking)
            await _send(writer, 200, json.dumps({**_stamp(model), **whole, **last}))
            return
        writer.write(_head(200, STREAM, chunked=True))
        out = _Chunks(writer, self.faults.bytes_at_once)
        if self.faults.huge_line:
            await out.line({"x": "x" * self.faults.huge_line})
        if model.thinking:
            await out.line({**_stamp(model), **_said(is_chat, "", model.thinking), "done": False})
        words = [word + " " for word in model.answer.split(" ")]
        words[-1] = words[-1].rstrip()
        for number, word in enumerate(words):
            if number == self.faults.error_after:
                await out.line({"error": "an error was encountered while running the model: CUDA error"})
                return await out.end()
            if number == self.faults.end_after:
                return await out.end()
            if number == self.faults.drop_after:
                raise _Dropped
            await out.line({**_stamp(model), **_said(is_chat, word, ""), "done": False})
            await self._wait(reader)
        await out.line({**_stamp(model), **_said(is_chat, "", ""), **last})
        await out.end()

    async def _wait(self, reader: asyncio.StreamReader) -> None:
        """Wait at the gate; a client that leaves meanwhile cancels the answer."""
        if self.gate.is_set():
            return
        opened = asyncio.create_task(self.gate.wait())
        left = asyncio.create_task(reader.read(1))
        try:
            await asyncio.wait({opened, left}, return_when=asyncio.FIRST_COMPLETED)
            if left.done() and not opened.done():
                self.cancelled.set()
                raise _Dropped
        finally:
            for task in (opened, left):
                task.cancel()
            await asyncio.gather(opened, left, return_exceptions=True)


class _Dropped(Exception):  # noqa: N818  the connection is
    pass


class _Chunks:
    """A chunked body, cut where the fault says."""

    def __init__(self, writer: asyncio.StreamWriter, at_once: int) -> None:
        self._writer = writer
        self._at_once = at_once

    async def line(self, value: object) -> None:
        text = (json.dumps(value, ensure_ascii=False) + "\n").encode()
        size = self._at_once or len(text)
        for start in range(0, len(text), size):
            piece = text[start : start + size]
            self._writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await self._writer.drain()

    async def end(self) -> None:
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    first = await reader.readline()
    if not first.strip():
        return None
    method, path, _ = first.decode().split(" ", 2)
    length = 0
    while (header := (await reader.readline()).strip()) != b"":
        name, _, value = header.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    content = await reader.readexactly(length)
    try:
        body = json.loads(content) if content else None
    except ValueError:
        body = None
    return Request(method, path.partition("?")[0], body)


def _head(status: int, kind: str, *, length: int = 0, chunked: bool = False) -> bytes:
    size = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {length}"
    return f"HTTP/1.1 {status} Status\r\nContent-Type: {kind}\r\n{size}\r\n\r\n".encode()


async def _send(
    writer: asyncio.StreamWriter, status: int, text: str, kind: str = JSON, *, head: bool = False
) -> None:
    body = text.encode()
    writer.write(_head(status, kind, length=len(body)) + (b"" if head else body))
    await writer.drain()


def _time(moment: datetime) -> str:
    """As Go writes it: any number of digits of the second, down to none."""
    digits = random.choice(("", ".5", ".264", ".264371207"))  # noqa: S311
    return f"{moment:%Y-%m-%dT%H:%M:%S}{digits}Z"


def _stamp(model: FakeModel) -> dict[str, Any]:
    return {"model": model.name, "created_at": _time(datetime.now(UTC))}


def _said(is_chat: bool, content: str, thinking: str) -> dict[str, Any]:
    if not is_chat:
        return {"response": content, **({"thinking": thinking} if thinking else {})}
    message = {"role": "assistant", "content": content, **({"thinking": thinking} if thinking else {})}
    return {"message": message}


def _details(model: FakeModel) -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": model.family,
        "families": [model.family],
        "parameter_size": model.parameters,
        "quantization_level": model.quantization,
    }


def _tag(model: FakeModel) -> dict[str, Any]:
    remote = {"remote_host": model.remote_host, "remote_model": model.name} if model.remote_host else {}
    return {
        "name": model.name,
        "model": model.name,
        "modified_at": _time(datetime.now(UTC)),
        "size": model.size,
        "digest": model.digest,
        "details": _details(model),
        **remote,
    }


def _entry(model: FakeModel) -> dict[str, Any]:
    return {"id": model.name, "object": "model", "created": 1_719_000_000, "owned_by": "library"}


async def _serve(names: Sequence[str]) -> None:
    async with OllamaStandIn([FakeModel(name) for name in names]) as node:
        print(node.url, flush=True)  # noqa: T201  whoever started it waits for this line
        await asyncio.Event().wait()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--model", action="append", default=[])
    asyncio.run(_serve(arguments.parse_args().model))
