"""What is refused here is refused by the real engine too, and for the same reason."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.gguf.header import read_header
from app.gguf.loadable import why_not_loadable
from app.gguf.writer import Plain, Tensor, write_gguf
from app.llama.engine import Engine
from tests.support.engine import free_port
from tests.support.models import F32

WIDTH, HEADS = 32, 2
SHAPE: Mapping[str, int | float] = {
    "context_length": 64,
    "embedding_length": WIDTH,
    "block_count": 1,
    "feed_forward_length": WIDTH,
    "attention.head_count": HEADS,
    "attention.layer_norm_rms_epsilon": 1e-6,
    "shortconv.l_cache": 3,
}
EXPERT = "blk.0.ffn_down_exps.weight"


def write(path: Path, architecture: str, *tensors: Tensor, without: str = "") -> Path:
    """As much of a model as the engine looks at before it finds what this is about."""
    shape = {f"{architecture}.{key}": value for key, value in SHAPE.items() if key != without}
    metadata: dict[str, Plain | list[str] | list[float] | list[int]] = {
        "general.architecture": architecture,
        **shape,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": ["<unk>", "<s>", "</s>", "<0x0A>"],
        "tokenizer.ggml.scores": [0.0, 0.0, 0.0, 0.0],
        "tokenizer.ggml.token_type": [2, 3, 3, 6],
    }
    square, norm = (WIDTH, WIDTH), (WIDTH,)
    layer = {
        "attn_norm": norm,
        **dict.fromkeys(("attn_q", "attn_k", "attn_v", "attn_output"), square),
        "ffn_norm": norm,
        **dict.fromkeys(("ffn_gate", "ffn_up", "ffn_down"), square),
    }
    plain = [
        Tensor("token_embd.weight", (WIDTH, 4), F32),
        Tensor("output_norm.weight", norm, F32),
        *(Tensor(f"blk.0.{name}.weight", dimensions, F32) for name, dimensions in layer.items()),
    ]
    write_gguf(path, metadata, [*plain, *tensors])
    return path


def refused(model: Path) -> str:
    problem = why_not_loadable(read_header(model))
    assert problem is not None
    return problem.sentence


def last_words(engine: Engine, model: Path) -> str:
    """What llama-server says when it is to load a model that it refuses."""
    host = "127.0.0.1"
    command = [
        str(engine.server),
        "-m",
        str(model),
        "--host",
        host,
        "--port",
        str(free_port(host)),
        "-t",
        "1",
    ]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert ended.returncode == 1
    return ended.stdout + ended.stderr


def renumbered(path: Path, name: str, type_id: int) -> Path:
    """The file with another type for a tensor of one dimension, which the writer does not know."""
    listed = name.encode() + (1).to_bytes(4, "little") + WIDTH.to_bytes(8, "little")
    content = path.read_bytes()
    old, new = (listed + number.to_bytes(4, "little") for number in (F32, type_id))
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, new))
    return path


@pytest.mark.parametrize("name", ["gptoss", "qwen25vl", "mllama", "olmo3"])
def test_an_architecture_by_ollamas_name(engine: Engine, tmp_path: Path, name: str) -> None:
    model = write(tmp_path / "model.gguf", name)
    assert f"'{name}'" in refused(model)
    assert f"unknown model architecture: '{name}'" in last_words(engine, model)


def test_a_type_that_was_removed(engine: Engine, tmp_path: Path) -> None:
    model = write(tmp_path / "model.gguf", "gpt-oss", Tensor(EXPERT, (WIDTH,), F32))
    assert f"'{EXPERT}' has type 4" in refused(renumbered(model, EXPERT, 4))
    assert f"tensor '{EXPERT}' of type 4 (" in last_words(engine, model)


@pytest.mark.parametrize(
    ("architecture", "lacking"),
    [("gemma3", "attention.layer_norm_rms_epsilon"), ("qwen3vl", "rope.dimension_sections")],
)
def test_a_key_that_ollama_leaves_out(
    engine: Engine, tmp_path: Path, architecture: str, lacking: str
) -> None:
    model = write(tmp_path / "model.gguf", architecture, without=lacking)
    assert f"lacks the key '{architecture}.{lacking}'" in refused(model)
    assert f"key not found in model: {architecture}.{lacking}" in last_words(engine, model)


@pytest.mark.parametrize("name", ["v.blk.0.ln1.weight", "mm.0.weight", "a.norm.weight", "mtp.norm.weight"])
def test_more_than_the_text_model(engine: Engine, tmp_path: Path, name: str) -> None:
    model = write(tmp_path / "model.gguf", "llama", Tensor(name, (WIDTH,), F32))
    assert f"'{name}'" in refused(model)
    assert "wrong number of tensors; expected 12, got 11" in last_words(engine, model)


def test_a_tensor_by_ollamas_name(engine: Engine, tmp_path: Path) -> None:
    model = write(tmp_path / "model.gguf", "lfm2")
    assert "lacks the tensor 'token_embd_norm.weight'" in refused(model)
    assert "tensor 'token_embd_norm.weight' not found" in last_words(engine, model)
