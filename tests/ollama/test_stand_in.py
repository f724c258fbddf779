"""The stand-in is what the real client library takes for an Ollama server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import ollama
import pytest

from tests.support.ollama_server import VERSION, FakeModel, OllamaStandIn

ANSWER = "The sky is blue – naïvely."


@pytest.fixture
async def node() -> AsyncIterator[OllamaStandIn]:
    models = [FakeModel("llama3.2:latest", answer=ANSWER), FakeModel("thinker:8b", thinking="Hm.")]
    async with OllamaStandIn(models) as running:
        yield running


@pytest.fixture
async def client(node: OllamaStandIn) -> AsyncIterator[ollama.AsyncClient]:
    made = ollama.AsyncClient(host=node.url, trust_env=False)
    yield made
    await made._client.aclose()


async def test_list_and_ps(node: OllamaStandIn, client: ollama.AsyncClient) -> None:
    listed = await client.list()
    assert [m.model for m in listed.models] == ["llama3.2:latest", "thinker:8b"]
    assert listed.models[0].details is not None
    assert listed.models[0].details.parameter_size == "3.2B"
    assert (await client.ps()).models == []
    await client.generate("llama3.2", "hello")
    [running] = (await client.ps()).models
    assert running.model == "llama3.2:latest"
    assert running.size_vram is not None
    assert running.expires_at is not None


async def test_show(client: ollama.AsyncClient) -> None:
    shown = await client.show("llama3.2")
    assert shown.modelinfo is not None
    assert shown.modelinfo["general.parameter_count"] == 3_212_749_888
    with pytest.raises(ollama.ResponseError, match="model 'nope' not found") as refused:
        await client.show("nope")
    assert refused.value.status_code == 404


async def test_chat_streamed_and_whole(client: ollama.AsyncClient) -> None:
    messages = [{"role": "user", "content": "why?"}]
    parts = [part async for part in await client.chat("llama3.2", messages, stream=True)]
    assert "".join(part.message.content or "" for part in parts) == ANSWER
    assert parts[-1].done
    assert parts[-1].eval_count == 50
    whole = await client.chat("llama3.2", messages)
    assert whole.message.content == ANSWER
    thought = await client.chat("thinker:8b", messages)
    assert thought.message.thinking == "Hm."


async def test_generate_streamed(client: ollama.AsyncClient) -> None:
    parts = [part async for part in await client.generate("llama3.2", "why?", stream=True)]
    assert "".join(part.response or "" for part in parts) == ANSWER


async def test_errors(node: OllamaStandIn, client: ollama.AsyncClient) -> None:
    with pytest.raises(ollama.ResponseError, match="not found"):
        await client.chat("nope", [])
    node.faults.error_after = 1
    with pytest.raises(ollama.ResponseError, match="an error was encountered"):
        [part async for part in await client.chat("llama3.2", [], stream=True)]
    node.faults.status, node.faults.message = 503, "server busy, please try again."
    with pytest.raises(ollama.ResponseError) as busy:
        await client.chat("llama3.2", [])
    assert busy.value.status_code == 503


async def test_a_different_context_makes_it_load_again(
    node: OllamaStandIn, client: ollama.AsyncClient
) -> None:
    for options in ({}, {}, {"num_ctx": 8192}, {"temperature": 1.0, "num_ctx": 8192}):
        await client.chat("llama3.2", [], options=options)
    assert node.loads["llama3.2:latest"] == 2


async def test_plain_paths(node: OllamaStandIn, client: ollama.AsyncClient) -> None:
    http = client._client
    assert (await http.get("/")).text == "Ollama is running"
    assert (await http.head("/")).status_code == 200
    assert (await http.get("/api/version")).json() == {"version": VERSION}
    assert (await http.get("/api/none")).status_code == 404
    assert (await http.get("/api/show")).status_code == 405
