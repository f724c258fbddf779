from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.config.origins import Origin, Overrides, Resolved, resolve
from app.config.reading import SettingsProblem, leaves, read_file
from app.config.settings import Settings
from app.config.state import SavedBackend, State
from app.text.address import Address

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], Path]:
    def write(content: str) -> Path:
        file = tmp_path / "config.yaml"
        file.write_text(content)
        return file

    return write


def resolved(file: Path | None = None, **origins: object) -> Resolved:
    given: dict[str, object] = {"command_line": Overrides(), "environment": {}, "state": State(), **origins}
    return resolve(config=file, **given)  # type: ignore[arg-type]


def test_the_example_is_the_defaults_and_documents_every_setting() -> None:
    values = read_file(EXAMPLE)
    assert set(values) == {key for key, _ in leaves()}
    assert resolved(EXAMPLE).settings == Settings()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("modell: standard", "line 1: 'modell' is no setting. Did you mean 'model'?"),
        ("\npool_up_to: 13B", "line 2: 'pool_up_to' is no setting. Did you mean 'routing.pool_up_to'?"),
        ("mode: fast", "line 1: 'mode' cannot be 'fast'; it must be standard or distributed."),
        ("ports: [70000]", "line 1: 'ports': Port '70000' is not a number from 1 to 65535."),
        ("ports: 50052", "line 1: 'ports' cannot be '50052'; it must be a list"),
        ("backends: [a, 'b:x']", "line 1: 'backends': Port 'x' in 'b:x' is not a number"),
        ("nodes: ['ftp://a']", "'nodes': 'ftp://a' is not an http or https URL."),
        ("networks: [10.0.0.0/40]", "'networks' cannot be '10.0.0.0/40'; it must be a network"),
        ("routing:\n  pool_up_to: big", "line 2: 'routing.pool_up_to' cannot be 'big'; it must be a count"),
        ("routing: {pool_up_to: 80B}", "'routing.pool_up_to' is larger than 'routing.pool_preferred_up_to'"),
        ("routing: {pins: {a: b}}", "'routing.pins.a' cannot be 'b'; it must be ollama or coordinator."),
        ("discovery: {interval_s: -1}", "'discovery.interval_s' cannot be '-1'; it must be a number"),
        ("discovery: {interval_s: .inf}", "'discovery.interval_s' cannot be '.inf'"),
        ("discovery: 5", "'discovery' must be keys with values."),
        ("coordinator: {context: 1.5}", "'coordinator.context' cannot be '1.5'"),
        ("chat: {idle_timeout_s: true}", "'chat.idle_timeout_s' cannot be 'true'"),
        ("mode: standard\nmode: standard", "line 2: 'mode' is set twice."),
        ("a: [", "line 1, column 5: this is not YAML"),
        ("\tmode: standard", "this is not YAML"),
        ("- a", "line 1: The file must be keys with values."),
        ("&a [*a]", "must be keys with values"),
        ("model: 2024-01-01", "'model' cannot be"),
    ],
)
def test_a_fault_is_one_sentence_with_its_line(
    config: Callable[[str], Path], content: str, sentence: str
) -> None:
    with pytest.raises(SettingsProblem) as problem:
        resolved(config(content))
    assert sentence in str(problem.value)
    assert str(config(content)) in str(problem.value)


def test_every_fault_of_a_file_is_told_up_to_five(config: Callable[[str], Path]) -> None:
    with pytest.raises(SettingsProblem) as problem:
        resolved(config("\n".join(f"wrong{n}: 1" for n in range(7))))
    assert str(problem.value).count("is no setting") == 5
    assert "and 2 more" in str(problem.value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from([k.rpartition(".")[2] for k, _ in leaves()] + ["routing"]), inner, max_size=4
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_a_file_holds_it_is_settings_or_one_problem(
    config: Callable[[str], Path], content: object
) -> None:
    file = config(yaml.safe_dump(content, allow_unicode=True))
    assert _settings_or_problem(file)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_bytes_are_settings_or_one_problem(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "any.yaml"
    file.write_bytes(content)
    assert _settings_or_problem(file)


def _settings_or_problem(file: Path) -> bool:
    try:
        return isinstance(resolved(file).settings, Settings)
    except SettingsProblem as problem:
        return str(file) in str(problem)


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


def test_the_node_of_this_box_is_there_unless_others_are_named() -> None:
    assert [url for url, _ in resolved().nodes] == ["http://127.0.0.1:11434"]
    added = resolved(state=State(nodes=("http://a:11434",)))
    assert [url for url, _ in added.nodes] == ["http://a:11434", "http://127.0.0.1:11434"]
    assert [url for url, _ in resolved(environment={"OLLAMA_HOST": "b"}).nodes] == ["http://b:11434"]


def test_a_bad_variable_is_named() -> None:
    with pytest.raises(SettingsProblem, match="LLAMA_RPC_BACKENDS"):
        resolved(environment={"LLAMA_RPC_BACKENDS": "a:70000"})
