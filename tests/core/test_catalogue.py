from __future__ import annotations

from pathlib import Path

import pytest

from app import __version__
from app.core.facts import ModelReader
from app.core.models import Catalogue, ModelPlaces, Source, UnknownModel
from app.core.pool import Node
from app.demo.model import write_model
from app.demo.store import add_to_store
from app.gguf.writer import Tensor, write_gguf
from app.ollama.client import NodeModel
from app.ollama.names import parse_name
from app.text.problem import Problem


@pytest.fixture
def store(tmp_path: Path) -> Path:
    gguf = tmp_path / "source.gguf"
    write_model(gguf)
    add_to_store(
        tmp_path / "store",
        parse_name("small:1m"),
        gguf,
        layers={"system": b"Be brief.", "params": b'{"temperature": 0.5, "num_ctx": 4096, "stop": ["x"]}'},
    )
    return tmp_path / "store"


def catalogue(tmp_path: Path, store: Path | None = None, *folders: Path) -> Catalogue:
    places = ModelPlaces(store, folders, {}, tmp_path / "home")
    return Catalogue(places, ModelReader(tmp_path / "cache" / "headers.json"))


def node(*names: str, up: bool = True) -> Node:
    models = tuple(NodeModel(name, parameters=3_000_000_000) for name in names)
    return Node("http://127.0.0.1:11434", "state", up=up, models=models)


async def test_a_model_of_the_store_has_its_real_size_and_its_own_options(
    tmp_path: Path, store: Path
) -> None:
    models = catalogue(tmp_path, store)
    await models.read()
    [found] = models.models([])
    assert (found.name, found.source, found.problem) == ("small:1m", Source.STORE, None)
    assert found.facts.architecture == "llama"
    assert found.facts.layers == 4
    assert found.system == "Be brief."
    assert found.options == {"temperature": 0.5, "stop": ["x"]}


async def test_names_join_what_is_here_with_what_the_nodes_have(tmp_path: Path, store: Path) -> None:
    models = catalogue(tmp_path, store)
    await models.read()
    here, there = models.models([node("Small:1M", "other:latest")])
    assert (here.name, here.nodes) == ("other:latest", ("http://127.0.0.1:11434",))
    assert (there.name, there.nodes) == ("small:1m", ("http://127.0.0.1:11434",))
    assert [m.name for m in models.models([node("other:latest", up=False)])] == ["small:1m"]


async def test_a_model_is_found_by_name_by_another_case_and_by_path(tmp_path: Path, store: Path) -> None:
    models = catalogue(tmp_path, store)
    path = tmp_path / "plain.gguf"
    write_model(path)
    assert (await models.find("small:1m", ())).source is Source.STORE
    assert (await models.find("SMALL:1M", ())).source is Source.STORE
    assert (await models.find(str(path), ())).source is Source.PATH
    with pytest.raises(UnknownModel, match="No model is called 'large'"):
        await models.find("large", ())


async def test_a_truncated_file_is_there_with_its_problem(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "cut.gguf"
    write_model(path)
    path.write_bytes(path.read_bytes()[:-1000])
    models = catalogue(tmp_path, tmp_path / "home", folder)
    await models.read()
    [cut] = models.models([])
    assert cut.name == "cut"
    assert cut.problem is not None
    assert "truncated" in cut.problem
    assert not cut.on_disk


async def test_a_header_that_has_not_changed_is_not_read_again_by_the_next_process(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await catalogue(tmp_path, store).read()

    def forbidden(path: Path) -> None:
        raise AssertionError(path)

    monkeypatch.setattr("app.core.facts.read_model", forbidden)
    again = catalogue(tmp_path, store)
    await again.read()
    assert again.models([])[0].facts.layers == 4


async def test_headers_that_another_version_of_this_program_read_are_read_again(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.facts.__version__", "0.0.1")
    monkeypatch.setattr("app.core.facts.why_not_loadable", lambda header: Problem("It is too new."))
    await catalogue(tmp_path, store).read()
    monkeypatch.undo()
    again = catalogue(tmp_path, store)
    await again.read()
    assert again.models([])[0].problem is None


async def test_what_an_older_program_remembered_in_its_own_way_is_forgotten(
    tmp_path: Path, store: Path
) -> None:
    memory = tmp_path / "cache" / "headers.json"
    memory.parent.mkdir()
    memory.write_text(f'{{"{tmp_path}": {{"size": 1, "mtime_ns": 1, "facts": {{}}}}}}')
    models = catalogue(tmp_path, store)
    await models.read()
    assert models.models([])[0].facts.layers == 4
    assert f'"program":"{__version__}"' in memory.read_text()


async def test_what_llama_cpp_cannot_load_or_should_not_without_a_word(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    weight = Tensor("token_embd.weight", (32, 8), 0)
    write_gguf(folder / "foreign.gguf", {"general.architecture": "gptoss"}, [weight])
    write_gguf(folder / "mute.gguf", {"general.architecture": "llama"}, [weight])
    models = catalogue(tmp_path, tmp_path / "home", folder)
    await models.read()
    foreign, mute = models.models([])
    assert foreign.problem is not None
    assert "'gptoss'" in foreign.problem
    assert "Run it through an Ollama node" in foreign.problem
    assert not foreign.on_disk
    assert foreign.facts.cautions == ()
    assert mute.on_disk
    [caution] = mute.facts.cautions
    assert "no chat template" in caution


async def test_weights_that_were_replaced_are_looked_up_again(tmp_path: Path, store: Path) -> None:
    models = catalogue(tmp_path, store)
    before = await models.find("small:1m", ())
    gguf = tmp_path / "newer.gguf"
    write_model(gguf, ends=False)
    add_to_store(store, parse_name("small:1m"), gguf)
    assert before.path is not None
    before.path.unlink()
    after = await models.current(before)
    assert after.path != before.path
    assert after.on_disk
