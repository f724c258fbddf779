"""The client loading, unloading, pulling and deleting models of a node, and all that can go wrong with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from app.ollama.client import NodeProblem, OllamaClient, PullStep
from tests.support.http_fakes import Fault, Step, streamed
from tests.support.ollama.asking import IMPATIENT, saying
from tests.support.ollama.examples import EMBEDDER, LLAMA
from tests.support.ollama_server import Ending, FakeModel, OllamaStandIn
from tests.support.waiting import until

NEW = FakeModel("new:8b", size=4_000_000_485)


@pytest.fixture
async def node() -> AsyncIterator[OllamaStandIn]:
    async with OllamaStandIn([LLAMA, EMBEDDER], registry=[NEW]) as node:
        yield node


async def pulled(client: OllamaClient, model: str = "new:8b") -> list[PullStep]:
    async with aclosing(client.pull(model)) as steps:
        return [step async for step in steps]


async def test_loading_and_unloading(node: OllamaStandIn, client: OllamaClient) -> None:
    await client.load("llama3.2")
    await client.load("embedder", embedding=True, keep_alive=-1)
    assert node.loaded == [LLAMA.name, EMBEDDER.name]
    forever = next(model for model in await client.loaded() if model.name == EMBEDDER.name)
    assert forever.expires is not None
    assert forever.expires.year > 2300
    await client.unload("llama3.2")
    await client.unload("embedder")
    assert node.loaded == []


async def test_a_load_that_fails(node: OllamaStandIn, client: OllamaClient) -> None:
    node.faults.load_error = "llama-server process has terminated: signal: killed"
    with pytest.raises(NodeProblem, match=r"reports: llama-server process has terminated: signal: killed\."):
        await client.load("llama3.2")
    with pytest.raises(NodeProblem, match="model 'other' not found"):
        await client.unload("other")
    with pytest.raises(NodeProblem, match="invalid duration"):
        await client.load("llama3.2", keep_alive="soon")


async def test_deleting(node: OllamaStandIn, client: OllamaClient) -> None:
    await client.delete("llama3.2")
    assert list(node.models) == [EMBEDDER.name]
    with pytest.raises(NodeProblem, match=r"model 'llama3\.2' not found"):
        await client.delete("llama3.2")


async def test_a_pull(node: OllamaStandIn, client: OllamaClient) -> None:
    first, *middle, last = await pulled(client)
    assert (first.status, last.status, last.done) == ("pulling manifest", "success", True)
    layer = [step for step in middle if step.digest == f"sha256:{NEW.sha256}"]
    assert [step.completed for step in layer] == [0, *(n * 10**9 for n in (1, 2, 3, 4)), 4 * 10**9]
    assert {step.total for step in layer} == {4 * 10**9}
    assert NEW.name in node.models


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        ("write /m/blobs/sha256-1-partial: no space left on device", "The disk of {url} is full."),
        ("max retries exceeded: EOF", "{url} reports: max retries exceeded: EOF. Pull it again"),
    ],
)
async def test_a_pull_that_reports_an_error(
    node: OllamaStandIn, client: OllamaClient, report: str, sentence: str
) -> None:
    node.faults.pull_ending, node.faults.pull_ending_after, node.faults.pull_error = Ending.ERROR, 3, report
    with pytest.raises(NodeProblem) as failed:
        await pulled(client)
    assert str(failed.value).startswith(sentence.format(url=node.url))


async def test_a_model_that_the_registry_has_not(client: OllamaClient) -> None:
    with pytest.raises(NodeProblem, match=r"The registry has no model nobody:1b\. Look up its name"):
        await pulled(client, "nobody:1b")
    with pytest.raises(NodeProblem, match="invalid model name"):
        await pulled(client, "a b")


@pytest.mark.parametrize(
    ("ending", "sentence"),
    [
        (Ending.SILENT, "broke off the pull of new:8b. Pull it again: it goes on where it stopped."),
        (Ending.RESET, "broke the connection"),
        (Ending.HALF_A_LINE, "no part of a pull"),
        (Ending.GARBAGE, "no part of a pull"),
        (Ending.HUGE_LINE, "with more than Ollama ever says"),
    ],
)
async def test_a_pull_that_breaks_off(
    node: OllamaStandIn, client: OllamaClient, ending: Ending, sentence: str
) -> None:
    node.faults.pull_ending, node.faults.pull_ending_after = ending, 3
    with pytest.raises(NodeProblem) as failed:
        await pulled(client)
    assert sentence in str(failed.value)
    node.faults.pull_ending = Ending.DONE
    assert (await pulled(client))[-1].done


async def test_a_node_that_goes_in_the_middle(node: OllamaStandIn, client: OllamaClient) -> None:
    node.pulling.shut(after=3)
    pulling = asyncio.create_task(pulled(client))
    await until(lambda: NEW.sha256 in node.arrived)
    await node.go_down()
    with pytest.raises(NodeProblem, match="broke the connection"):
        await pulling


async def test_a_node_that_falls_silent_in_the_middle(node: OllamaStandIn) -> None:
    node.pulling.shut(after=3)
    async with OllamaClient(node.url, limits=IMPATIENT) as client:
        with pytest.raises(NodeProblem, match="has fallen silent"):
            await pulled(client)
    node.pulling.open()


async def test_a_stream_that_is_closed_ends_the_pull(node: OllamaStandIn, client: OllamaClient) -> None:
    node.pulling.shut(after=3)
    async with aclosing(client.pull("new:8b")) as steps:
        async for step in steps:
            if step.completed:
                break
    await until(lambda: node.answering == 0)
    node.pulling.open()
    assert node.arrived[NEW.sha256] < NEW.size
    assert NEW.name not in node.models


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        (streamed('{"status":"pulling manifest"}\n', Fault.RESET), "broke the connection"),
        (streamed('{"status":"pulling manifest"}\n[1]\n'), "no part of a pull"),
        (streamed('{"error":""}\n'), "broke off the pull"),
        (streamed('{"error":{}}\n'), "broke off the pull"),
        (streamed('{"status":7,"total":-1,"completed":"x"}\n'), "broke off the pull"),
        (streamed("", status=404, content_type="text/plain"), "with status 404, as no Ollama does"),
    ],
)
async def test_what_no_ollama_says(steps: list[Step], sentence: str) -> None:
    async with saying(steps) as client:
        with pytest.raises(NodeProblem) as failed:
            await pulled(client)
    assert sentence in str(failed.value)
