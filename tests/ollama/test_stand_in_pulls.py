"""How the stand-in pulls and deletes models; asked by Ollama's own client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import ollama
import pytest

from tests.support.ollama.caller import Caller
from tests.support.ollama.examples import LLAMA
from tests.support.ollama_server import Ending, FakeModel, OllamaStandIn
from tests.support.waiting import until

NEW = FakeModel("new:8b", parameters="8.0B", size=4_000_000_485)


@pytest.fixture
async def node() -> AsyncIterator[OllamaStandIn]:
    async with OllamaStandIn([LLAMA], registry=[NEW]) as node:
        yield node


async def test_a_pull_step_by_step(node: OllamaStandIn, call: Caller) -> None:
    steps = await call.stream("pull", "new:8b")
    assert [step.status for step in (steps[0], *steps[-4:])] == [
        "pulling manifest",
        "verifying sha256 digest",
        "writing manifest",
        "removing unused layers",
        "success",
    ]
    layer = [step for step in steps if step.digest == f"sha256:{NEW.sha256}"]
    assert [step.completed for step in layer] == [None, *(n * 10**9 for n in (1, 2, 3, 4)), 4 * 10**9]
    assert {step.total for step in layer} == {4 * 10**9}
    assert "new:8b" in [model.model for model in (await call("list")).models]


async def test_a_pull_in_one(node: OllamaStandIn, call: Caller) -> None:
    assert (await call("pull", "new:8b")).status == "success"
    assert "new:8b" in node.models
    with pytest.raises(ollama.ResponseError, match="file does not exist") as failed:
        await call("pull", "nobody-has-this")
    assert failed.value.status_code == 500


async def test_a_model_that_the_registry_has_not(call: Caller) -> None:
    with pytest.raises(ollama.ResponseError, match="pull model manifest: file does not exist") as failed:
        await call.stream("pull", "nobody-has-this")
    assert failed.value.status_code == -1, "the status was 200"


async def test_a_pull_that_was_left_goes_on_where_it_stopped(
    node: OllamaStandIn, call: Caller, web: httpx.AsyncClient
) -> None:
    node.pulling.shut(after=3)
    async with web.stream("POST", "/api/pull", json={"model": "new:8b"}) as pull:
        lines = pull.aiter_lines()
        [await anext(lines) for _ in range(3)]
    node.pulling.open()
    assert node.arrived == {NEW.sha256: 10**9} or node.arrived == {NEW.sha256: 2 * 10**9}
    steps = await call.stream("pull", "new:8b")
    assert steps[1].completed is not None
    assert steps[1].completed > 10**9


@pytest.mark.parametrize("ending", [Ending.ERROR, Ending.SILENT, Ending.RESET, Ending.GARBAGE])
async def test_a_pull_that_breaks_off(node: OllamaStandIn, call: Caller, ending: Ending) -> None:
    node.faults.pull_ending, node.faults.pull_ending_after = ending, 3
    if ending is Ending.SILENT:
        assert (await call.stream("pull", "new:8b"))[-1].status != "success"
    else:
        with pytest.raises((ollama.ResponseError, httpx.HTTPError, ValueError)):
            await call.stream("pull", "new:8b")
    assert "new:8b" not in node.models


async def test_two_pulls_at_once(node: OllamaStandIn, call: Caller) -> None:
    node.pulling.shut(after=1)
    pulls = [asyncio.create_task(call.stream("pull", "new:8b")) for _ in range(2)]
    await until(lambda: len(node.requests) == 2)
    node.pulling.open()
    assert [(await pull)[-1].status for pull in pulls] == ["success", "success"]


async def test_deleting(node: OllamaStandIn, call: Caller) -> None:
    assert (await call("delete", "llama3.2")).status == "success"
    assert node.models == {}
    with pytest.raises(ollama.ResponseError, match=r"model 'llama3\.2' not found") as failed:
        await call("delete", "llama3.2")
    assert failed.value.status_code == 404
