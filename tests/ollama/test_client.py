"""The client and a node that answers, or breaks off, as Ollama does."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from app.ollama.client import NodeProblem, OllamaClient, OllamaLimits
from app.text.answer import AnswerPart, Delta, Finish, Finished, Stage, Thinking
from tests.support.http_fakes import Step, fake_http, streamed, whole
from tests.support.ollama.asking import IMPATIENT, PROMPT, ask, said, saying
from tests.support.ollama.examples import ANSWER, CLOUD, LLAMA, THINKER
from tests.support.ollama_server import Delivery, Ending, OllamaStandIn
from tests.support.waiting import until


async def test_what_a_node_is_and_has(client: OllamaClient) -> None:
    assert await client.version() == "0.32.15"
    models = {model.name: model for model in await client.tags()}
    assert models[LLAMA.name].parameters == 3_200_000_000
    assert models[THINKER.name].parameters == 8_200_000_000
    assert (models[CLOUD.name].remote, models[CLOUD.name].parameters) == (True, None)
    assert (await client.show("llama3.2")).parameters == LLAMA.parameter_count


async def test_what_a_node_has_loaded(node: OllamaStandIn, client: OllamaClient) -> None:
    assert await client.loaded() == ()
    await node.load(LLAMA.name, num_ctx=8192)
    [loaded] = await client.loaded()
    assert (loaded.name, loaded.context_length, loaded.digest) == (LLAMA.name, 8192, LLAMA.sha256)
    assert loaded.vram_bytes == loaded.size


async def test_an_answer(node: OllamaStandIn, client: OllamaClient) -> None:
    (*parts, last), broken = await ask(client)
    assert broken is None
    assert said(parts) == ANSWER
    assert all(isinstance(part, Delta) for part in parts)
    assert isinstance(last, Finished)
    assert last.finish is Finish.STOP
    assert (last.timings.prompt_tokens, last.timings.tokens) == (6, len(parts))
    assert last.timings.load_s is not None
    assert last.timings.generation_s is not None
    assert last.timings.generation_s < 60
    assert node.requests[-1].json == {
        "model": "llama3.2",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Why is it blue?"},
        ],
        "stream": True,
    }


async def test_thoughts_come_apart(client: OllamaClient) -> None:
    parts, _ = await ask(client, "thinker:8b")
    assert parts[:2] == [Thinking("Hm,"), Thinking(" well.")]
    assert said(parts) == THINKER.answer


async def test_wishes_are_sent_as_they_are_given(node: OllamaStandIn, client: OllamaClient) -> None:
    wishes = client.chat("thinker:8b", PROMPT, options={"num_predict": 2}, keep_alive="1h", think=False)
    parts = [part async for part in wishes]
    assert said(parts) == "The sky"
    assert isinstance(parts[-1], Finished)
    assert parts[-1].finish is Finish.LENGTH
    asked = node.requests[-1].json
    assert (asked["options"], asked["keep_alive"], asked["think"]) == ({"num_predict": 2}, "1h", False)


async def test_no_answer_makes_a_model_load_anew(node: OllamaStandIn, client: OllamaClient) -> None:
    await node.load(LLAMA.name)
    await ask(client)
    await ask(client)
    assert (node.loads, node.reloads) == (1, 0)


@pytest.mark.parametrize("delivery", Delivery)
async def test_lines_cut_anywhere(node: OllamaStandIn, client: OllamaClient, delivery: Delivery) -> None:
    node.faults.delivery = delivery
    parts, broken = await ask(client)
    assert (said(parts), broken) == (ANSWER, None)


async def test_what_the_content_type_says_does_not_matter(node: OllamaStandIn, client: OllamaClient) -> None:
    node.faults.content_type = "text/html"
    parts, broken = await ask(client)
    assert (said(parts), broken) == (ANSWER, None)


async def test_empty_lines_and_unknown_fields_do_not_matter() -> None:
    lines = (
        '\n \r\n{"message":{"content":"a","tool_calls":[],"new":1},"new":{}}\n\n',
        '{"message":{"content":null,"thinking":7},"done":null}\n',
        '{"message":null,"done":true,"done_reason":"new","eval_count":"8","eval_duration":-1,"load_duration":0}',
    )
    async with saying(streamed(*lines)) as client:
        parts, broken = await ask(client)
    assert broken is None
    assert parts[0] == Delta("a")
    assert isinstance(parts[-1], Finished)
    assert (parts[-1].finish, parts[-1].timings.tokens) == (Finish.STOP, None)
    assert (parts[-1].timings.generation_s, parts[-1].timings.load_s) == (None, 0.0)


@pytest.mark.parametrize(
    ("ending", "stage", "sentence"),
    [
        (Ending.ERROR, Stage.DURING, "reports: an error was encountered while running the model"),
        (Ending.RESET, Stage.DURING, "broke the connection."),
        (Ending.GARBAGE, Stage.DURING, "sent something that is no part of an answer."),
        (Ending.HALF_A_LINE, Stage.DURING, "sent something that is no part of an answer."),
        (Ending.HUGE_LINE, Stage.DURING, "sent something too long for an answer."),
        (Ending.SILENT, Stage.CUT_SHORT, "ended the answer without its last part."),
    ],
)
async def test_an_answer_that_breaks_in_the_middle(
    node: OllamaStandIn, client: OllamaClient, ending: Ending, stage: Stage, sentence: str
) -> None:
    node.faults.ending, node.faults.ending_after = ending, 2
    parts, broken = await ask(client)
    assert parts == [Delta("The"), Delta(" sky")]
    assert broken is not None
    assert (broken.stage, broken.status) == (stage, None)
    assert broken.sentence.startswith(f"{node.url} {sentence}")
    await until(lambda: node.in_flight == 0)


@pytest.mark.parametrize(
    ("ending", "stage", "status"),
    [
        (Ending.ERROR, Stage.BEFORE, 500),
        (Ending.RESET, Stage.BEFORE, None),
        (Ending.GARBAGE, Stage.BEFORE, None),
        (Ending.SILENT, Stage.CUT_SHORT, None),
    ],
)
async def test_an_answer_that_breaks_at_once(
    node: OllamaStandIn, client: OllamaClient, ending: Ending, stage: Stage, status: int | None
) -> None:
    node.faults.ending = ending
    parts, broken = await ask(client)
    assert parts == []
    assert broken is not None
    assert (broken.stage, broken.status) == (stage, status)


async def test_an_error_line_that_comes_first_breaks_before_anything_arrived() -> None:
    async with saying(streamed('{"error":{"message":"out of\\u001b[2J memory."}}\n')) as client:
        _, broken = await ask(client)
    assert broken is not None
    assert broken.stage is Stage.BEFORE
    assert broken.sentence.endswith("reports: out of [2J memory.")


async def test_a_node_that_refuses(node: OllamaStandIn, client: OllamaClient) -> None:
    node.faults.load_error = "llama-server process has terminated:\n signal: killed"
    _, failed = await ask(client)
    node.faults.load_error, node.faults.busy = "", True
    _, busy = await ask(client)
    _, missing = await ask(client, "nope")
    assert failed is not None
    assert busy is not None
    assert missing is not None
    assert [(b.stage, b.status) for b in (failed, busy, missing)] == [
        (Stage.BEFORE, 500),
        (Stage.BEFORE, 503),
        (Stage.BEFORE, 404),
    ]
    assert failed.sentence.endswith("reports: llama-server process has terminated: signal: killed.")
    assert busy.sentence.endswith(
        "reports: server busy, please try again. maximum pending requests exceeded."
    )
    assert missing.sentence == f"{node.url} reports: model 'nope' not found."
    assert "ollama pull" in missing.remedy


async def test_a_model_that_a_node_does_not_have(client: OllamaClient) -> None:
    with pytest.raises(NodeProblem, match="reports: model 'nope' not found"):
        await client.show("nope")


async def test_a_slow_load_is_no_silence(node: OllamaStandIn) -> None:
    limits = OllamaLimits(first_part_s=20, idle_s=0.2)
    async with OllamaClient(node.url, limits=limits) as client:
        node.loading.shut()
        asking = asyncio.create_task(ask(client))
        await until(lambda: node.loads == 1)
        assert (await asyncio.wait({asking}, timeout=0.4))[0] == set(), "the idle deadline is another one"
        node.loading.open()
        parts, broken = await asking
    assert (said(parts), broken) == (ANSWER, None)


@pytest.mark.parametrize(("after", "stage"), [(0, Stage.BEFORE), (1, Stage.DURING)])
async def test_silence_has_a_deadline(
    node: OllamaStandIn, impatient: OllamaClient, after: int, stage: Stage
) -> None:
    node.words.shut(after=after)
    parts, broken = await ask(impatient)
    assert len(parts) == after
    assert broken is not None
    assert (broken.stage, broken.sentence) == (stage, f"{node.url} has fallen silent.")
    await until(lambda: node.in_flight == 0)


async def test_signs_of_life_that_bring_nothing_are_silence() -> None:
    blank: list[Step] = [step for _ in range(100) for step in (0.02, b"1\r\n\n\r\n")]
    first: list[Step] = streamed('{"message":{"content":"a"}}\n', ends=False)
    async with (
        fake_http(lambda _: first + blank) as fake,
        OllamaClient(fake.url, limits=IMPATIENT) as client,
    ):
        parts, broken = await ask(client)
    assert parts == [Delta("a")]
    assert broken is not None
    assert (broken.stage, broken.sentence) == (Stage.DURING, f"{fake.url} has fallen silent.")


async def test_a_reader_that_takes_its_time_is_no_silence(
    node: OllamaStandIn, impatient: OllamaClient
) -> None:
    parts: list[AnswerPart] = []
    async with aclosing(impatient.chat("llama3.2", PROMPT)) as stream:
        async for part in stream:
            if not parts:
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(asyncio.Event().wait(), 2 * IMPATIENT.idle_s)
            parts.append(part)
    assert said(parts) == ANSWER


async def test_closing_an_answer_frees_its_place(node: OllamaStandIn, client: OllamaClient) -> None:
    node.words.shut(after=1)
    stream = client.chat("llama3.2", PROMPT)
    assert await anext(stream) == Delta("The")
    assert node.in_flight == 1
    waiting = asyncio.create_task(ask(client))
    await until(lambda: node.waiting == 1)
    await stream.aclose()
    await until(lambda: (node.in_flight, node.waiting) == (1, 0))
    node.words.open()
    parts, _ = await waiting
    assert said(parts) == ANSWER


@pytest.mark.parametrize("held", ["loading", "words"])
async def test_cancelling_whoever_reads_frees_the_place(
    node: OllamaStandIn, client: OllamaClient, held: str
) -> None:
    {"loading": node.loading, "words": node.words}[held].shut()
    reading = asyncio.create_task(ask(client))
    await until(lambda: node.loads == 1 and node.in_flight == (held == "words"))
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    node.loading.open()
    await until(lambda: node.in_flight == 0)
    node.words.open()
    assert (await ask(client))[1] is None


async def test_a_flood_can_be_left(node: OllamaStandIn, client: OllamaClient) -> None:
    node.faults.ending, node.faults.ending_after = Ending.FLOOD, 1
    async with aclosing(client.chat("llama3.2", PROMPT)) as stream:
        received = [await anext(stream) for _ in range(20_000)]
    assert received[-1] == Delta("again ")
    await until(lambda: node.in_flight == 0)


async def test_closing_the_client_breaks_its_answers(node: OllamaStandIn, client: OllamaClient) -> None:
    node.words.shut(after=1)
    parts: list[AnswerPart] = []
    reading = asyncio.create_task(ask(client, parts=parts))
    await until(lambda: parts != [])
    await client.aclose()
    _, broken = await asyncio.wait_for(reading, 20)
    assert broken is not None
    assert broken.stage is Stage.DURING
    await until(lambda: node.in_flight == 0)
    _, broken = await ask(client)
    assert broken is not None
    assert broken.stage is Stage.BEFORE
    with pytest.raises(NodeProblem, match="has been removed"):
        await client.version()


async def test_the_models_in_memory_may_take_longer(node: OllamaStandIn) -> None:
    limits = OllamaLimits(reply_s=0.1, loaded_s=20)
    async with OllamaClient(node.url, limits=limits) as client:
        node.listing.shut()
        asking = asyncio.create_task(client.loaded())
        assert (await asyncio.wait({asking}, timeout=0.3))[0] == set()
        node.listing.open()
        assert await asking == ()


async def test_go_may_write_no_models_as_null() -> None:
    async with saying(whole({"models": None})) as client:
        assert (await client.tags(), await client.loaded()) == ((), ())
