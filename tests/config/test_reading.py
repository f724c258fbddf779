from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.config.disk import FILE_LIMIT
from app.config.kinds import BACKEND, COUNT, NAME, NETWORK, NODE, PORT, SECONDS
from app.config.origins import Overrides, Resolved, resolve
from app.config.reading import SettingsProblem, leaves, read_file
from app.config.settings import Settings
from app.config.state import State

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"


def resolved(file: Path) -> Resolved:
    return resolve(command_line=Overrides(), environment={}, state=State(), config=file)


def test_the_example_is_the_defaults_and_documents_every_setting() -> None:
    values = read_file(EXAMPLE)
    assert set(values) == {key for key, _ in leaves()}
    assert resolved(EXAMPLE).settings == Settings()


def test_the_example_is_full_of_words() -> None:
    """Every setting has its explanation on the line above it, or shares the one of a neighbour."""
    lines = EXAMPLE.read_text().splitlines()
    for key, _ in leaves():
        name = key.rpartition(".")[2]
        places = [n for n, line in enumerate(lines) if line.strip().startswith(f"{name}:")]
        assert places, key
        assert all(lines[n - 1].strip().startswith("#") for n in places), key


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("modell: standard", "line 1: 'modell' is no setting. Did you mean 'model'?"),
        ("\npool_up_to: 13B", "line 2: 'pool_up_to' is no setting. Did you mean 'routing.pool_up_to'?"),
        (
            "routing:\n  pool_upto: 1",
            "line 2: 'routing.pool_upto' is no setting. Did you mean 'routing.pool_up_to'?",
        ),
        ("zzz: 1", "line 1: 'zzz' is no setting."),
        ("mode: fast", "line 1: 'mode' cannot be 'fast'; it must be standard or distributed."),
        ("mode:", "line 1: 'mode' cannot be nothing; it must be standard or distributed."),
        ("coordinator: {on_quit: x}", "'coordinator.on_quit' cannot be 'x'; it must be ask, stop or leave."),
        ("distributed_inference: 1", "'distributed_inference' cannot be '1'; it must be true or false."),
        ("ports: [70000]", "line 1: 'ports': Port '70000' is not a number from 1 to 65535."),
        ("ports: [0x10]", "line 1: 'ports': Port '0x10' is not a number from 1 to 65535."),
        ("ports: 50052", "line 1: 'ports' cannot be '50052'; it must be a list"),
        ("ports: {a: 1}", "line 1: 'ports' cannot be keys with values; it must be a list"),
        ("ports:\n- 1\n- [2]", "line 3: 'ports' cannot be a list; it must be a number from 1 to 65535."),
        ("backends: [a, 'b:x']", "line 1: 'backends': Port 'x' in 'b:x' is not a number"),
        ("backends: [12:30]", "line 1: 'backends': '12:30' does not name a host."),
        ("backends: [a..b]", "line 1: 'backends': 'a..b' does not name a host."),
        ("nodes: ['ftp://a']", "'nodes': 'ftp://a' is not an http or https URL."),
        ("networks: [10.0.0.0/40]", "'networks' cannot be '10.0.0.0/40'; it must be a network"),
        ("networks: ['fe80::/64']", "'networks' cannot be 'fe80::/64'; it must be a network"),
        ("networks: ['a:99999']", "'networks': Port '99999' in 'a:99999' is not a number"),
        ("routing:\n  pool_up_to: big", "line 2: 'routing.pool_up_to' cannot be 'big'; it must be a count"),
        (
            "routing:\n  pool_up_to: 80B",
            "line 2: 'routing.pool_up_to' (80.0B) is larger than 'routing.pool_preferred_up_to' (70.0B).",
        ),
        ("routing:\n  pool_preferred_up_to: 1B", "line 2: 'routing.pool_up_to' (13.0B) is larger than"),
        ("routing: {pins: {a: b}}", "'routing.pins.a' cannot be 'b'; it must be ollama or coordinator."),
        ("routing: {pins: [a]}", "'routing.pins' cannot be a list; it must be names with values."),
        ("routing: {pins: {a: ollama, a: ollama}}", "'routing.pins.a' is set twice."),
        ("routing: {pins: {[a]: ollama}}", "A key of 'routing.pins' is not a word."),
        ("discovery: {interval_s: -1}", "'discovery.interval_s' cannot be '-1'; it must be a number"),
        (
            "discovery: {interval_s: 0}",
            "'discovery.interval_s' cannot be '0'; it must be a number from 0.001",
        ),
        ("discovery: {interval_s: .inf}", "'discovery.interval_s' cannot be '.inf'"),
        ("discovery: {interval_s: .nan}", "'discovery.interval_s' cannot be '.nan'"),
        ("discovery: {interval_s: 1e999}", "'discovery.interval_s' cannot be '1e999'"),
        ("discovery: 5", "'discovery' must be keys with values."),
        ("coordinator: {context: 1.5}", "'coordinator.context' cannot be '1.5'; it must be a whole number"),
        (
            "coordinator: {threads: 0}",
            "'coordinator.threads' cannot be '0'; it must be a whole number from 1",
        ),
        (f"coordinator: {{threads: {'9' * 5000}}}", "it must be a whole number from 1 to 1024."),
        (
            "coordinator: {extra_arguments: [~]}",
            "'coordinator.extra_arguments' cannot be '~'; it must be text.",
        ),
        ("chat: {idle_timeout_s: true}", "'chat.idle_timeout_s' cannot be 'true'"),
        (
            "engine: {server: llama-server}",
            "cannot be 'llama-server'; it must be a path that begins with / or ~.",
        ),
        ("engine: {server: ~no-such-user/x}", "cannot be '~no-such-user/x'; it must be a path"),
        ("engine: {server: ''}", "cannot be ''; it must be a path"),
        ('engine: {server: "/a\\0b"}', "it must be a path"),
        ("model: ''", "'model' cannot be ''; it must be a name."),
        ('model: "a\\e[31m"', "'model' cannot be 'a\N{REPLACEMENT CHARACTER}[31m'; it must be a name."),
        ("mode: standard\nmode: standard", "line 2: 'mode' is set twice."),
        ("model: !secret x", "line 1: 'model' has the tag '!secret', and settings have none."),
        ("model: !!python/object:os.system x", "and settings have none."),
        ("<<: {mode: standard}", "line 1: '<<' is no setting."),
        ("? [a]\n: b", "line 1: A key is not a word."),
        ("a: [", "line 1, column 5: this is not YAML: while parsing a flow node"),
        ("a: *b", "line 1, column 4: this is not YAML: found undefined alias 'b'."),
        (
            "mode: standard\n---\nmode: standard",
            "line 2, column 1: this is not YAML: expected a single document",
        ),
        ("mode: 'standard", "line 1, column 16: this is not YAML: while scanning a quoted scalar"),
        ("\tmode: standard", "line 1, column 1: this is not YAML: while scanning for the next token"),
        ("mode: \x01", "is not YAML: unacceptable character #x0001"),
        ("[" * 1000, "is nested too deeply."),
        ("- a", "line 1: The file must be keys with values."),
        ("&a [*a]", "must be keys with values"),
        ("ports: &a [*a]", "'ports' cannot be a list"),
    ],
    ids=lambda text: text[:50],
)
def test_a_fault_is_one_sentence_with_its_line(
    config: Callable[[str], Path], content: str, sentence: str
) -> None:
    file = config(content)
    with pytest.raises(SettingsProblem) as problem:
        resolved(file)
    assert sentence in str(problem.value)
    assert str(file) in str(problem.value)
    assert str(problem.value).isprintable()


@pytest.mark.parametrize(
    ("content", "key", "value"),
    [
        # A group whose keys are all commented out is no fault.
        ("discovery:\n  # connect_timeout_s: 1", "discovery.connect_timeout_s", 0.4),
        ("ports: [050052]", "ports", (50052,)),
        ("ports: ['50052']", "ports", (50052,)),
        ("ports: []", "ports", ()),
        ("model: yes", "model", "yes"),
        ("model: modèle", "model", "modèle"),
        ("model: 2024-01-01", "model", "2024-01-01"),
        ("model: !!timestamp x", "model", "x"),
        ("model: !!bool x", "model", "x"),
        ("model: ~", "model", None),
        ("distributed_inference: yes", "distributed_inference", True),
        ("distributed_inference: Off", "distributed_inference", False),
        (
            "coordinator: {extra_arguments: [-fa, on, -ngl, 99, '']}",
            "coordinator.extra_arguments",
            ("-fa", "on", "-ngl", "99", ""),
        ),
        ("coordinator: {context: null}", "coordinator.context", None),
        ("coordinator: {stop_grace_s: 3}", "coordinator.stop_grace_s", 3.0),
        ("coordinator: {stop_grace_s: 1e1}", "coordinator.stop_grace_s", 10.0),
        ("coordinator: {stop_grace_s: .5}", "coordinator.stop_grace_s", 0.5),
        ("routing: {pool_up_to: 1.5B}", "routing.pool_up_to", 1_500_000_000),
        ("routing: {pool_up_to: 0}", "routing.pool_up_to", 0),
        ("routing: {pins: {'llama3.1:70b': coordinator}}", "routing.pins", {"llama3.1:70b": "coordinator"}),
        ("networks: [10.0.0.7/24, Box, box:1, ' a ']", "networks", ("10.0.0.0/24", "box", "box:1", "a")),
        ("backends: [Box, 'rpc://b:1']", "backends", ("box:50052", "b:1")),
        ("nodes: [a]", "nodes", ("http://a:11434",)),
        ("chat: {system: ''}", "chat.system", ""),
        ("\ufeffmodel: a", "model", "a"),
        ("", "model", None),
        ("# nothing", "model", None),
    ],
)
def test_a_value_is_what_its_text_says(
    config: Callable[[str], Path], content: str, key: str, value: object
) -> None:
    found: object = resolved(config(content)).settings
    for name in key.split("."):
        found = getattr(found, name)
    assert (found, type(found)) == (value, type(value))


def test_the_home_folder_may_be_written_as_a_tilde(
    config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert resolved(config("models: {store: ~/m}")).settings.models.store == Path("/home/someone/m")


def test_every_fault_of_a_file_is_told_up_to_five(config: Callable[[str], Path]) -> None:
    with pytest.raises(SettingsProblem) as problem:
        resolved(config("\n".join(f"wrong{n}: 1" for n in range(7))))
    assert str(problem.value).count("is no setting") == 5
    assert "and 2 more" in str(problem.value)


def test_aliases_do_not_multiply(config: Callable[[str], Path]) -> None:
    """Sixty levels of two aliases each: constructed, they would be more entries than there are atoms."""
    levels = [f"k{n}: &k{n} [*k{n - 1}, *k{n - 1}]" for n in range(1, 60)]
    with pytest.raises(SettingsProblem, match="'k0' is no setting"):
        resolved(config("\n".join(["k0: &k0 [a, b]", *levels])))
    with pytest.raises(SettingsProblem, match="'ports' cannot be a list"):
        resolved(config("ports: &a [&b [1, 2], *b, *b]"))


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsProblem, match=r"none\.yaml cannot be read: No such file"):
        resolved(tmp_path / "none.yaml")
    with pytest.raises(SettingsProblem, match="cannot be read: Is a directory"):
        resolved(tmp_path)
    (tmp_path / "large.yaml").write_bytes(b"#" * (FILE_LIMIT + 1))
    with pytest.raises(SettingsProblem, match=r"large\.yaml cannot be read: File too large"):
        resolved(tmp_path / "large.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"model: \xe9")
    with pytest.raises(SettingsProblem, match="is not UTF-8 at byte 7"):
        resolved(tmp_path / "latin.yaml")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
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
@given(
    st.binary(max_size=200)
    | st.text(alphabet="model:ports- [{]}'\"\n!&*#~|>?,%0", max_size=60).map(str.encode)
)
def test_any_bytes_are_settings_or_one_problem(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "any.yaml"
    file.write_bytes(content)
    assert _settings_or_problem(file)


SCALARS = [
    "!!timestamp x",
    "!!bool x",
    "!!int ''",
    "!!float x",
    "!!binary x",
    "!x y",
    "~",
    "010",
    "1:2",
    "on",
    "=",
    "<<",
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([key for key, _ in leaves()]),
    st.sampled_from(SCALARS) | st.from_regex(r"[0-9a-z.:/~+-]{0,8}"),
)
def test_any_scalar_for_any_setting_is_settings_or_one_problem(
    config: Callable[[str], Path], key: str, scalar: str
) -> None:
    *groups, name = key.split(".")
    for value in (scalar, f"[{scalar}]", f"{{a: {scalar}}}"):
        assert _settings_or_problem(
            config("".join(f"{group}: {{" for group in groups) + f"{name}: {value}" + "}" * len(groups))
        )


def _settings_or_problem(file: Path) -> bool:
    try:
        return isinstance(resolved(file).settings, Settings)
    except SettingsProblem as problem:
        return str(file) in str(problem)


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters=""), max_size=12)
PATHS = st.from_regex(r"/[a-zA-Z0-9 ._-]{0,12}", fullmatch=True).map(Path)
HOSTS = st.from_regex(r"[a-z][a-z0-9]{0,9}", fullmatch=True)
PORTS = st.integers(1, 65535)
ADDRESSES = st.builds("{}:{}".format, HOSTS, PORTS)
OF_KINDS: list[tuple[object, st.SearchStrategy[object]]] = [
    (NAME, NAMES),
    (BACKEND, ADDRESSES),
    (NODE, st.builds("http://{}".format, ADDRESSES)),
    (NETWORK, HOSTS | ADDRESSES | st.ip_addresses(v=4).map("{}/32".format)),
    (PORT, PORTS),
    (COUNT, st.integers(0, 10**13)),
    (SECONDS, st.floats(SECONDS.least, SECONDS.most)),
]


def values_of(hint: object) -> st.SearchStrategy[object]:
    """Values that a setting of this type may have."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        for kind, values in OF_KINDS:
            if arguments[1] is kind:
                return values
        of = st.floats if arguments[0] is float else st.integers
        return of(arguments[1].least, arguments[1].most)
    if origin is tuple:
        return st.lists(values_of(arguments[0]), max_size=3, unique=True).map(tuple)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is Mapping:
        return st.dictionaries(NAMES, values_of(arguments[1]), max_size=3)
    if type(None) in arguments:
        return st.none() | values_of(arguments[0])
    return {str: TEXTS, bool: st.booleans(), Path: PATHS}[hint]  # type: ignore[index]


def in_order(values: dict[str, Any]) -> bool:
    least = values.get("routing.pool_up_to", 13 * 10**9)
    return bool(least <= values.get("routing.pool_preferred_up_to", 70 * 10**9))


def written(value: object) -> object:
    """A value as a YAML file may hold it."""
    if isinstance(value, tuple):
        return [written(item) for item in value]
    return str(value) if isinstance(value, Path) else value


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.fixed_dictionaries({}, optional={key: values_of(hint) for key, hint in leaves()}).filter(in_order))
def test_every_tree_of_settings_that_is_written_reads_back(
    config: Callable[[str], Path], values: dict[str, object]
) -> None:
    tree: dict[str, Any] = {}
    for key, value in values.items():
        *groups, name = key.split(".")
        branch = tree
        for group in groups:
            branch = branch.setdefault(group, {})
        branch[name] = written(value)
    assert read_file(config(yaml.safe_dump(tree))) == values
