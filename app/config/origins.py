"""Which value counts, and where it comes from: command line, environment, state, config file, default."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, get_type_hints

from app.config.folders import config_file
from app.config.kinds import BACKEND, NODE, Kind
from app.config.levels import LogLevel
from app.config.reading import SettingsProblem, leaves, read_file
from app.config.settings import Settings
from app.config.state import Layout, State
from app.text.address import Address, AddressProblem, parse_address

_VARIABLES_WITH_PATHS = {
    "OLLAMA_MODELS": "models.store",
    "SYNAPTIC_LLAMA_SERVER": "engine.server",
    "SYNAPTIC_RPC_SERVER": "engine.rpc_server",
}


class Origin(StrEnum):
    """Where a value comes from; the first one that has it counts."""

    COMMAND_LINE = "command line"
    ENVIRONMENT = "environment"
    STATE = "state"
    CONFIG = "config file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says."""

    distributed: bool = False
    distributed_inference: bool = False
    rpc_backends: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    model: str | None = None
    log_level: LogLevel | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """What was asked for the settings, beside the state; they can be asked again."""

    command_line: Overrides
    environment: Mapping[str, str]
    config: Path | None
    """The file that a person has named."""

    @property
    def file(self) -> Path:
        """The configuration file, be it there or not."""
        return _config_file(self.config, self.environment) or config_file()


@dataclass(frozen=True, slots=True)
class Resolved:
    """The settings that count, and the origin of each."""

    settings: Settings
    """`backends` and `nodes` are those of all origins together."""
    origins: Mapping[str, Origin]
    """By dotted key; for the two lists the first origin that adds to them."""
    backends: tuple[tuple[Address, Origin], ...]
    """Each with the first origin that names it."""
    nodes: tuple[tuple[str, Origin], ...]
    """Each with the first origin that names it."""
    config_file: Path | None = None
    """The file that was read; None where there is none."""
    layout: Layout = field(default_factory=Layout)
    """How the panes were left."""
    welcome_skipped: bool = False
    """A person wants the welcome page no more."""
    sources: Sources = field(kw_only=True, compare=False, repr=False)

    def values(self) -> Iterator[tuple[str, object, str]]:
        """Every setting: its dotted key, its value in words, its origin or origins."""
        lists = {"backends": self.backends, "nodes": self.nodes}
        for key, _ in leaves():
            value: Any = self.settings
            for name in key.split("."):
                value = getattr(value, name)
            shown = ", ".join(map(str, value)) if isinstance(value, tuple) else value
            named_by = dict.fromkeys(origin for _, origin in lists.get(key, ()))
            yield key, shown, ", ".join(named_by) or str(self.origins[key])


def resolve(
    *,
    command_line: Overrides,
    environment: Mapping[str, str],
    state: State,
    config: Path | None = None,
) -> Resolved:
    """Bring all origins together. `config` is a file that a person has named; it must exist.

    Raises:
        SettingsProblem: the configuration file or a variable of the environment cannot be used.
        AddressProblem: the command line names a backend or node that is none.
    """
    file = _config_file(config, environment)
    layers = {
        Origin.COMMAND_LINE: _of_command_line(command_line),
        Origin.ENVIRONMENT: _of_environment(environment),
        Origin.STATE: _of_state(state),
        Origin.CONFIG: read_file(file) if file else {},
    }
    values: dict[str, object] = {}
    origins = dict.fromkeys((key for key, _ in leaves()), Origin.DEFAULT)
    for origin, layer in reversed(layers.items()):
        values |= layer
        origins |= dict.fromkeys(layer, origin)
    if values.get("distributed_inference") is True and values.get("mode") != "distributed":
        values["mode"] = "distributed"
        origins["mode"] = origins["distributed_inference"]
    backends, nodes = _united("backends", layers), _nodes(layers)
    values |= {"backends": tuple(backends), "nodes": tuple(nodes)}
    return Resolved(
        settings=_build(Settings, values),
        origins=origins,
        backends=tuple((parse_address(word), origin) for word, origin in backends.items()),
        nodes=tuple(nodes.items()),
        config_file=file,
        layout=state.layout or Layout(),
        welcome_skipped=state.welcome_skipped,
        sources=Sources(command_line, environment, config),
    )


def _config_file(named: Path | None, environment: Mapping[str, str]) -> Path | None:
    if named is not None:
        return named
    if variable := environment.get("SYNAPTIC_CONFIG"):
        return _path(variable)
    usual = config_file()
    try:
        usual.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        # It may be there and cannot be reached: whoever reads it says so.
        return usual
    return usual


def _of_command_line(said: Overrides) -> dict[str, object]:
    spread = said.distributed_inference or bool(said.rpc_backends)
    values: dict[str, object] = {}
    if spread or said.distributed:
        values["mode"] = "distributed"
    if spread:
        values["distributed_inference"] = True
    if said.rpc_backends:
        values["backends"] = tuple(BACKEND.read(word) for word in said.rpc_backends)
    if said.nodes:
        values["nodes"] = tuple(NODE.read(word) for word in said.nodes)
    if said.model:
        values["model"] = said.model
    if said.log_level:
        values["console.log_level"] = said.log_level
    return values


def _of_environment(environment: Mapping[str, str]) -> dict[str, object]:
    """What the environment says.

    LLAMA_RPC_BACKENDS adds backends and switches nothing on: other programs read it too, so that it is set
    is no wish to spread models. The variables of Ollama mean what Ollama means by them.
    """
    values: dict[str, object] = {}
    if words := re.findall(r"[^\s,]+", environment.get("LLAMA_RPC_BACKENDS", "")):
        values["backends"] = tuple(_variable("LLAMA_RPC_BACKENDS", BACKEND, word) for word in words)
    if host := environment.get("OLLAMA_HOST", "").strip():
        values["nodes"] = (_variable("OLLAMA_HOST", NODE, host),)
    for variable, key in _VARIABLES_WITH_PATHS.items():
        if text := environment.get(variable, "").strip().strip("\"'"):
            values[key] = _path(text)
    return values


def _path(text: str) -> Path:
    """A path of the environment: from where the program runs, as every program reads its own."""
    return Path(os.path.abspath(os.path.expanduser(text)))


def _variable(name: str, kind: Kind, word: str) -> object:
    try:
        return kind.read(word)
    except AddressProblem as problem:
        raise SettingsProblem(f"In the environment variable {name}: {problem}") from None


def _of_state(state: State) -> dict[str, object]:
    values = {
        "mode": state.mode,
        "distributed_inference": state.distributed_inference,
        "model": state.model,
        "console.theme": state.theme,
        "backends": tuple(BACKEND.read(backend.address) for backend in state.backends) or None,
        "nodes": tuple(NODE.read(url) for url in state.nodes) or None,
    }
    return {key: value for key, value in values.items() if value is not None}


def _build(group: type[Any], values: Mapping[str, object], prefix: str = "") -> Any:  # noqa: ANN401  the group
    chosen: dict[str, object] = {}
    for name, kind in get_type_hints(group).items():
        if isinstance(kind, type) and is_dataclass(kind):
            chosen[name] = _build(kind, values, f"{prefix}{name}.")
        elif f"{prefix}{name}" in values:
            chosen[name] = values[f"{prefix}{name}"]
    return group(**chosen)


def _nodes(layers: Mapping[Origin, Mapping[str, object]]) -> dict[str, Origin]:
    """The nodes of every origin, and the one of this box where only the state or nothing names any.

    A node that was added in the console joins it; one that a person has written down replaces it.
    """
    found = _united("nodes", layers)
    if not any("nodes" in layer for origin, layer in layers.items() if origin is not Origin.STATE):
        for url in Settings().nodes:
            found.setdefault(url, Origin.DEFAULT)
    return found


def _united(key: str, layers: Mapping[Origin, Mapping[str, object]]) -> dict[str, Origin]:
    """The entries of every origin, each once, with the first origin that names it."""
    found: dict[str, Origin] = {}
    for origin, layer in layers.items():
        words = layer.get(key, ())
        assert isinstance(words, tuple)
        for word in words:
            found.setdefault(word, origin)
    return found
