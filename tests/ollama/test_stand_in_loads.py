"""When the stand-in loads, keeps and unloads models, and whom it lets wait; asked by Ollama's own client."""

from __future__ import annotations

import asyncio

import ollama
import pytest

from tests.support.ollama.caller import Caller
from tests.support.ollama.examples import ANSWER, EMBEDDER, LLAMA, THINKER, WHY
from tests.support.ollama_server import OllamaStandIn
from tests.support.waiting import until


async def test_refusals_of_loads(node: OllamaStandIn, call: Caller) -> None:
    node.faults.load_error = "llama-server process has terminated: signal: killed"
    with pytest.raises(ollama.ResponseError, match="process has terminated") as failed:
        await call.stream("chat", "llama3.2", WHY)
    assert failed.value.status_code == 500
    assert node.loaded == []
    node.faults.busy = True
    with pytest.raises(ollama.ResponseError, match=r"server busy, please try again\.  maximum") as busy:
        await call("chat", "llama3.2", WHY)
    assert busy.value.status_code == 503


async def test_loading_and_unloading_without_a_prompt(node: OllamaStandIn, call: Caller) -> None:
    assert (await call("chat", "llama3.2", [])).done_reason == "load"
    assert (await call("generate", "thinker:8b", "")).done_reason == "load"
    assert node.loaded == [LLAMA.name, THINKER.name]
    assert (await call("chat", "llama3.2", [], keep_alive=0)).done_reason == "unload"
    assert node.loaded == [THINKER.name]


async def test_how_long_a_model_stays(node: OllamaStandIn, call: Caller) -> None:
    await call("generate", "llama3.2", "Why?", keep_alive=-1)
    [running] = (await call("ps")).models
    assert running.expires_at.year > 2300
    await call("generate", "llama3.2", "Why?", keep_alive="1h30m")
    [running] = (await call("ps")).models
    assert running.expires_at.year < 2300
    await call("generate", "llama3.2", "Why?", keep_alive="50ms")
    await until(lambda: node.loaded == [])
    await call("generate", "llama3.2", "Why?", keep_alive=0)
    assert node.loaded == []
    with pytest.raises(ollama.ResponseError, match="invalid duration"):
        await call("generate", "llama3.2", "Why?", keep_alive="soon")


@pytest.mark.parametrize(
    ("options", "reloads"),
    [
        ([{}, {"temperature": 1.0}, {"num_predict": 1}], 0),
        ([{}, {"num_ctx": 8192}, {"num_ctx": 8192, "temperature": 1.0}], 1),
        ([{"num_ctx": 8192}, {}, {"num_ctx": 8192}], 2),
        ([{"num_gpu": 20}, {}, {"num_gpu": -1}], 0),
        ([{"num_gpu": 20}, {"num_gpu": 10}], 1),
    ],
)
async def test_what_makes_it_load_anew(
    node: OllamaStandIn, call: Caller, options: list[dict[str, object]], reloads: int
) -> None:
    for wanted in options:
        await call("chat", "llama3.2", WHY, options=wanted)
    assert (node.reloads, node.loads) == (reloads, reloads + 1)


async def test_a_model_answers_one_at_a_time(node: OllamaStandIn, call: Caller) -> None:
    node.words.shut(after=1)
    asking = [asyncio.create_task(call("generate", "llama3.2", "Why?")) for _ in range(3)]
    await until(lambda: (node.in_flight, node.waiting) == (1, 2))
    node.words.open()
    assert [reply.response for reply in await asyncio.gather(*asking)] == [ANSWER] * 3
    assert (node.in_flight, node.waiting, node.loads) == (0, 0, 1)


async def test_several_at_a_time_where_it_is_told_so() -> None:
    async with OllamaStandIn([LLAMA], num_parallel=2) as node:
        call = Caller(node.url, "async")
        node.words.shut()
        asking = [asyncio.create_task(call("generate", "llama3.2", "Why?")) for _ in range(3)]
        await until(lambda: (node.in_flight, node.waiting) == (2, 1))
        node.words.open()
        await asyncio.gather(*asking)
        await call("close")


async def test_one_model_is_loaded_at_a_time_while_loaded_ones_answer(
    node: OllamaStandIn, call: Caller
) -> None:
    await node.load(EMBEDDER.name)
    node.loading.shut()
    asking = [asyncio.create_task(call("generate", name, "Why?")) for name in ("llama3.2", "thinker:8b")]
    await until(lambda: node.loads == 2)
    assert (await call("embed", "embedder", "one")).prompt_eval_count == 1
    assert (node.loads, node.loaded) == (2, [EMBEDDER.name])
    node.loading.open()
    await asyncio.gather(*asking)
    assert node.loads == 3


async def test_the_queue_for_loads_is_full_at_its_size() -> None:
    async with OllamaStandIn([LLAMA, THINKER], max_queue=1) as node:
        call = Caller(node.url, "async")
        node.loading.shut()
        asking = asyncio.create_task(call("generate", "llama3.2", "Why?"))
        await until(lambda: node.loads == 1)
        with pytest.raises(ollama.ResponseError, match="server busy"):
            await call("generate", "thinker:8b", "Why?")
        node.loading.open()
        await asking
        await call("close")


async def test_too_many_models_push_out_the_one_that_expires_first() -> None:
    async with OllamaStandIn([LLAMA, THINKER, EMBEDDER], max_loaded=2) as node:
        for model in (LLAMA, THINKER, EMBEDDER):
            await node.load(model.name)
        assert node.loaded == [THINKER.name, EMBEDDER.name]
