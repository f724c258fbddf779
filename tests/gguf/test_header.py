from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from app.gguf.header import Header, HeaderProblem, Kind, read_header
from app.gguf.layout import SkippedArray
from app.gguf.types import ValueType
from app.gguf.writer import Plain, Tensor, Typed, write_gguf
from tests.support.models import F32, LLAMA_8B, LLAMA_70B, LLAMA_405B, Q4_K, LlamaShape, write_llama

UNKNOWN_TYPE = 4
Metadata = dict[str, Plain | list[str] | list[int] | Typed]
LLAMA: Metadata = {"general.architecture": "llama"}
WEIGHT = Tensor("blk.0.attn_q.weight", (256, 4), Q4_K)


def header_of(tmp_path: Path, metadata: Metadata, *tensors: Tensor) -> Header:
    path = tmp_path / "some.gguf"
    write_gguf(path, metadata, tensors)
    return read_header(path)


@pytest.mark.parametrize(
    ("shape", "parameters", "size"),
    [
        (LLAMA_8B, 8_030_261_312, 4_920_000_000),
        (LLAMA_70B, 70_553_706_560, 42_500_000_000),
        (LLAMA_405B, 405_853_388_864, 243_100_000_000),
    ],
    ids=lambda value: value.size_label if isinstance(value, LlamaShape) else "",
)
def test_sizes_of_real_models(tmp_path: Path, shape: LlamaShape, parameters: int, size: int) -> None:
    path = write_llama(tmp_path / "model.gguf", shape)
    header = read_header(path)
    assert header.parameters == header.active_parameters == parameters
    assert header.layers == shape.layers
    assert header.context_length == 131072
    assert header.embedding_length == shape.width
    assert header.quantization == "Q4_K_M"
    assert header.architecture == "llama"
    assert header.name == f"Llama 3.1 {shape.size_label}"
    assert header.size == path.stat().st_size == pytest.approx(size, rel=0.01)
    assert path.stat().st_blocks * 512 < 1_000_000
    assert header.is_model
    assert header.has_chat_template


def test_what_the_file_does_not_say_is_unknown(tmp_path: Path) -> None:
    header = header_of(tmp_path, {})
    assert header.version == 3
    assert (header.architecture, header.name, header.parameters, header.active_parameters) == (None,) * 4
    assert (header.layers, header.context_length, header.embedding_length) == (None,) * 3
    assert (header.quantization, header.split, header.has_chat_template) == (None, None, False)


def test_values_of_the_wrong_type_are_unknown(tmp_path: Path) -> None:
    wrong: Metadata = {
        "general.architecture": "llama",
        "general.name": 7,
        "general.file_type": True,
        "llama.block_count": "many",
        "llama.context_length": -1,
        "llama.embedding_length": [1, 2],
        "tokenizer.chat_template": False,
    }
    header = header_of(tmp_path, wrong)
    assert (header.name, header.layers, header.context_length, header.embedding_length) == (None,) * 4
    assert (header.quantization, header.has_chat_template) == (None, False)


def test_layers_that_only_predict_further_tokens_do_not_count(tmp_path: Path) -> None:
    assert (
        header_of(tmp_path, LLAMA | {"llama.block_count": 62, "llama.nextn_predict_layers": 1}).layers == 61
    )


def test_vision_and_audio_parts_are_no_parameters_of_the_text_model(tmp_path: Path) -> None:
    parts = [Tensor(f"{prefix}.weight", (32,), F32) for prefix in ("v.blk.0", "mm.0", "a.conv")]
    assert header_of(tmp_path, LLAMA, WEIGHT, *parts).parameters == 1024
    assert header_of(tmp_path, {"general.architecture": "clip"}, *parts).parameters == 96


def test_of_the_experts_only_those_used_are_active(tmp_path: Path) -> None:
    mixture: Metadata = {
        "general.architecture": "qwen3moe",
        "qwen3moe.expert_count": 128,
        "qwen3moe.expert_used_count": 8,
    }
    header = header_of(tmp_path, mixture, WEIGHT, Tensor("blk.0.ffn_up_exps.weight", (256, 8, 128), Q4_K))
    assert header.parameters == 1024 + 256 * 8 * 128
    assert header.active_parameters == 1024 + 256 * 8 * 8


@pytest.mark.parametrize(
    ("file_type", "quantization"),
    [(15, "Q4_K_M"), (15 | 1024, "Q4_K_M"), (9999, "Q4_K"), (None, "Q4_K")],
    ids=["declared", "guessed by the converter", "number unknown", "not declared"],
)
def test_quantization_falls_back_to_the_type_of_most_bytes(
    tmp_path: Path, file_type: int | None, quantization: str
) -> None:
    metadata = LLAMA if file_type is None else LLAMA | {"general.file_type": file_type}
    assert header_of(tmp_path, metadata, Tensor("norm", (8,), F32), WEIGHT).quantization == quantization


@pytest.mark.parametrize(
    ("metadata", "tensors", "kind"),
    [
        (LLAMA, (WEIGHT,), Kind.MODEL),
        (LLAMA, (), Kind.VOCABULARY),
        ({"general.architecture": "clip"}, (WEIGHT,), Kind.PROJECTOR),
        (LLAMA | {"general.type": "mmproj"}, (WEIGHT,), Kind.PROJECTOR),
        (LLAMA | {"general.type": "adapter"}, (WEIGHT,), Kind.ADAPTER),
        ({"general.type": "imatrix"}, (WEIGHT,), Kind.MATRIX),
        ({"general.architecture": "controlvector"}, (WEIGHT,), Kind.CONTROL),
        ({"general.architecture": "bert", "bert.pooling_type": 2}, (WEIGHT,), Kind.ENCODER),
        (LLAMA | {"llama.pooling_type": 0}, (WEIGHT,), Kind.MODEL),
        (LLAMA | {"split.count": 3, "split.no": 0}, (), Kind.MODEL),
    ],
)
def test_kinds(tmp_path: Path, metadata: Metadata, tensors: tuple[Tensor, ...], kind: Kind) -> None:
    header = header_of(tmp_path, metadata, *tensors)
    assert header.kind is kind
    assert header.is_model == (kind is Kind.MODEL)


def test_long_arrays_keep_their_length_only(tmp_path: Path) -> None:
    header = header_of(
        tmp_path,
        {
            "words": [f"word{n}" for n in range(1025)],
            "scores": [0] * 5000,
            "heads": [8] * 1024,
            "names": ["a"] * 1024,
            "none": Typed(ValueType.STRING, []),
        },
        WEIGHT,
    )
    assert header.metadata["words"] == SkippedArray(1025, ValueType.STRING)
    assert header.metadata["scores"] == SkippedArray(5000, ValueType.I32)
    assert header.metadata["heads"] == (8,) * 1024
    assert header.metadata["names"] == ("a",) * 1024
    assert header.metadata["none"] == ()
    assert header.tensors[0].name == WEIGHT.name


def test_a_vocabulary_with_merges_of_the_largest_models(tmp_path: Path) -> None:
    tokens, merges = ["", *(f"t{n}" for n in range(262_143))], ["a b"] * 514_906
    header = header_of(tmp_path, {"tokens": tokens, "merges": merges, "after": 1})
    assert header.metadata == {
        "tokens": SkippedArray(262_144, ValueType.STRING),
        "merges": SkippedArray(514_906, ValueType.STRING),
        "after": 1,
    }


def test_a_string_longer_than_the_buffer_is_passed_over(tmp_path: Path) -> None:
    header = header_of(tmp_path, {"words": ["x" * 3_000_000, *["y"] * 1024], "after": "z"})
    assert header.metadata == {"words": SkippedArray(1025, ValueType.STRING), "after": "z"}


def test_the_older_version_has_the_same_layout(tmp_path: Path) -> None:
    path = tmp_path / "two.gguf"
    write_gguf(path, LLAMA, [WEIGHT])
    path.write_bytes(path.read_bytes().replace(struct.pack("<I", 3), struct.pack("<I", 2), 1))
    assert (read_header(path).version, read_header(path).parameters) == (2, 1024)


def test_a_tensor_of_an_unknown_type_has_no_size(tmp_path: Path) -> None:
    path = tmp_path / "old.gguf"
    write_gguf(path, {}, [Tensor("blk.0.ffn_down_exps.weight", (7,), F32, b"\1" * 28)])
    listed = struct.pack("<IQIQ", 1, 7, F32, 0)
    content = path.read_bytes()
    assert content.count(listed) == 1
    path.write_bytes(content.replace(listed, struct.pack("<IQIQ", 1, 7, UNKNOWN_TYPE, 0)))
    header = read_header(path)
    assert (header.tensors[0].size, header.parameters, header.quantization) == (None, 7, None)


def test_a_file_without_its_last_byte_is_truncated(tmp_path: Path) -> None:
    path = tmp_path / "cut.gguf"
    write_gguf(path, {}, [Tensor("one", (8,), F32), Tensor("two", (8,), F32)])
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(HeaderProblem, match=r"cut\.gguf is truncated: the last 1 B of 160 B are missing"):
        read_header(path)


def test_every_shorter_file_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "cut.gguf"
    write_gguf(path, LLAMA | {"words": ["w"] * 1500, "text": "t"}, [WEIGHT])
    whole = path.read_bytes()
    for length in (*range(200), *range(200, len(whole), 97), len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(HeaderProblem, match=r"is truncated|is not a GGUF file"):
            read_header(path)


def test_files_that_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    for path in (tmp_path, tmp_path / "pipe.gguf", Path("/dev/zero")):
        with pytest.raises(HeaderProblem, match=r"is not a file\."):
            read_header(path)
    with pytest.raises(HeaderProblem, match=r"none\.gguf cannot be read: No such file or directory\."):
        read_header(tmp_path / "none.gguf")
