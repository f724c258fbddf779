"""The client against a server that says, and fails, as llama-server was seen to."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from app.llama.client import ClientProblem, LlamaClient, Props, Slot
from app.llama.health import Health
from app.llama.sse import MAX_EVENT_BYTES
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
from tests.support.http_fakes import Answer, FakeHttp, Fault, Step, fake_http, streamed, whole
from tests.support.waiting import until

HELLO = [Message("system", "Be brief."), Message("user", "Hello")]
LOADING = {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}
TOO_LONG = {
    "error": {
        "code": 400,
        "message": "request (1366 tokens) exceeds the available context size (1024 tokens)",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": 1366,
        "n_ctx": 1024,
    }
}
TIMINGS = {
    "cache_n": 4,
    "prompt_n": 16,
    "prompt_ms": 10.5,
    "prompt_per_token_ms": 0.65,
    "prompt_per_second": 1536.39,
    "predicted_n": 8,
    "predicted_ms": 45.0,
    "predicted_per_token_ms": 5.6,
    "predicted_per_second": 177.7,
}


def event(finish: str | None = None, *, choices: bool = True, **fields: object) -> str:
    """A chunk as llama-server writes it; `delta` and others as given."""
    delta = fields.pop("delta", {})
    chosen = [{"finish_reason": finish, "index": 0, "delta": delta}] if choices else []
    chunk = {"choices": chosen, "created": 1795441661, "id": "chatcmpl-3", "model": "m", **fields}
    return f"data: {json.dumps(chunk)}\n\n"


def says(text: str) -> str:
    return event(delta={"content": text})


FIRST = event(delta={"role": "assistant", "content": None})
STOP = event("stop")
USAGE = event(choices=False, usage={"completion_tokens": 8}, timings=TIMINGS)
DONE = "data: [DONE]\n\n"
COMMENTS: list[float | str] = [0.02, ":\n\n"] * 100
SLOWLY: list[float | str] = [0.1, says("a")] * 8
MEASURED = Timings(prompt_tokens=16, prompt_s=0.0105, tokens=8, generation_s=0.045, cached_tokens=4)


def always(steps: list[Step]) -> Answer:
    return lambda _: steps


@asynccontextmanager
async def serving(steps: list[Step]) -> AsyncIterator[tuple[FakeHttp, LlamaClient]]:
    async with fake_http(always(steps)) as fake, LlamaClient(fake.url, "the key") as client:
        yield fake, client


async def ask(
    client: LlamaClient, idle_s: float = 20, parts: list[AnswerPart] | None = None
) -> tuple[list[AnswerPart], AnswerBroken | None]:
    """The parts of an answer, also as they come in `parts`, and how it broke if it did."""
    parts = [] if parts is None else parts
    try:
        async with aclosing(client.chat(HELLO, idle_s=idle_s)) as stream:
            async for part in stream:
                parts.append(part)
    except AnswerBroken as broken:
        return parts, broken
    return parts, None


@pytest.mark.parametrize(
    ("reply", "health"),
    [
        (whole({"status": "ok"}), Health.READY),
        (whole(LOADING, 503), Health.LOADING),
        (whole("no", 404), Health.UNREACHABLE),
        ([Fault.HANG_UP], Health.UNREACHABLE),
        ([b"SSH-2.0-OpenSSH\r\n", Fault.HANG_UP], Health.UNREACHABLE),
    ],
)
async def test_health(reply: list[Step], health: Health) -> None:
    async with serving(reply) as (_, client):
        assert await client.health() is health


async def test_health_of_nobody() -> None:
    async with fake_http(always([])) as fake:
        url = fake.url
    async with LlamaClient(url, "the key") as client:
        assert await client.health() is Health.UNREACHABLE


async def test_props_and_slots() -> None:
    def answer(request: object) -> list[Step]:
        if getattr(request, "path", "") == "/props":
            return whole(
                {
                    "default_generation_settings": {"n_ctx": 2048, "params": {}},
                    "total_slots": 1,
                    "model_alias": "llama3.1:405b",
                    "model_path": "/models/a.gguf",
                    "chat_template": "{{ x }}",
                    "build_info": "b11434-abc",
                }
            )
        return whole(
            [
                {"id": 0, "n_ctx": 2048, "speculative": False, "is_processing": False},
                {"id": 1, "n_ctx": 2048, "is_processing": True, "id_task": 3, "n_prompt_tokens": 55},
            ]
        )

    async with fake_http(answer) as fake, LlamaClient(fake.url, "the key") as client:
        assert await client.props() == Props(
            "llama3.1:405b", "/models/a.gguf", "b11434-abc", context=2048, has_chat_template=True
        )
        assert await client.slots() == (Slot(0, False, 2048, None), Slot(1, True, 2048, 55, 3))
    assert {request.headers["authorization"] for request in fake.requests} == {"Bearer the key"}


@pytest.mark.parametrize(
    "reply",
    [
        whole(LOADING, 503),
        whole({"error": {"message": "Invalid API Key", "type": "authentication_error", "code": 401}}, 401),
        whole("{}x"),
        whole([1]),
        whole("[" * 100_000),
        [Fault.RESET],
    ],
)
async def test_props_that_are_not_to_be_had(reply: list[Step]) -> None:
    async with serving(reply) as (_, client):
        with pytest.raises(ClientProblem, match=r"llama-server at http://127\.0\.0\.1:\d+ .*/props"):
            await client.props()


async def test_a_reply_has_a_limit() -> None:
    flood = b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (5 << 20)
    async with serving([flood, Fault.STALL]) as (_, client):
        with pytest.raises(ClientProblem):
            await client.slots()
        assert await client.health() is Health.UNREACHABLE


async def test_an_answer() -> None:
    progress = event(
        delta={"role": "assistant", "content": None},
        prompt_progress={"total": 1816, "cache": 0, "processed": 512, "time_ms": 1169},
    )
    thought = event(delta={"reasoning_content": " machine"})
    stream = streamed(progress, FIRST, thought, says(" If"), ":\n\n", says(" so"), STOP, USAGE, DONE)
    async with serving(stream) as (fake, client):
        parts, broken = await ask(client)
    assert broken is None
    assert parts == [
        PromptProgress(512, 1816),
        Thinking(" machine"),
        Delta(" If"),
        Delta(" so"),
        Finished(Finish.STOP, MEASURED),
    ]
    assert fake.requests[0].json == {
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_progress": True,
    }
    headers = fake.requests[0].headers
    assert headers["authorization"] == "Bearer the key"
    assert "x-conversation-id" not in headers


async def test_options_are_passed_on_but_cannot_change_what_is_asked() -> None:
    async with serving(streamed(STOP, DONE)) as (fake, client):
        options = {"temperature": 0, "stop": ["\n"], "stream": False, "messages": []}
        async with aclosing(client.chat(HELLO, options=options, idle_s=20)) as stream:
            assert [part async for part in stream] == [Finished(Finish.STOP, Timings(None, None, None, None))]
    asked = fake.requests[0].json
    assert asked["temperature"] == 0
    assert asked["stop"] == ["\n"]
    assert asked["stream"] is True
    assert asked["messages"] != []


@pytest.mark.parametrize(
    ("reason", "finish"), [("stop", Finish.STOP), ("length", Finish.LENGTH), ("tool_calls", Finish.STOP)]
)
async def test_why_an_answer_ended(reason: str, finish: Finish) -> None:
    async with serving(streamed(says("a"), event(reason, timings=TIMINGS), DONE)) as (_, client):
        parts, _ = await ask(client)
    assert parts[-1] == Finished(finish, MEASURED)


async def test_an_answer_is_whole_once_its_reason_to_end_is_known() -> None:
    async with serving(streamed(says("a"), STOP)) as (_, client):
        assert await ask(client) == (
            [Delta("a"), Finished(Finish.STOP, Timings(None, None, None, None))],
            None,
        )


async def test_an_answer_in_odd_pieces() -> None:
    stream = "".join((FIRST, says("Grüße"), says(" 🙂"), STOP, USAGE, DONE)).encode()
    pieces = [stream[place : place + 7] for place in range(0, len(stream), 7)]
    async with serving(streamed(*pieces)) as (_, client):
        parts, _ = await ask(client)
    assert parts == [Delta("Grüße"), Delta(" 🙂"), Finished(Finish.STOP, MEASURED)]


@pytest.mark.parametrize(
    ("reply", "status", "sentence"),
    [
        (whole(TOO_LONG, 400), 400, "The prompt has 1366 tokens, but the context holds 1024."),
        (whole(LOADING, 503), 503, "llama-server reports: Loading model."),
        (whole({"error": "no"}, 500), 500, "llama-server reports: no."),
        (whole({"error": {"code": 500}}, 500), 500, "llama-server reports: an error without a reason."),
        (whole("<html>", 502), 502, "refused with status 502."),
        ([Fault.HANG_UP], None, "broke the connection."),
        ([Fault.RESET], None, "broke the connection."),
        ([b"SSH-2.0-OpenSSH\r\n", Fault.HANG_UP], None, "broke the connection."),
        (streamed(FIRST, Fault.RESET), None, "broke the connection."),
        (streamed("data: {}}\n\n"), None, "llama-server sent something that is no part of an answer."),
        (streamed("data: []\n\n"), None, "llama-server sent something that is no part of an answer."),
    ],
)
async def test_broken_before_anything_arrived(reply: list[Step], status: int | None, sentence: str) -> None:
    async with serving(reply) as (_, client):
        parts, broken = await ask(client)
    assert parts == []
    assert broken is not None
    assert (broken.stage, broken.status) == (Stage.BEFORE, status)
    assert broken.sentence.endswith(sentence)


async def test_nobody_there() -> None:
    async with fake_http(always([])) as fake:
        url = fake.url
    async with LlamaClient(url, "the key") as client:
        _, broken = await ask(client)
    assert broken is not None
    assert (broken.stage, broken.sentence) == (Stage.BEFORE, f"llama-server at {url} cannot be reached.")


@pytest.mark.parametrize(
    ("reply", "stage", "sentence"),
    [
        (streamed(FIRST, says("a"), Fault.RESET), Stage.DURING, "broke the connection."),
        (streamed(says("a"), Fault.HANG_UP), Stage.DURING, "broke the connection."),
        (streamed(says("a"), STOP, Fault.RESET), Stage.DURING, "broke the connection."),
        (
            streamed(says("a"), f"data: {'x' * MAX_EVENT_BYTES}"),
            Stage.DURING,
            "sent something too long for an answer.",
        ),
        (
            streamed(
                says("a"),
                'data: {"error":{"code":500,"message":"Context size has been exceeded."}}\n\n',
            ),
            Stage.DURING,
            "llama-server reports: Context size has been exceeded.",
        ),
        (streamed(says("a")), Stage.CUT_SHORT, "The answer ended without its last part."),
        (streamed(says("a"), DONE), Stage.CUT_SHORT, "The answer ended without its last part."),
    ],
)
async def test_broken_in_the_middle(reply: list[Step], stage: Stage, sentence: str) -> None:
    async with serving(reply) as (_, client):
        parts, broken = await ask(client)
    assert parts == [Delta("a")]
    assert broken is not None
    assert broken.stage is stage
    assert broken.sentence.endswith(sentence)


@pytest.mark.parametrize(
    ("reply", "stage"),
    [
        ([Fault.STALL], Stage.BEFORE),
        (streamed(Fault.STALL), Stage.BEFORE),
        (streamed(says("a"), Fault.STALL), Stage.DURING),
        (streamed(says("a"), *COMMENTS), Stage.DURING),
    ],
    ids=["no reply", "no event", "no further event", "only comments"],
)
async def test_silence_has_a_deadline(reply: list[Step], stage: Stage) -> None:
    async with serving(reply) as (fake, client):
        _, broken = await ask(client, idle_s=0.2)
        assert broken is not None
        assert broken.stage is stage
        assert "has sent nothing for 200 ms" in broken.sentence
        await asyncio.wait_for(fake.client_left.wait(), 20)


async def test_a_slow_answer_is_not_silent() -> None:
    async with serving(streamed(*SLOWLY, STOP, USAGE, DONE)) as (_, client):
        parts, broken = await ask(client, idle_s=0.7)
    assert broken is None
    assert len(parts) == 9


async def test_closing_the_stream_closes_the_connection() -> None:
    async with serving(streamed(says("a"), Fault.STALL)) as (fake, client):
        stream = client.chat(HELLO, idle_s=20)
        assert await anext(stream) == Delta("a")
        assert not fake.client_left.is_set()
        await stream.aclose()
        await asyncio.wait_for(fake.client_left.wait(), 20)


async def test_cancelling_the_reader_closes_the_connection() -> None:
    async with serving(streamed(says("a"), Fault.STALL)) as (fake, client):
        parts: list[AnswerPart] = []
        reading = asyncio.create_task(ask(client, parts=parts))
        await until(lambda: parts != [])
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await asyncio.wait_for(fake.client_left.wait(), 20)


async def test_closing_the_client_breaks_its_streams() -> None:
    async with serving(streamed(says("a"), Fault.STALL)) as (fake, client):
        parts: list[AnswerPart] = []
        reading = asyncio.create_task(ask(client, parts=parts))
        await until(lambda: parts != [])
        await client.aclose()
        _, broken = await asyncio.wait_for(reading, 20)
        assert broken is not None
        assert broken.stage is Stage.DURING
        await asyncio.wait_for(fake.client_left.wait(), 20)
        _, broken = await ask(client)
        assert broken is not None
        assert broken.stage is Stage.BEFORE
        assert await client.health() is Health.UNREACHABLE


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setitem(os.environ, name, "http://127.0.0.1:1")
    async with serving(whole({"status": "ok"})) as (_, client):
        assert await client.health() is Health.READY
