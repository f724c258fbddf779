from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config.origins import Origin, Overrides, Resolved, resolve
from app.config.reading import SettingsProblem, leaves
from app.config.state import SavedBackend, State
from app.text.address import Address, AddressProblem


def resolved(file: Path | None = None, **origins: object) -> Resolved:
    given: dict[str, object] = {"command_line": Overrides(), "environment": {}, "state": State(), **origins}
    return resolve(config=file, **given)  # type: ignore[arg-type]


def test_what_counts_comes_in_order(config: Callable[[str], Path]) -> None:
    file = config("model: of-config\nmode: distributed\nbackends: [a, b]\nnodes: [n1]")
    state = State(model="of-state", backends=(SavedBackend("b:50052"), SavedBackend("c:50052")))
    environment = {"LLAMA_RPC_BACKENDS": "d, a:50052", "OLLAMA_MODELS": "/models"}
    found = resolved(file, state=state, environment=environment)
    assert (found.settings.model, found.origins["model"]) == ("of-state", Origin.STATE)
    assert (found.settings.mode, found.origins["mode"]) == ("distributed", Origin.CONFIG)
    assert (found.settings.models.store, found.origins["models.store"]) == (
        Path("/models"),
        Origin.ENVIRONMENT,
    )
    assert found.origins["ports"] is Origin.DEFAULT
    assert dict(found.backends) == {
        Address("d", 50052): Origin.ENVIRONMENT,
        Address("a", 50052): Origin.ENVIRONMENT,
        Address("b", 50052): Origin.STATE,
        Address("c", 50052): Origin.STATE,
    }
    by_hand = resolved(file, state=state, command_line=Overrides(model="by-hand"))
    assert (by_hand.settings.model, by_hand.origins["model"]) == ("by-hand", Origin.COMMAND_LINE)


def test_a_backend_on_the_command_line_switches_distribution_on_but_one_of_the_environment_does_not() -> None:
    by_hand = resolved(command_line=Overrides(rpc_backends=("a:50052",))).settings
    assert (by_hand.mode, by_hand.distributed_inference) == ("distributed", True)
    ambient = resolved(environment={"LLAMA_RPC_BACKENDS": "a"}).settings
    assert (ambient.mode, ambient.distributed_inference) == ("standard", False)


def test_distribution_implies_the_distributed_mode(config: Callable[[str], Path]) -> None:
    found = resolved(config("mode: standard\ndistributed_inference: true"))
    assert found.settings.mode == "distributed"


def test_the_node_of_this_box_is_there_unless_others_are_named(config: Callable[[str], Path]) -> None:
    def urls(**origins: Any) -> list[str]:  # noqa: ANN401
        return [url for url, _ in resolved(**origins).nodes]

    here = "http://127.0.0.1:11434"
    assert urls() == [here]
    assert urls(state=State(nodes=("http://a:11434",))) == ["http://a:11434", here]
    assert urls(state=State(nodes=(here,))) == [here]
    assert urls(environment={"OLLAMA_HOST": "b"}) == ["http://b:11434"]
    assert urls(command_line=Overrides(nodes=("c:1",))) == ["http://c:1"]
    assert urls(file=config("nodes: [d]")) == ["http://d:11434"]
    assert urls(file=config("nodes: []")) == []


def test_the_same_address_in_two_spellings_is_one() -> None:
    found = resolved(
        command_line=Overrides(rpc_backends=("Box",)),
        environment={"LLAMA_RPC_BACKENDS": "box:50052,rpc://BOX"},
        state=State(backends=(SavedBackend("BOX:50052"),)),
    )
    assert found.backends == ((Address("box", 50052), Origin.COMMAND_LINE),)
    assert found.settings.backends == ("box:50052",)


def test_every_value_is_told_with_its_origins(config: Callable[[str], Path]) -> None:
    found = resolved(
        config("backends: [a]\nports: [1, 2]"),
        command_line=Overrides(model="m"),
        environment={"LLAMA_RPC_BACKENDS": "b c"},
    )
    told = {key: (value, origin) for key, value, origin in found.values()}
    assert told["backends"] == ("b:50052, c:50052, a:50052", "environment, config file")
    assert told["nodes"] == ("http://127.0.0.1:11434", "default")
    assert told["model"] == ("m", "command line")
    assert told["mode"] == ("standard", "default")
    assert told["ports"] == ("1, 2", "config file")
    assert told["networks"] == ("", "default")
    assert list(told) == [key for key, _ in leaves()]


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("LLAMA_RPC_BACKENDS", "a:70000", "In the environment variable LLAMA_RPC_BACKENDS: Port '70000'"),
        ("LLAMA_RPC_BACKENDS", "a, b c:x", "In the environment variable LLAMA_RPC_BACKENDS: Port 'x'"),
        ("OLLAMA_HOST", "a b", "In the environment variable OLLAMA_HOST: 'a b' does not name a host."),
    ],
)
def test_a_bad_variable_is_named(variable: str, value: str, sentence: str) -> None:
    with pytest.raises(SettingsProblem) as problem:
        resolved(environment={variable: value})
    assert str(problem.value).startswith(sentence)


@pytest.mark.parametrize("text", ["", " ", ",", " , ,"])
def test_an_empty_variable_says_nothing(text: str) -> None:
    variables = dict.fromkeys(("LLAMA_RPC_BACKENDS", "OLLAMA_HOST", "OLLAMA_MODELS"), text.replace(",", ""))
    assert resolved(environment=variables | {"LLAMA_RPC_BACKENDS": text}) == resolved()


@given(st.text())
def test_any_list_of_backends_is_backends_or_one_problem(text: str) -> None:
    try:
        named_by = {origin for _, origin in resolved(environment={"LLAMA_RPC_BACKENDS": text}).backends}
        told = ""
    except SettingsProblem as problem:
        named_by, told = set(), str(problem)
    assert named_by <= {Origin.ENVIRONMENT}
    assert "LLAMA_RPC_BACKENDS" in told or not told


def test_a_bad_word_of_the_command_line_is_said() -> None:
    with pytest.raises(AddressProblem, match="Port '0' in 'a:0'"):
        resolved(command_line=Overrides(rpc_backends=("a:0",)))
    with pytest.raises(AddressProblem, match="is not an http or https URL"):
        resolved(command_line=Overrides(nodes=("ftp://a",)))


def test_paths_of_the_environment_are_from_here_and_from_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/someone")
    environment = {
        "OLLAMA_MODELS": '"~/models"',
        "SYNAPTIC_LLAMA_SERVER": "bin/llama-server",
        "SYNAPTIC_RPC_SERVER": "~no-such-user/x",
    }
    found = resolved(environment=environment).settings
    assert found.models.store == Path("/home/someone/models")
    assert found.engine.server == tmp_path / "bin" / "llama-server"
    assert found.engine.rpc_server == tmp_path / "~no-such-user" / "x"


def test_which_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert resolved().config_file is None

    def write(name: str) -> Path:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"model: of-{file.stem}")
        return file

    usual = write("synaptic-tui/config.yaml")
    assert (resolved().config_file, resolved().settings.model) == (usual, "of-config")
    variable = {"SYNAPTIC_CONFIG": str(write("variable.yaml"))}
    assert resolved(environment=variable).settings.model == "of-variable"
    assert resolved(write("named.yaml"), environment=variable).settings.model == "of-named"
    with pytest.raises(SettingsProblem, match=r"none\.yaml cannot be read: No such file"):
        resolved(environment={"SYNAPTIC_CONFIG": str(tmp_path / "none.yaml")})


def test_a_usual_file_that_cannot_be_reached_is_not_taken_for_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "synaptic-tui").symlink_to("synaptic-tui")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(SettingsProblem, match="cannot be read: Too many levels of symbolic links"):
        resolved()
