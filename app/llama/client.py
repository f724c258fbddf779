"""The HTTP side of one llama-server: is it ready, what does it serve, and its answers."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Self, TypeVar

import httpx
import msgspec

from app.llama.chunks import AnswerReader, ReportedError, reported
from app.llama.health import Health
from app.llama.sse import EventTooLong, SseParser
from app.text.answer import AnswerBroken, AnswerPart, Finished, Message, Stage
from app.text.problem import Problem
from app.text.units import duration_text

CONNECT_S = 3.0
REPLY_S = 5.0
"""For everything but an answer: llama-server takes milliseconds, also in the middle of one."""
MAX_REPLY_BYTES = 4 << 20

_LOADING = 503
_T = TypeVar("_T")


class ClientProblem(Problem):
    """A llama-server that does not answer a question about itself as it should."""


@dataclass(frozen=True, slots=True)
class Props:
    """What a llama-server serves; None where a build does not say."""

    alias: str | None
    model_path: str | None
    build: str | None
    context: int | None
    """Tokens that one conversation can have."""
    has_chat_template: bool


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one conversation."""

    index: int
    is_busy: bool
    context: int
    used: int | None
    """Tokens of context in use; None before its first request."""
    task: int | None = None
    """The number of its last request; None before the first."""


class LlamaClient:
    """Speaks with one llama-server. To be closed, which breaks off its streams."""

    def __init__(self, base_url: str, key: str) -> None:
        self._url = base_url
        self._http = httpx.AsyncClient(
            base_url=base_url,
            headers={"Authorization": f"Bearer {key}", "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(None, connect=CONNECT_S, write=REPLY_S, pool=REPLY_S),
            # An idle connection holds llama-server up when it is told to end.
            limits=httpx.Limits(max_keepalive_connections=0),
            # It is plain HTTP: without this, every client would first load all the world's certificates.
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections; whoever reads an answer from one of them is told that it broke."""
        await self._http.aclose()

    async def health(self) -> Health:
        """Whether it can answer; no exception tells that it cannot."""
        try:
            status, _ = await self._get("/health")
        except ClientProblem:
            return Health.UNREACHABLE
        return {httpx.codes.OK: Health.READY, _LOADING: Health.LOADING}.get(status, Health.UNREACHABLE)

    async def props(self) -> Props:
        """What it serves.

        Raises:
            ClientProblem: it does not say.
        """
        props = await self._ask("/props", _Props)
        return Props(
            alias=props.model_alias,
            model_path=props.model_path,
            build=props.build_info,
            context=props.default_generation_settings.n_ctx,
            has_chat_template=bool(props.chat_template),
        )

    async def context(self) -> int | None:
        """Tokens that one conversation can have; None where it does not say."""
        try:
            return (await self.props()).context
        except ClientProblem:
            return None

    async def slots(self) -> tuple[Slot, ...]:
        """Its slots, and which of them are at work.

        Raises:
            ClientProblem: it does not say.
        """
        return tuple(
            Slot(slot.id, slot.is_processing, slot.n_ctx, slot.n_prompt_tokens, slot.id_task)
            for slot in await self._ask("/slots", list[_Slot])
        )

    async def chat(
        self, messages: Sequence[Message], *, options: Mapping[str, object] | None = None, idle_s: float
    ) -> AsyncGenerator[AnswerPart, None]:
        """Stream an answer, whose last part is Finished; closing the stream frees the slot at once.

        `options` are those of llama-server's chat completions. After `idle_s` without anything new it is
        given up; signs of life that bring nothing do not count.

        Raises:
            AnswerBroken: the answer did not end as it should; see its stage.
        """
        answer = AnswerReader()
        try:
            async with (
                self._begin(messages, options or {}, idle_s) as response,
                aclosing(_events(response, idle_s)) as events,
            ):
                async for event in events:
                    for part in answer.take(event):
                        yield part
                        if isinstance(part, Finished):
                            return
            yield answer.finished()
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise self._broken(Stage.BEFORE, "cannot be reached") from None
        except TimeoutError:
            raise self._broken(answer.stage, f"has sent nothing for {duration_text(idle_s)}") from None
        except EventTooLong:
            raise self._broken(answer.stage, "sent something too long for an answer") from None
        except (httpx.HTTPError, httpx.StreamError):
            raise self._broken(answer.stage, "broke the connection") from None

    @asynccontextmanager
    async def _begin(
        self, messages: Sequence[Message], options: Mapping[str, object], idle_s: float
    ) -> AsyncIterator[httpx.Response]:
        """Send the request, and have the start of the answer."""
        if self._http.is_closed:
            raise self._broken(Stage.BEFORE, "is being stopped")
        request = self._http.build_request(
            "POST",
            "/v1/chat/completions",
            json={
                **options,
                "messages": [{"role": message.role, "content": message.content} for message in messages],
                "stream": True,
                "stream_options": {"include_usage": True},
                "return_progress": True,
            },
        )
        async with asyncio.timeout(idle_s):
            response = await self._http.send(request, stream=True)
        try:
            if response.status_code != httpx.codes.OK:
                raise await self._refused(response)
            yield response
        finally:
            await response.aclose()

    async def _refused(self, response: httpx.Response) -> AnswerBroken:
        status = response.status_code
        try:
            async with asyncio.timeout(REPLY_S):
                body = await _read(response)
            error = msgspec.json.decode(body, type=_Refusal).error
        except (msgspec.DecodeError, TimeoutError, _TooLong):
            return self._broken(Stage.BEFORE, f"refused with status {status}", status)
        return reported(error, Stage.BEFORE, status)

    def _broken(self, stage: Stage, what: str, status: int | None = None) -> AnswerBroken:
        return AnswerBroken(
            stage, f"llama-server at {self._url} {what}.", "Look at the coordinator's log.", status=status
        )

    async def _ask(self, path: str, form: type[_T]) -> _T:
        status, body = await self._get(path)
        if status != httpx.codes.OK:
            raise ClientProblem(f"llama-server at {self._url} answers {path} with status {status}.")
        try:
            return msgspec.json.decode(body, type=form)
        except msgspec.DecodeError as error:
            raise ClientProblem(
                f"What llama-server at {self._url} answers to {path} is not understood: {error}."
            ) from None

    async def _get(self, path: str) -> tuple[int, bytes]:
        if self._http.is_closed:
            raise ClientProblem(f"llama-server at {self._url} is being stopped.")
        try:
            async with asyncio.timeout(REPLY_S), self._http.stream("GET", path) as response:
                return response.status_code, await _read(response)
        except (httpx.HTTPError, httpx.StreamError, TimeoutError, _TooLong):
            raise ClientProblem(f"llama-server at {self._url} does not answer {path}.") from None


async def _events(response: httpx.Response, idle_s: float) -> AsyncGenerator[str, None]:
    parser = SseParser()
    pieces = response.aiter_raw()
    while True:
        # Around whole events: a server whose backend has stalled goes on sending comments.
        async with asyncio.timeout(idle_s):
            events = await _next_events(pieces, parser)
        if events is None:
            return
        for event in events:
            yield event


async def _next_events(pieces: AsyncIterator[bytes], parser: SseParser) -> list[str] | None:
    async for piece in pieces:
        if events := parser.feed(piece):
            return events
    return None


class _TooLong(Exception):  # noqa: N818  it is the reply that is too long
    """A reply that is longer than any of llama-server's."""


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > MAX_REPLY_BYTES:
            raise _TooLong
    return bytes(body)


class _Refusal(msgspec.Struct):
    error: ReportedError | str


class _Settings(msgspec.Struct):
    n_ctx: int | None = None


class _Props(msgspec.Struct):
    model_alias: str | None = None
    model_path: str | None = None
    build_info: str | None = None
    chat_template: str | None = None
    default_generation_settings: _Settings = msgspec.field(default_factory=_Settings)


class _Slot(msgspec.Struct):
    id: int
    n_ctx: int
    is_processing: bool
    n_prompt_tokens: int | None = None
    id_task: int | None = None
