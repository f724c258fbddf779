"""Which value counts, and where it comes from: command line, environment, state, config file, default."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from app.config.folders import config_file
from app.config.reading import SettingsProblem, leaves, read_file
from app.config.settings import Settings
from app.config.state import State
from app.text.address import Address, AddressProblem, parse_address, parse_node_url

T = TypeVar("T")


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


@dataclass(frozen=True, slots=True)
class Resolved:
    """The settings that count, and the origin of each."""

    settings: Settings
    origins: Mapping[str, Origin]
    """By dotted key."""
    backends: tuple[tuple[Address, Origin], ...]
    """Those of all origins together, each with the first that names it."""
    nodes: tuple[tuple[str, Origin], ...]
    config_file: Path | None = field(default=None)

    def values(self) -> Iterator[tuple[str, object, Origin]]:
        """Every setting: its dotted key, its value in words, its origin."""
        for key, _ in leaves():
            value: Any = self.settings
            for name in key.split("."):
                value = getattr(value, name)
            shown = ", ".join(map(str, value)) if isinstance(value, tuple) else value
            yield key, shown, self.origins[key]


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
    settings = _build(Settings, values)
    _check(settings, file)
    return Resolved(
        settings,
        origins,
        _united("backends", layers, parse_address, ()),
        _united("nodes", layers, parse_node_url, Settings().nodes),
        file,
    )


def _config_file(named: Path | None, environment: Mapping[str, str]) -> Path | None:
    if named is None and environment.get("SYNAPTIC_CONFIG"):
        named = Path(environment["SYNAPTIC_CONFIG"]).expanduser()
    if named is not None:
        return named
    usual = config_file()
    return usual if usual.exists() else None


def _of_command_line(said: Overrides) -> dict[str, object]:
    spread = said.distributed_inference or bool(said.rpc_backends)
    values: dict[str, object] = {}
    if spread or said.distributed:
        values["mode"] = "distributed"
    if spread:
        values["distributed_inference"] = True
    if said.rpc_backends:
        values["backends"] = said.rpc_backends
    if said.nodes:
        values["nodes"] = said.nodes
    if said.model:
        values["model"] = said.model
    return values


def _of_environment(environment: Mapping[str, str]) -> dict[str, object]:
    """LLAMA_RPC_BACKENDS names backends but switches nothing on; the rest means what Ollama means by it."""
    values: dict[str, object] = {}
    if words := re.split(r"[\s,]+", environment.get("LLAMA_RPC_BACKENDS", "").strip(" ,")):
        backends = tuple(_variable("LLAMA_RPC_BACKENDS", parse_address, word) for word in words if word)
        if backends:
            values["backends"] = backends
    if host := environment.get("OLLAMA_HOST", "").strip():
        values["nodes"] = (_variable("OLLAMA_HOST", parse_node_url, host),)
    for variable, key in {
        "OLLAMA_MODELS": "models.store",
        "SYNAPTIC_LLAMA_SERVER": "engine.server",
        "SYNAPTIC_RPC_SERVER": "engine.rpc_server",
    }.items():
        if path := environment.get(variable, "").strip().strip("\"'"):
            values[key] = Path(path).expanduser()
    return values


def _variable(name: str, parse: Callable[[str], object], word: str) -> str:
    try:
        return str(parse(word))
    except AddressProblem as problem:
        raise SettingsProblem(f"In the environment variable {name}: {problem}") from None


def _of_state(state: State) -> dict[str, object]:
    values = {
        "mode": state.mode,
        "distributed_inference": state.distributed_inference,
        "model": state.model,
        "backends": tuple(backend.address for backend in state.backends) or None,
        "nodes": state.nodes or None,
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


def _check(settings: Settings, file: Path | None) -> None:
    routing = settings.routing
    if routing.pool_up_to > routing.pool_preferred_up_to:
        raise SettingsProblem(
            f"{file}: 'routing.pool_up_to' is larger than 'routing.pool_preferred_up_to'.",
            "Make it the smaller of the two.",
        )


def _united(
    key: str,
    layers: Mapping[Origin, Mapping[str, object]],
    parse: Callable[[str], T],
    default: tuple[str, ...],
) -> tuple[tuple[T, Origin], ...]:
    """The entries of every origin, each once, with the first origin that names it."""
    found: dict[T, Origin] = {}
    for origin, layer in layers.items():
        words = layer.get(key, ())
        assert isinstance(words, tuple)
        for word in words:
            found.setdefault(parse(word), origin)
    if not any(key in layer for origin, layer in layers.items() if origin is not Origin.STATE):
        found |= {parse(word): Origin.DEFAULT for word in default}
    return tuple(found.items())
