from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.config.legacy import import_once
from app.config.state import SavedBackend, State, StateFile


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "old").mkdir()
    return tmp_path / "old"


def take_over(home: Path, tmp_path: Path) -> tuple[State, str]:
    file = StateFile(tmp_path / "state" / "state.yaml")
    said = import_once(file, home)
    return file.read(), " ".join(said)


def write(home: Path, settings: object, nodes: object = None) -> None:
    (home / ".synapticllamas.json").write_text(json.dumps(settings))
    if nodes is not None:
        (home / ".synapticllamas_nodes.json").write_text(json.dumps(nodes))


def test_settings_backends_and_nodes_are_taken_over_and_said(home: Path, tmp_path: Path) -> None:
    write(
        home,
        {
            "mode": "distributed",
            "distributed_inference_enabled": True,
            "rpc_backends": [{"host": "192.168.1.10", "port": 50052}, "192.168.1.11:50053"],
            "model": "llama3.2",
            "collaborative_mode": False,
        },
        {"nodes": [{"url": "http://192.168.1.20:11434", "name": "a", "priority": 0}]},
    )
    before = (home / ".synapticllamas.json").read_bytes()
    state, said = take_over(home, tmp_path)
    assert (state.mode, state.distributed_inference, state.model) == ("distributed", True, "llama3.2")
    assert state.backends == (SavedBackend("192.168.1.10:50052"), SavedBackend("192.168.1.11:50053"))
    assert state.nodes == ("http://192.168.1.20:11434",)
    assert "2 backends, 1 node, model llama3.2" in said
    assert (home / ".synapticllamas.json").read_bytes() == before


def test_the_older_name_of_the_switch_counts_too(home: Path, tmp_path: Path) -> None:
    write(home, {"model_sharding_enabled": True, "rpc_backends": []})
    state, _ = take_over(home, tmp_path)
    assert (state.mode, state.distributed_inference) == ("distributed", True)


def test_it_happens_once(home: Path, tmp_path: Path) -> None:
    write(home, {"model": "first"})
    take_over(home, tmp_path)
    write(home, {"model": "second"})
    state, said = take_over(home, tmp_path)
    assert (state.model, said) == ("first", "")


def test_without_the_old_files_nothing_is_written(home: Path, tmp_path: Path) -> None:
    assert take_over(home, tmp_path) == (State(), "")
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("content", ["{", "[]", "", "[" * 100_000])
def test_what_is_no_settings_is_said_and_nothing_is_taken_over(
    home: Path, tmp_path: Path, content: str
) -> None:
    (home / ".synapticllamas.json").write_text(content)
    state, said = take_over(home, tmp_path)
    assert state == State()
    assert "Nothing was taken over" in said


def test_an_entry_that_cannot_be_used_is_said_and_the_others_are_taken(home: Path, tmp_path: Path) -> None:
    write(
        home,
        {
            "rpc_backends": [{"host": "good"}, {"port": 1}, {"host": "bad", "port": 70000}, 5, None],
            "mode": "odd",
        },
        {"nodes": [{"name": "no url"}, {"url": "http://good:1"}]},
    )
    state, said = take_over(home, tmp_path)
    assert state.backends == (SavedBackend("good:50052"),)
    assert state.nodes == ("http://good:1",)
    assert said.count("is no address and was left out") == 5
    assert "mode 'odd' has no equivalent" in said
