"""The demo's model, and its answers on the real engine."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from app.demo.model import ANSWERS, Shape, write_model
from app.gguf.header import read_header
from app.llama.engine import Engine
from tests.support.engine import free_port

START_S = 30.0
HOST = "127.0.0.1"


def test_the_model_is_small_deterministic_and_complete(tmp_path: Path) -> None:
    one, other = tmp_path / "one.gguf", tmp_path / "other.gguf"
    write_model(one)
    write_model(other)
    assert one.read_bytes() == other.read_bytes()
    assert one.stat().st_size < 1_000_000
    header = read_header(one)
    assert (header.architecture, header.layers, header.embedding_length) == ("llama", 4, 64)
    assert (header.context_length, header.quantization) == (4096, "F16")
    assert header.has_chat_template
    assert header.is_model


def test_a_larger_shape_is_written_as_such(tmp_path: Path) -> None:
    write_model(tmp_path / "large.gguf", Shape(layers=16, width=256, context=512))
    header = read_header(tmp_path / "large.gguf")
    assert (header.layers, header.embedding_length, header.context_length) == (16, 256, 512)
    assert (tmp_path / "large.gguf").stat().st_blocks * 512 < header.size / 2


def test_an_answer_that_cannot_be_a_chain_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ends with words that stand elsewhere too"):
        write_model(tmp_path / "some.gguf", answers={"one": "to be or not to be"})


@contextmanager
def served(engine: Engine, model: Path) -> Iterator[httpx.Client]:
    """A client of the model on a llama-server of its own."""
    port = free_port(HOST)
    command = [
        str(engine.server),
        "-m",
        str(model),
        "--host",
        HOST,
        "--port",
        str(port),
        "-c",
        "2048",
        "-np",
        "1",
        "-t",
        "1",
    ]
    with (
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process,
        httpx.Client(base_url=f"http://{HOST}:{port}", timeout=START_S, trust_env=False) as client,
    ):
        deadline = time.monotonic() + START_S
        try:
            while not _healthy(client):
                assert process.poll() is None, f"the engine ended with {process.returncode}"
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield client
        finally:
            process.kill()


def _healthy(client: httpx.Client) -> bool:
    with suppress(httpx.TransportError):
        return client.get("/health").is_success
    return False


def test_the_engine_answers_by_what_is_asked_greedy_or_hot(engine: Engine, tiny_model: Path) -> None:
    asked = {
        "a worker": "worker",
        "What is a Coordinator?": "coordinator",
        "Which model is this?": "model",
        "Grüße 😀": "worker",
        "": "worker",
    }
    with served(engine, tiny_model) as client:
        for prompt, topic in asked.items():
            for temperature in (0.0, 0.8, 2.0):
                body = {"messages": [{"role": "user", "content": prompt}], "temperature": temperature}
                [choice] = client.post("/v1/chat/completions", json=body).raise_for_status().json()["choices"]
                assert choice["message"]["content"] == ANSWERS[topic]
                assert choice["finish_reason"] == "stop"


def test_the_engine_takes_a_conversation(engine: Engine, tiny_model: Path) -> None:
    messages = [
        {"role": "system", "content": "Be brief about the coordinator."},
        {"role": "user", "content": "What is a coordinator?"},
        {"role": "assistant", "content": ANSWERS["coordinator"]},
        {"role": "user", "content": "And a worker?"},
    ]
    with served(engine, tiny_model) as client:
        lengths = []
        for turns in (messages[1:2], messages):
            answer = client.post("/v1/chat/completions", json={"messages": turns}).raise_for_status().json()
            lengths.append(answer["usage"]["prompt_tokens"])
        assert answer["choices"][0]["message"]["content"] == ANSWERS["worker"]
    alone, whole = lengths
    assert alone < whole < alone + 120, "earlier turns are in the prompt, by pieces and not by letters"


def test_the_endless_model_stops_only_at_the_limit(engine: Engine, endless_model: Path) -> None:
    body = {"messages": [{"role": "user", "content": "a worker"}], "max_tokens": 100}
    with served(engine, endless_model) as client:
        [choice] = client.post("/v1/chat/completions", json=body).raise_for_status().json()["choices"]
    assert choice["finish_reason"] == "length"
    assert choice["message"]["content"].startswith(f"{ANSWERS['worker']}\n{ANSWERS['worker']}\n")


def test_without_a_template_any_text_leads_to_the_first_answer(engine: Engine, tiny_model: Path) -> None:
    with served(engine, tiny_model) as client:
        for prompt in ("?", "Grüße", "<s>"):
            answer = client.post("/completion", json={"prompt": prompt}).raise_for_status().json()
            assert answer["content"] == ANSWERS["worker"]
