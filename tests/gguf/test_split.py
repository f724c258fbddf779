from __future__ import annotations

from pathlib import Path

import pytest

from app.gguf.header import HeaderProblem, Split, read_header, read_model
from app.gguf.split import model_name, parts_of
from app.gguf.types import ValueType
from app.gguf.writer import Tensor, Typed, write_gguf

COUNT = 3


def write_part(folder: Path, number: int, *, says: int | None = None, tensors: int = COUNT) -> Path:
    """Part `number`, from 0, with one tensor of 8 elements; `says` is the number that it claims to be."""
    path = folder / f"some-{number + 1:05}-of-{COUNT:05}.gguf"
    metadata: dict[str, str | int | Typed] = {
        "split.no": Typed(ValueType.U16, number if says is None else says),
        "split.count": Typed(ValueType.U16, COUNT),
        "split.tensors.count": Typed(ValueType.I32, tensors),
    }
    if number == 0:
        metadata |= {"general.architecture": "llama", "llama.block_count": 9}
    write_gguf(path, metadata, [Tensor(f"blk.{number}.weight", (8,), 0)])
    return path


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    return [write_part(tmp_path, number) for number in range(COUNT)]


@pytest.mark.parametrize("named", range(COUNT))
def test_any_part_stands_for_the_whole_model(parts: list[Path], named: int) -> None:
    model = read_model(parts[named])
    assert model.path == parts[0]
    assert model.parameters == COUNT * 8
    assert model.layers == 9
    assert model.size == sum(part.stat().st_size for part in parts)
    assert [tensor.name for tensor in model.tensors] == [f"blk.{number}.weight" for number in range(COUNT)]


def test_a_part_by_itself_tells_which_it_is(parts: list[Path]) -> None:
    assert read_header(parts[1]).split == Split(1, COUNT)
    assert read_header(parts[1]).parameters == 8


def test_a_missing_part_is_named(parts: list[Path]) -> None:
    parts[1].unlink()
    with pytest.raises(
        HeaderProblem, match=r"split over 3 files, and some-00002-of-00003\.gguf is missing\."
    ):
        read_model(parts[2])


def test_a_truncated_part_is_named(parts: list[Path]) -> None:
    parts[2].write_bytes(parts[2].read_bytes()[:-1])
    with pytest.raises(HeaderProblem, match=r"some-00003-of-00003\.gguf is truncated"):
        read_model(parts[0])


def test_a_renamed_part_cannot_find_the_others(parts: list[Path]) -> None:
    renamed = parts[0].rename(parts[0].with_name("renamed.gguf"))
    with pytest.raises(
        HeaderProblem, match=r"is one part of 3, but is not named NAME-00001-of-00003\.gguf\."
    ):
        read_model(renamed)


def test_a_part_of_another_place(parts: list[Path]) -> None:
    write_part(parts[0].parent, 1, says=2)
    with pytest.raises(HeaderProblem, match=r"some-00002-of-00003\.gguf is not part 2 of 3 of its model"):
        read_model(parts[0])


def test_parts_of_another_model(parts: list[Path]) -> None:
    write_part(parts[0].parent, 0, tensors=17)
    with pytest.raises(HeaderProblem, match="says that its parts have 17 tensors, and they have 3"):
        read_model(parts[0])


def test_a_whole_model_may_be_named_like_a_part(tmp_path: Path) -> None:
    path = tmp_path / "whole-00001-of-00002.gguf"
    write_gguf(path, {}, [Tensor("one", (8,), 0)])
    assert read_model(path).parameters == 8


@pytest.mark.parametrize(
    ("name", "count"),
    [("m-00002-of-00003.gguf", 3), ("m.gguf", 1), ("m-00001-of-00001.gguf", 1), ("m-00001-of-99999.gguf", 1)],
)
def test_names_of_parts(name: str, count: int) -> None:
    parts = parts_of(Path("/models", name))
    assert len(parts) == count
    assert Path("/models", name) in parts


@pytest.mark.parametrize("name", ["some-00002-of-00003.gguf", "some.gguf", "some"])
def test_a_model_is_called_like_its_file(name: str) -> None:
    assert model_name(Path("/models", name)) == "some"
