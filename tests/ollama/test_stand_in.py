"""The stand-in, seen by Ollama's own client library, both of its kinds, and by plain HTTP."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import ollama
import pytest

from tests.support.ollama.caller import Caller
from tests.support.ollama.examples import ANSWER, LLAMA, WHY
from tests.support.ollama_server import Delivery, Ending, FakeModel, OllamaStandIn
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
RECORDED_TAG = {
    "name": "llama3.2:latest",
    "model": "llama3.2:latest",
    "modified_at": "2025-06-23T17:01:52.264371207-04:00",
    "size": 2019393189,
    "digest": "a80c4f17acd55265feec403c7aef86be0c25983ab279d83f3bcd3abbcb5b8b72",
    "details": {
        "parent_model": "",
        "format": "gguf",
        "family": "llama",
        "families": ["llama"],
        "parameter_size": "3.2B",
        "quantization_level": "Q4_K_M",
    },
}
"""Of a real Ollama, in June 2025."""


def shape(document: dict[str, Any]) -> dict[str, object]:
    """Its keys, nested ones with a dot, and the types of their values."""
    nested = {
        f"{k}.{inner}": v for k, of in document.items() if isinstance(of, dict) for inner, v in of.items()
    }
    return {key: type(value) for key, value in (document | nested).items()}


async def test_list(call: Caller) -> None:
    models = (await call("list")).models
    assert {model.model for model in models} == {
        "llama3.2:latest",
        "thinker:8b",
        "embedder:latest",
        "big:cloud",
    }
    times = [model.modified_at for model in models]
    assert times == sorted(times, reverse=True)
    llama = next(model for model in models if model.model == LLAMA.name)
    assert (llama.size, llama.digest) == (LLAMA.size, LLAMA.sha256)
    assert llama.details.parameter_size == "3.2B"
    assert llama.details.quantization_level == "Q4_K_M"


async def test_a_tag_has_all_that_a_recorded_one_has(web: httpx.AsyncClient) -> None:
    tags = (await web.get("/api/tags")).json()["models"]
    [tag] = [tag for tag in tags if tag["name"] == LLAMA.name]
    assert shape(RECORDED_TAG).items() <= shape(tag).items()
    [stub] = [tag for tag in tags if "remote_host" in tag]
    assert (stub["name"], stub["remote_model"]) == ("big:cloud", "big")


async def test_ps_tells_what_is_loaded_and_not_what_is_being_loaded(
    node: OllamaStandIn, call: Caller
) -> None:
    assert (await call("ps")).models == []
    node.loading.shut()
    asking = asyncio.create_task(call("generate", "llama3.2", "Why?"))
    await until(lambda: node.loads == 1)
    assert (await call("ps")).models == []
    node.loading.open()
    await asking
    [running] = (await call("ps")).models
    assert (running.name, running.model) == (LLAMA.name, LLAMA.name)
    assert running.size == running.size_vram > LLAMA.size
    assert running.context_length == 4096
    assert running.expires_at is not None
    assert running.details.family == "llama"


async def test_show(call: Caller) -> None:
    shown = await call("show", "llama3.2")
    assert shown.modelinfo["general.parameter_count"] == 3_212_749_888
    assert shown.modelinfo["llama.block_count"] == 28
    assert f"\nFROM /usr/share/ollama/.ollama/models/blobs/sha256-{LLAMA.sha256}\n" in shown.modelfile
    assert shown.capabilities == ["completion", "tools"]
    assert (await call("show", "big:cloud")).modelinfo == {}


async def test_chat_in_pieces(call: Caller) -> None:
    *pieces, last = await call.stream("chat", "llama3.2", WHY)
    assert "".join(piece.message.content for piece in pieces) == ANSWER
    assert all(piece.done is False and piece.done_reason is None for piece in pieces)
    assert all(piece.message.role == "assistant" for piece in [*pieces, last])
    assert (last.done, last.done_reason, last.message.content) == (True, "stop", "")
    assert (last.prompt_eval_count, last.eval_count) == (4, len(pieces))
    assert last.total_duration >= last.load_duration + last.eval_duration > 0


async def test_chat_in_one(call: Caller) -> None:
    reply = await call("chat", "llama3.2", WHY)
    assert (reply.message.content, reply.done, reply.done_reason) == (ANSWER, True, "stop")
    short = await call("chat", "llama3.2", WHY, options={"num_predict": 2})
    assert (short.message.content, short.done_reason, short.eval_count) == ("The sky", "length", 2)


async def test_generate(call: Caller) -> None:
    *pieces, last = await call.stream("generate", "llama3.2", "Why?")
    assert "".join(piece.response for piece in pieces) == ANSWER
    assert (last.done, last.done_reason, last.response) == (True, "stop", "")
    assert (await call("generate", "llama3.2", "Why?")).response == ANSWER


async def test_thinking_is_on_where_it_can_be(call: Caller) -> None:
    pieces = await call.stream("chat", "thinker:8b", WHY)
    assert "".join(piece.message.thinking or "" for piece in pieces) == "Hm, well."
    assert (await call("chat", "thinker:8b", WHY)).message.thinking == "Hm, well."
    assert (await call("chat", "thinker:8b", WHY, think=False)).message.thinking is None
    assert (await call("generate", "thinker:8b", "Why?")).thinking == "Hm, well."


async def test_embed(call: Caller) -> None:
    both = (await call("embed", "embedder", ["one", "two"])).embeddings
    one = await call("embed", "embedder", "one")
    assert one.embeddings == both[:1]
    assert one.prompt_eval_count == 1
    assert both[0] != both[1]
    assert sum(number * number for number in both[1]) == pytest.approx(1)
    assert (await call("embed", "embedder", [])).embeddings == []


@pytest.mark.parametrize(
    ("deed", "asked", "status", "text"),
    [
        ("chat", {"model": "nope", "messages": WHY}, 404, "model 'nope' not found"),
        ("generate", {"model": "nope", "prompt": "Why?"}, 404, "model 'nope' not found"),
        ("show", {"model": "nope"}, 404, "model 'nope' not found"),
        ("embed", {"model": "nope"}, 404, 'model "nope" not found, try pulling it first'),
        ("show", {"model": "a b"}, 400, "invalid model name"),
        ("chat", {"model": "embedder", "messages": WHY}, 400, '"embedder" does not support chat'),
        ("generate", {"model": "embedder", "prompt": "Why?"}, 400, '"embedder" does not support generate'),
        (
            "chat",
            {"model": "llama3.2", "messages": WHY, "think": True},
            400,
            '"llama3.2" does not support thinking',
        ),
    ],
)
async def test_refusals(call: Caller, deed: str, asked: dict[str, Any], status: int, text: str) -> None:
    with pytest.raises(ollama.ResponseError) as refused:
        await call(deed, **asked)
    assert (refused.value.error, refused.value.status_code) == (text, status)


async def test_who_shows_no_token(node: OllamaStandIn, call: Caller) -> None:
    node.faults.token = "secret"
    with pytest.raises(ollama.ResponseError, match="unauthorized") as refused:
        await call("list")
    assert refused.value.status_code == 401


async def test_an_error_in_the_middle_comes_with_status_200(node: OllamaStandIn, call: Caller) -> None:
    node.faults.ending, node.faults.ending_after = Ending.ERROR, 2
    with pytest.raises(
        ollama.ResponseError, match="an error was encountered while running the model"
    ) as late:
        await call.stream("chat", "llama3.2", WHY)
    assert late.value.status_code == -1
    node.faults.ending_after = 0
    with pytest.raises(ollama.ResponseError, match="an error was encountered") as early:
        await call.stream("chat", "llama3.2", WHY)
    assert early.value.status_code == 500


async def test_other_ways_to_break_off(node: OllamaStandIn, call: Caller) -> None:
    node.faults.ending, node.faults.ending_after = Ending.SILENT, 2
    pieces = await call.stream("chat", "llama3.2", WHY)
    assert [piece.done for piece in pieces] == [False, False]
    node.faults.ending = Ending.RESET
    with pytest.raises(httpx.TransportError):
        await call.stream("chat", "llama3.2", WHY)
    for ending in (Ending.GARBAGE, Ending.HALF_A_LINE):
        node.faults.ending = ending
        with pytest.raises(ValueError, match="Expecting"):
            await call.stream("chat", "llama3.2", WHY)


@pytest.mark.parametrize("delivery", [Delivery.BYTES, Delivery.TOGETHER])
async def test_lines_cut_elsewhere(node: OllamaStandIn, call: Caller, delivery: Delivery) -> None:
    node.faults.delivery = delivery
    pieces = await call.stream("chat", "llama3.2", WHY)
    assert "".join(piece.message.content for piece in pieces) == ANSWER


async def test_a_client_that_leaves_frees_its_place(node: OllamaStandIn, web: httpx.AsyncClient) -> None:
    node.words.shut(after=1)
    asked = {"model": "llama3.2", "messages": WHY}
    async with web.stream("POST", "/api/chat", json=asked) as stream:
        await anext(stream.aiter_lines())
        assert node.in_flight == 1
    await until(lambda: node.in_flight == 0)
    node.words.open()
    assert (await web.post("/api/chat", json=asked)).status_code == 200


async def test_plain_paths(web: httpx.AsyncClient) -> None:
    async def said(method: str, path: str, **more: Any) -> tuple[int, str, str]:  # noqa: ANN401  as httpx takes it
        reply = await web.request(method, path, **more)
        return reply.status_code, reply.headers.get("content-type", ""), reply.text

    json_type = "application/json; charset=utf-8"
    assert await said("GET", "/") == (200, "text/plain; charset=utf-8", "Ollama is running")
    assert await said("HEAD", "/") == (200, "text/plain; charset=utf-8", "")
    assert await said("GET", "/api/version") == (200, json_type, '{"version":"0.32.15"}')
    assert await said("HEAD", "/api/version") == (200, json_type, "")
    assert (await said("HEAD", "/api/tags"))[0] == 200
    assert await said("GET", "/api/none") == (404, "text/plain", "404 page not found")
    assert await said("GET", "/api/chat") == (405, "text/plain", "405 method not allowed")
    assert await said("POST", "/api/chat") == (400, json_type, '{"error":"missing request body"}')
    assert (await said("POST", "/api/chat", content="{"))[0] == 400
    for path in ("/api/chat", "/api/show"):
        assert await said("POST", path, json={}) == (400, json_type, '{"error":"model is required"}')


async def test_a_stream_is_chunked_lines_of_json(web: httpx.AsyncClient) -> None:
    reply = await web.post("/api/chat", json={"model": "llama3.2", "messages": WHY})
    assert reply.headers["content-type"] == "application/x-ndjson"
    assert reply.headers["transfer-encoding"] == "chunked"
    assert reply.text.endswith("}\n")
    assert all(line.startswith('{"model":"llama3.2","created_at":"') for line in reply.text.splitlines())


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("node.example", 403),
        ("node.example:11434", 403),
        ("8.8.8.8:11434", 403),
        ("localhost:11434", 200),
        ("127.0.0.1", 200),
        ("10.0.0.5:11434", 200),
        ("box.local:11434", 200),
        ("[::1]:11434", 200),
    ],
)
async def test_who_calls_a_server_on_loopback_by_another_name(
    web: httpx.AsyncClient, host: str, status: int
) -> None:
    reply = await web.get("/api/version", headers={"Host": host})
    assert reply.status_code == status
    assert (reply.text == "") == (status == 403)


async def test_openai(web: httpx.AsyncClient) -> None:
    models = (await web.get("/v1/models")).json()
    assert {entry["id"] for entry in models["data"]} >= {"llama3.2:latest", "thinker:8b"}
    asked = {"model": "llama3.2", "messages": WHY}
    whole = (await web.post("/v1/chat/completions", json=asked)).json()
    assert whole["choices"][0]["message"]["content"] == ANSWER
    assert whole["usage"]["completion_tokens"] > 0
    stream = await web.post("/v1/chat/completions", json=asked | {"stream": True})
    assert stream.headers["content-type"] == "text/event-stream"
    assert stream.text.endswith("data: [DONE]\n\n")
    missing = await web.post("/v1/chat/completions", json=asked | {"model": "nope"})
    assert missing.status_code == 404
    assert missing.json()["error"] == {
        "message": "model 'nope' not found",
        "type": "not_found_error",
        "param": None,
        "code": None,
    }


async def test_no_models_at_all() -> None:
    async with (
        OllamaStandIn() as node,
        httpx.AsyncClient(base_url=node.url, trust_env=False) as web,
    ):
        assert (await web.get("/api/tags")).json() == {"models": []}
        assert (await web.get("/v1/models")).json() == {"object": "list", "data": None}


async def test_times_have_any_number_of_digits() -> None:
    models = [FakeModel(f"m{number}:latest") for number in range(60)]
    times = [str(model.tag()["modified_at"]) for model in models]
    assert {len(time.partition(".")[2].rstrip("Z")) for time in times} >= {0, 1, 5, 9}


async def test_it_says_what_it_did_not_expect() -> None:
    node = OllamaStandIn([LLAMA])
    await node.come_up()
    async with httpx.AsyncClient(base_url=node.url, trust_env=False) as web:
        with pytest.raises(httpx.TransportError):
            await web.post("/api/chat", json={"model": "llama3.2", "messages": ["Why?"]})
    with pytest.raises(AssertionError, match="string indices"):
        await node.__aexit__(None, None, None)


async def test_a_node_goes_down_and_comes_up_again(node: OllamaStandIn, web: httpx.AsyncClient) -> None:
    url = node.url
    await node.load(LLAMA.name)
    await node.go_down()
    with pytest.raises(httpx.ConnectError):
        await web.get("/api/version")
    await node.come_up()
    assert node.url == url
    assert (await web.get("/api/ps")).json() == {"models": []}


def test_a_process_of_its_own() -> None:
    command = (
        sys.executable,
        "-m",
        "tests.support.ollama_server",
        "--model",
        "m:405b=405B",
        "--answer",
        "Yes.",
    )
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            with httpx.Client(base_url=process.stdout.readline().strip(), trust_env=False) as web:
                [model] = web.get("/api/tags").json()["models"]
                assert (model["name"], model["details"]["parameter_size"]) == ("m:405b", "405B")
                reply = web.post("/api/generate", json={"model": "m:405b", "prompt": "?", "stream": False})
                assert reply.json()["response"] == "Yes."
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
