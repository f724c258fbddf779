"""Ollama's HTTP API, as far as this program uses it. Source: ollama/server/routes.go, api/types.go."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import msgspec

from app.ollama.ndjson import LineTooLong, lines
from app.text.answer import (
    AnswerBroken,
    AnswerPart,
    Delta,
    Finish,
    Finished,
    Message,
    Stage,
    Thinking,
    Timings,
)
from app.text.problem import Problem
from app.text.units import parse_count

BODY_LIMIT = 32 << 20
"""A larger reply to a short question is no reply of Ollama's, in bytes."""
ERROR_LIMIT = 1 << 16
_PARAMETERS = re.compile(r"[0-9.]+\s*[KMBT]")
_NANOSECONDS = 1_000_000_000


class NodeProblem(Problem):
    """A node that does not answer as Ollama does."""


@dataclass(frozen=True, slots=True)
class OllamaLimits:
    """How long to wait, in seconds."""

    connect_s: float = 3.0
    reply_s: float = 5.0
    loaded_s: float = 8.0
    """For /api/ps: it waits while a model is being unloaded."""
    first_part_s: float = 600.0
    """For the first piece of an answer: a cold model has to load."""
    idle_s: float = 120.0


class _Wire(msgspec.Struct, rename=None):
    """Whatever is missing is unknown: nodes of every age are spoken to."""


class _Details(_Wire):
    family: str | None = None
    format: str | None = None
    parameter_size: str | None = None
    quantization_level: str | None = None
    context_length: int | None = None


class _Tag(_Wire):
    name: str = ""
    model: str = ""
    digest: str | None = None
    size: int | None = None
    details: _Details | None = None
    capabilities: list[str] | None = None
    remote_host: str | None = None
    remote_model: str | None = None
    size_vram: int | None = None
    context_length: int | None = None
    expires_at: str | None = None


class _Tags(_Wire):
    models: list[_Tag] | None = None


class _Version(_Wire):
    version: str


class _Said(_Wire):
    content: str | None = None
    thinking: str | None = None


class _Line(_Wire):
    message: _Said | None = None
    done: bool = False
    done_reason: str | None = None
    error: str | None = None
    load_duration: int | None = None
    prompt_eval_count: int | None = None
    prompt_eval_duration: int | None = None
    eval_count: int | None = None
    eval_duration: int | None = None


class _Error(_Wire):
    error: str | None = None


@dataclass(frozen=True, slots=True)
class NodeModel:
    """One model that a node has."""

    name: str
    """As the node writes it."""
    digest: str | None = None
    size: int | None = None
    """Bytes of all layers."""
    parameters: int | None = None
    quantization: str | None = None
    family: str | None = None
    context_length: int | None = None
    capabilities: frozenset[str] | None = None
    remote: bool = False
    """A stub: it runs in Ollama's cloud."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """One model in a node's memory."""

    name: str
    size: int | None = None
    vram_bytes: int | None = None
    context_length: int | None = None
    expires: datetime | None = None


class OllamaClient:
    """One node. Close it with `aclose`."""

    def __init__(self, url: str, *, limits: OllamaLimits = OllamaLimits()) -> None:
        self._url = url
        self._limits = limits
        self._http = httpx.AsyncClient(
            base_url=url,
            trust_env=False,
            # Loading the certificates takes longer than all the rest, and plain http needs none.
            verify=url.startswith("https://"),
            timeout=httpx.Timeout(limits.reply_s, connect=limits.connect_s),
        )

    async def aclose(self) -> None:
        """Close every connection; streams that are open break off."""
        await self._http.aclose()

    async def version(self) -> str:
        """The node's version.

        Raises:
            NodeProblem: it does not answer, or is no Ollama.
        """
        reply: _Version = await self._get("/api/version", _Version, self._limits.reply_s)
        return reply.version

    async def tags(self) -> tuple[NodeModel, ...]:
        """The models that the node has.

        Raises:
            NodeProblem: it does not answer, or is no Ollama.
        """
        reply = await self._get("/api/tags", _Tags, self._limits.reply_s)
        return tuple(_model(tag) for tag in reply.models or ())

    async def loaded(self) -> tuple[LoadedModel, ...]:
        """The models in the node's memory; one that is still loading is not among them.

        Raises:
            NodeProblem: it does not answer, or is no Ollama.
        """
        reply = await self._get("/api/ps", _Tags, self._limits.loaded_s)
        return tuple(
            LoadedModel(t.name or t.model, t.size, t.size_vram, t.context_length, _time(t.expires_at))
            for t in reply.models or ()
        )

    async def chat(
        self, model: str, messages: Sequence[Message], *, options: Mapping[str, object] | None = None
    ) -> AsyncGenerator[AnswerPart]:
        """Stream an answer; closing the stream cancels it on the node.

        No options are sent unless given: some of them make the node load the model anew.

        Raises:
            AnswerBroken: with the stage that the answer had reached.
        """
        body: dict[str, Any] = {
            "model": model,
            "messages": [{"role": m.role, "content": m.content} for m in messages],
            "stream": True,
        }
        if options:
            body["options"] = dict(options)
        stage = Stage.BEFORE
        timeout = httpx.Timeout(self._limits.first_part_s, connect=self._limits.connect_s)
        try:
            async with self._http.stream("POST", "/api/chat", json=body, timeout=timeout) as response:
                if response.is_error:
                    raise await self._refused(response)
                async with aclosing(self._lines(response)) as received:
                    async for line in received:
                        if line.error:
                            raise AnswerBroken(stage, f"{self._url} broke off: {line.error}.", "Ask again.")
                        for part in _parts(line):
                            stage = Stage.DURING
                            yield part
                        if line.done:
                            return
        except (httpx.HTTPError, TimeoutError, httpx.StreamError) as error:
            raise AnswerBroken(stage, *self._broken(error)) from None
        except (msgspec.DecodeError, LineTooLong):
            raise AnswerBroken(
                stage, f"{self._url} sends what is no answer of Ollama.", "Check the URL."
            ) from None
        raise AnswerBroken(
            Stage.CUT_SHORT,
            f"{self._url} ended the answer without finishing it.",
            "The model may have repeated itself; ask again.",
        )

    async def _lines(self, response: httpx.Response) -> AsyncGenerator[_Line]:
        decoder = msgspec.json.Decoder(_Line)
        pieces = response.aiter_raw()
        async with aclosing(lines(self._watched(pieces))) as split:
            async for line in split:
                yield decoder.decode(line)

    async def _watched(self, pieces: Any) -> AsyncGenerator[bytes]:  # noqa: ANN401  httpx names no better type
        """The pieces, the first one with its own deadline, each further one with the idle deadline."""
        wait_s = self._limits.first_part_s
        while True:
            async with asyncio.timeout(wait_s):
                piece = await anext(pieces, None)
            if piece is None:
                return
            yield piece
            wait_s = self._limits.idle_s

    async def _get(self, path: str, form: type[Any], deadline_s: float) -> Any:  # noqa: ANN401  of that form
        try:
            async with (
                asyncio.timeout(deadline_s),
                self._http.stream("GET", path, timeout=deadline_s) as response,
            ):
                body = await _limited(response, BODY_LIMIT)
        except (httpx.HTTPError, TimeoutError) as error:
            raise NodeProblem(*self._broken(error)) from None
        if response.status_code == httpx.codes.FORBIDDEN and not body:
            raise NodeProblem(
                f"{self._url} refuses this box's name for it.",
                "Use its IP address, or set OLLAMA_HOST=0.0.0.0 there.",
            )
        if response.is_error:
            raise NodeProblem(
                f"{self._url} answers {path} with status {response.status_code}.", "Check the URL."
            )
        try:
            return msgspec.json.decode(body, type=form)
        except msgspec.DecodeError:
            raise NodeProblem(
                f"{self._url} is no Ollama: its reply to {path} is of another kind.", "Check the URL."
            ) from None

    async def _refused(self, response: httpx.Response) -> AnswerBroken:
        body = await _limited(response, ERROR_LIMIT)
        try:
            said = msgspec.json.decode(body, type=_Error).error
        except msgspec.DecodeError:
            said = None
        reason = (said or f"status {response.status_code}").rstrip(".")
        return AnswerBroken(Stage.BEFORE, f"{self._url} refuses: {reason}.", status=response.status_code)

    def _broken(self, error: Exception) -> tuple[str, str]:
        """A sentence and a remedy for a connection that failed."""
        if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
            return f"{self._url} does not answer.", "Check that the box is on."
        if isinstance(error, httpx.ConnectError):
            return (
                f"{self._url} cannot be reached.",
                "Start Ollama there with 'ollama serve', or check the URL.",
            )
        if isinstance(error, httpx.TimeoutException | TimeoutError):
            return f"{self._url} fell silent.", "Look at its log; it may be loading, or overloaded."
        return f"The connection to {self._url} broke.", "Look at Ollama's log there."


def _model(tag: _Tag) -> NodeModel:
    details = tag.details or _Details()
    text = details.parameter_size or ""
    return NodeModel(
        tag.name or tag.model,
        tag.digest,
        tag.size,
        parse_count(text) if _PARAMETERS.fullmatch(text) else None,
        details.quantization_level or None,
        details.family or None,
        details.context_length,
        None if tag.capabilities is None else frozenset(tag.capabilities),
        bool(tag.remote_host or tag.remote_model),
    )


def _parts(line: _Line) -> list[AnswerPart]:
    parts: list[AnswerPart] = []
    if line.message and line.message.thinking:
        parts.append(Thinking(line.message.thinking))
    if line.message and line.message.content:
        parts.append(Delta(line.message.content))
    if line.done:
        timings = Timings(
            line.prompt_eval_count,
            _seconds(line.prompt_eval_duration),
            line.eval_count,
            _seconds(line.eval_duration),
            _seconds(line.load_duration),
        )
        parts.append(Finished(Finish.LENGTH if line.done_reason == "length" else Finish.STOP, timings))
    return parts


async def _limited(response: httpx.Response, limit: int) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > limit:
            break
    return bytes(body[:limit])


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / _NANOSECONDS


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
