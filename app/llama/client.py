"""llama-server's HTTP API, as far as this program uses it. Source: llama.cpp/tools/server/README.md."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import httpx
import msgspec

from app.llama.sse import EventTooLong, events
from app.text.answer import (
    AnswerBroken,
    AnswerPart,
    Delta,
    Finish,
    Finished,
    Message,
    PromptProgress,
    Stage,
    Thinking,
    Timings,
)

CONNECT_S = 3.0
REPLY_S = 5.0
BODY_LIMIT = 4 << 20
_DONE = b"[DONE]"


class Health(StrEnum):
    """What `/health` says."""

    UNREACHABLE = "unreachable"
    LOADING = "loading"
    READY = "ready"


class _Progress(msgspec.Struct):
    processed: int
    total: int


class _Delta(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Timings(msgspec.Struct):
    prompt_n: int | None = None
    cache_n: int | None = None
    prompt_ms: float | None = None
    predicted_n: int | None = None
    predicted_ms: float | None = None


class _Error(msgspec.Struct):
    message: str = ""
    type: str = ""
    n_prompt_tokens: int | None = None
    n_ctx: int | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = []
    timings: _Timings | None = None
    prompt_progress: _Progress | None = None
    error: _Error | None = None


class _Refusal(msgspec.Struct):
    error: _Error


class LlamaClient:
    """One llama-server. Close it with `aclose`."""

    def __init__(self, base_url: str, key: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=base_url,
            headers={"Authorization": f"Bearer {key}"},
            trust_env=False,
            verify=False,  # noqa: S501  plain http to loopback; loading certificates takes longer than all the rest
            timeout=httpx.Timeout(REPLY_S, connect=CONNECT_S),
        )

    async def aclose(self) -> None:
        """Close every connection; streams that are open break off."""
        await self._http.aclose()

    async def health(self) -> Health:
        """Whether it answers, and has its model."""
        try:
            async with asyncio.timeout(REPLY_S):
                reply = await self._http.get("/health")
        except (httpx.HTTPError, TimeoutError):
            return Health.UNREACHABLE
        return Health.READY if reply.status_code == httpx.codes.OK else Health.LOADING

    async def chat(
        self, messages: Sequence[Message], *, idle_s: float, options: Mapping[str, object] | None = None
    ) -> AsyncGenerator[AnswerPart, None]:
        """Stream an answer; closing the stream cancels it on the server.

        Raises:
            AnswerBroken: with the stage that the answer had reached.
        """
        body = {
            **(options or {}),
            "messages": [{"role": m.role, "content": m.content} for m in messages],
            "stream": True,
            "return_progress": True,
            "stream_options": {"include_usage": True},
        }
        stage, finish, timings = Stage.BEFORE, None, None
        timeout = httpx.Timeout(idle_s, connect=CONNECT_S)
        try:
            async with self._http.stream("POST", "/v1/chat/completions", json=body, timeout=timeout) as response:
                if response.is_error:
                    raise await _refused(response)
                async with aclosing(_chunks(response, idle_s)) as chunks:
                    async for chunk in chunks:
                        if chunk.error is not None:
                            raise AnswerBroken(stage, f"The coordinator broke off: {chunk.error.message}")
                        for part in _parts(chunk):
                            stage = Stage.DURING
                            yield part
                        timings = chunk.timings or timings
                        finish = next((c.finish_reason for c in chunk.choices if c.finish_reason), finish)
        except TimeoutError:
            raise AnswerBroken(stage, "The coordinator fell silent.", "Look at the log, and at its backends.") from None
        except (httpx.HTTPError, httpx.StreamError):
            raise AnswerBroken(stage, "The connection to the coordinator broke.", "Look at its log.") from None
        except (msgspec.DecodeError, EventTooLong):
            raise AnswerBroken(stage, "The coordinator sent what is no answer.", "Look at its log.") from None
        if finish is None:
            raise AnswerBroken(Stage.CUT_SHORT, "The coordinator ended the answer without finishing it.")
        yield Finished(Finish.LENGTH if finish == "length" else Finish.STOP, _measured(timings))


async def _chunks(response: httpx.Response, idle_s: float) -> AsyncGenerator[_Chunk, None]:
    decoder = msgspec.json.Decoder(_Chunk)
    async with aclosing(events(_watched(response.aiter_raw(), idle_s))) as received:
        async for data in received:
            if data == _DONE:
                return
            yield decoder.decode(data)


async def _watched(pieces: AsyncIterator[bytes], idle_s: float) -> AsyncGenerator[bytes, None]:
    while True:
        async with asyncio.timeout(idle_s):
            piece = await anext(pieces, None)
        if piece is None:
            return
        yield piece


def _parts(chunk: _Chunk) -> list[AnswerPart]:
    parts: list[AnswerPart] = []
    if chunk.prompt_progress is not None:
        parts.append(PromptProgress(chunk.prompt_progress.processed, chunk.prompt_progress.total))
    for choice in chunk.choices:
        if choice.delta and choice.delta.reasoning_content:
            parts.append(Thinking(choice.delta.reasoning_content))
        if choice.delta and choice.delta.content:
            parts.append(Delta(choice.delta.content))
    return parts


def _measured(timings: _Timings | None) -> Timings:
    if timings is None:
        return Timings(None, None, None, None)
    return Timings(
        timings.prompt_n,
        None if timings.prompt_ms is None else timings.prompt_ms / 1000,
        timings.predicted_n,
        None if timings.predicted_ms is None else timings.predicted_ms / 1000,
    )


async def _refused(response: httpx.Response) -> AnswerBroken:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > BODY_LIMIT:
            break
    try:
        error = msgspec.json.decode(bytes(body), type=_Refusal).error
    except msgspec.DecodeError:
        error = _Error(f"status {response.status_code}")
    remedy = ""
    if error.type == "exceed_context_size_error":
        error.message = f"the prompt has {error.n_prompt_tokens} tokens and the context {error.n_ctx}"
        remedy = "Shorten it, or raise coordinator.context in the configuration."
    sentence = f"The coordinator refuses: {error.message.rstrip('.')}."
    return AnswerBroken(Stage.BEFORE, sentence, remedy, status=response.status_code)
