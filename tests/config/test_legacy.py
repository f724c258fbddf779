from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.config.legacy import import_once
from app.config.origins import Overrides, resolve
from app.config.state import SavedBackend, State, StateFile

KEYS = ("mode", "model", "model_sharding_enabled", "rpc_backends", "nodes", "host", "port", "url")


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
    assert state.distributed_inference is True
    found = resolve(command_line=Overrides(), environment={}, state=state)
    assert (found.settings.mode, found.settings.distributed_inference) == ("distributed", True)


def test_of_both_names_the_first_one_counts(home: Path, tmp_path: Path) -> None:
    """As in SynapticLlamas itself, whose file may hold both."""
    write(home, {"distributed_inference_enabled": False, "model_sharding_enabled": True})
    assert take_over(home, tmp_path)[0].distributed_inference is False


def test_the_nodes_are_taken_over_without_the_settings_too(home: Path, tmp_path: Path) -> None:
    (home / ".synapticllamas_nodes.json").write_text('{"nodes": [{"url": "http://a:11434"}]}')
    state, said = take_over(home, tmp_path)
    assert (state.nodes, state.imported_from) == (
        ("http://a:11434",),
        str(home / ".synapticllamas_nodes.json"),
    )
    assert "0 backends, 1 node, model none" in said


def test_damaged_nodes_are_said_and_the_settings_are_taken(home: Path, tmp_path: Path) -> None:
    write(home, {"model": "m"})
    (home / ".synapticllamas_nodes.json").write_text("{")
    state, said = take_over(home, tmp_path)
    assert state.model == "m"
    assert "_nodes.json is not JSON. Nothing was taken over from it." in said


def test_what_was_chosen_meanwhile_is_kept(home: Path, tmp_path: Path) -> None:
    """Another process has written the state between our look at it and our own writing."""
    write(home, {"model": "old"})
    file = StateFile(tmp_path / "state" / "state.yaml")

    class Overtaken(StateFile):
        def update(self, change: Callable[[State], State]) -> State:
            file.update(lambda s: replace(s, model="chosen"))
            return super().update(change)

    import_once(Overtaken(file.path), home)
    assert file.read().model == "chosen"


def test_a_damaged_state_is_said_and_the_program_goes_on(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "state" / "state.yaml"
    file.parent.mkdir()
    file.write_text("{")
    state, said = take_over(home, tmp_path)
    assert state == State()
    assert "was damaged" in said
    assert take_over(home, tmp_path) == (State(), "")


def test_a_state_that_cannot_be_written_is_said_and_the_program_goes_on(home: Path, tmp_path: Path) -> None:
    write(home, {"model": "m"})
    (tmp_path / "state").symlink_to(tmp_path / "nowhere" / "at" / "all")
    state, said = take_over(home, tmp_path)
    assert state == State()
    assert "were not taken over: The folder" in said


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=9),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(KEYS), inner, min_size=1, max_size=len(KEYS))
        ),
        max_leaves=20,
    )
)
def test_whatever_the_files_hold_what_is_kept_can_be_used(
    home: Path, tmp_path: Path, content: object
) -> None:
    (tmp_path / "state" / "state.yaml").unlink(missing_ok=True)
    write(home, content, content)
    state, said = take_over(home, tmp_path)
    assert said.isprintable()
    resolve(command_line=Overrides(), environment={}, state=state)


def test_it_happens_once(home: Path, tmp_path: Path) -> None:
    write(home, {"model": "first"})
    take_over(home, tmp_path)
    write(home, {"model": "second"})
    state, said = take_over(home, tmp_path)
    assert (state.model, said) == ("first", "")


def test_without_the_old_files_nothing_is_written(home: Path, tmp_path: Path) -> None:
    assert take_over(home, tmp_path) == (State(), "")
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    "content",
    ["{", "[]", "", "[" * 100_000, "\xff", '{"model": ' + "9" * 5000 + "}"],
    ids=lambda text: repr(text)[:20],
)
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
            "rpc_backends": [
                {"host": "good"},
                {"port": 1},
                {"host": "bad", "port": 70000},
                {"host": None},
                5,
            ],
            "mode": "odd",
            "model_sharding_enabled": "yes",
            "model": "",
        },
        {"nodes": [{"name": "no url"}, {"url": "http://good:1"}]},
    )
    state, said = take_over(home, tmp_path)
    assert state.backends == (SavedBackend("good:50052"),)
    assert state.nodes == ("http://good:1",)
    assert said.count("cannot be used here and was left out") == 8
    assert 'Its mode "odd" cannot be used here and was left out.' in said
    assert 'Its entry of rpc_backends {"host": "bad", "port": 70000} cannot be used here' in said
    assert 'Its switch for distributed inference "yes" cannot be used here' in said
    assert (state.mode, state.distributed_inference, state.model) == (None, None, None)
