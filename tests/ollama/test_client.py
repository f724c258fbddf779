from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ollama.client import NodeProblem, OllamaClient, OllamaLimits
from app.ollama.ndjson import lines
from app.text.answer import AnswerBroken, AnswerPart, Delta, Finish, Finished, Message, Stage, Thinking
from tests.support.engine import free_port
from tests.support.ollama_server import FakeModel, OllamaStandIn

ANSWER = "The sky is blue – naïvely, 青い."
IMPATIENT = OllamaLimits(connect_s=1, reply_s=0.2, loaded_s=0.2, first_part_s=0.3, idle_s=0.3)
PROMPT = (Message("user", "why?"),)


@pytest.fixture
async def node() -> AsyncIterator[OllamaStandIn]:
    models = [
        FakeModel("llama3.2:latest", answer=ANSWER),
        FakeModel("thinker:8b", thinking="Hm.", parameters="494.03M"),
        FakeModel("gpt-oss:120b-cloud", parameters="", remote_host="https://example.invalid:443"),
    ]
    async with OllamaStandIn(models) as running:
        yield running


@pytest.fixture
async def client(node: OllamaStandIn) -> AsyncIterator[OllamaClient]:
    made = OllamaClient(node.url, limits=IMPATIENT)
    yield made
    await made.aclose()


async def ask(client: OllamaClient, model: str = "llama3.2") -> list[AnswerPart]:
    return [part async for part in client.chat(model, PROMPT)]


async def test_what_a_node_is_and_has(node: OllamaStandIn, client: OllamaClient) -> None:
    assert await client.version() == "0.32.15"
    small, thinker, cloud = await client.tags()
    assert (small.name, small.parameters, small.remote) == ("llama3.2:latest", 3_200_000_000, False)
    assert (small.quantization, small.family) == ("Q4_K_M", "llama")
    assert thinker.parameters == 494_030_000
    assert (cloud.parameters, cloud.remote) == (None, True)
    assert await client.loaded() == ()
    await ask(client)
    [loaded] = await client.loaded()
    assert (loaded.name, loaded.vram_bytes) == ("llama3.2:latest", small.size and small.size // 2)
    assert loaded.expires is not None


async def test_an_answer_ends_with_what_the_node_measured(client: OllamaClient) -> None:
    *parts, last = await ask(client)
    assert "".join(part.text for part in parts if isinstance(part, Delta)) == ANSWER
    assert isinstance(last, Finished)
    assert last.finish is Finish.STOP
    assert (last.timings.tokens, last.timings.generation_s) == (50, pytest.approx(1.57799))
    assert (await ask(client, "thinker:8b"))[0] == Thinking("Hm.")


async def test_no_options_are_sent_that_were_not_given(node: OllamaStandIn, client: OllamaClient) -> None:
    await ask(client)
    await ask(client)
    assert all("options" not in request.body for request in node.requests)
    assert node.loads["llama3.2:latest"] == 1


async def test_closing_an_answer_cancels_it_on_the_node(node: OllamaStandIn, client: OllamaClient) -> None:
    node.gate.clear()
    async with aclosing(client.chat("llama3.2", PROMPT)) as parts:
        assert isinstance(await anext(parts), Delta)
        assert node.in_flight == 1
    async with asyncio.timeout(10):
        await node.cancelled.wait()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
async def test_pieces_may_fall_anywhere(node: OllamaStandIn, client: OllamaClient, size: int) -> None:
    node.faults.bytes_at_once = size
    parts = await ask(client)
    assert "".join(part.text for part in parts if isinstance(part, Delta)) == ANSWER


@pytest.mark.parametrize(
    ("fault", "value", "stage", "words"),
    [
        ("error_after", 0, Stage.BEFORE, "CUDA error"),
        ("error_after", 2, Stage.DURING, "CUDA error"),
        ("end_after", 2, Stage.CUT_SHORT, "without finishing"),
        ("drop_after", 2, Stage.DURING, "broke"),
        ("hang", True, Stage.BEFORE, "silent"),
        ("huge_line", 9 << 20, Stage.BEFORE, "no answer of Ollama"),
    ],
)
async def test_an_answer_that_breaks_says_how_far_it_came(
    node: OllamaStandIn, client: OllamaClient, fault: str, value: object, stage: Stage, words: str
) -> None:
    setattr(node.faults, fault, value)
    with pytest.raises(AnswerBroken, match=words) as broken:
        await ask(client)
    assert broken.value.stage is stage
    assert node.url in broken.value.sentence


async def test_silence_in_the_middle_has_a_deadline(node: OllamaStandIn, client: OllamaClient) -> None:
    node.gate.clear()
    with pytest.raises(AnswerBroken, match="silent") as broken:
        await ask(client)
    assert broken.value.stage is Stage.DURING


@pytest.mark.parametrize("status", [400, 404, 500, 503])
async def test_a_refusal_keeps_its_status_and_its_words(
    node: OllamaStandIn, client: OllamaClient, status: int
) -> None:
    node.faults.status, node.faults.message = status, "no such luck"
    with pytest.raises(AnswerBroken, match="no such luck") as broken:
        await ask(client)
    assert (broken.value.stage, broken.value.status) == (Stage.BEFORE, status)


@pytest.mark.parametrize(
    ("fault", "words"),
    [("html", "is no Ollama"), ("forbidden", "refuses this box's name"), ("hang", "silent")],
)
async def test_a_node_that_is_none_is_said(
    node: OllamaStandIn, client: OllamaClient, fault: str, words: str
) -> None:
    setattr(node.faults, fault, True)
    for question in (client.version, client.tags, client.loaded):
        with pytest.raises(NodeProblem, match=words):
            await question()


async def test_a_node_that_is_not_there_is_said() -> None:
    client = OllamaClient(f"http://127.0.0.1:{free_port('127.0.0.1')}", limits=IMPATIENT)
    with pytest.raises(NodeProblem, match="cannot be reached") as problem:
        await client.version()
    assert "ollama serve" in problem.value.remedy
    with pytest.raises(AnswerBroken) as broken:
        await ask(client)
    assert broken.value.stage is Stage.BEFORE
    await client.aclose()


@given(st.lists(st.binary(min_size=1).filter(lambda b: b"\n" not in b and b.strip())), st.integers(1, 7))
async def test_lines_are_the_same_wherever_the_pieces_fall(wanted: list[bytes], size: int) -> None:
    whole = b"\n".join(wanted)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(whole), size):
            yield whole[start : start + size]

    assert [line async for line in lines(pieces())] == wanted
