"""Taking over the settings of SynapticLlamas: read once, at the first start, and never changed.

Its main.py writes `~/.synapticllamas.json`, its node_registry.py `~/.synapticllamas_nodes.json`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

from app.config.disk import read_small
from app.config.kinds import BACKEND, NAME, NODE
from app.config.settings import Mode
from app.config.state import SavedBackend, State, StateDamaged, StateFile
from app.text.address import DEFAULT_RPC_PORT
from app.text.problem import Problem
from app.text.units import plural

SETTINGS_NAME = ".synapticllamas.json"
NODES_NAME = ".synapticllamas_nodes.json"

_SHOWN = 80

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LegacyImport:
    """What was taken over, and what is to be said about it."""

    state: State
    """Its `imported_from` names the file; None where nothing was taken over."""
    sentences: tuple[str, ...]


def import_once(state_file: StateFile, home: Path) -> tuple[str, ...]:
    """Take the files of SynapticLlamas over, if there are any and the state is still empty.

    Returns what to tell the person: that, or that the state was damaged. Blocks on the disk.

    Raises:
        StateProblem: the state cannot be read.
    """
    said: tuple[str, ...] = ()
    try:
        state = state_file.read()
    except StateDamaged as damaged:
        # It is empty now, so the program can go on.
        state, said = State(), (str(damaged),)
    if state != State():
        return ()
    found = read_legacy(home / SETTINGS_NAME, home / NODES_NAME)
    if found.state.imported_from is not None:
        try:
            state_file.update(lambda now: found.state if now == State() else now)
        except Problem as problem:
            return (*said, f"The settings of SynapticLlamas were not taken over: {problem}")
    return (*said, *found.sentences)


def read_legacy(settings_file: Path, nodes_file: Path) -> LegacyImport:
    """What the two files say, in our own terms; what cannot be used is said, and left out.

    Where the settings make no sense nothing is taken over, so that it can be once they are mended.
    """
    said: list[str] = []
    settings, nodes = _read_object(settings_file, said), _read_object(nodes_file, said)
    taken_from = [str(file) for file, content in ((settings_file, settings), (nodes_file, nodes)) if content]
    if settings is None or not taken_from:
        return LegacyImport(State(), tuple(said))
    # The older name goes first, as it did there.
    spread = settings.get("distributed_inference_enabled", settings.get("model_sharding_enabled"))
    state = State(
        mode=_usable(settings.get("mode"), _mode, "mode", said),
        distributed_inference=_usable(spread, _switch, "switch for distributed inference", said),
        model=_usable(settings.get("model"), _name, "model", said),
        backends=tuple(map(SavedBackend, _usable_of(settings, "rpc_backends", _backend, said))),
        nodes=_usable_of(nodes or {}, "nodes", _node, said),
        imported_from=taken_from[0],
    )
    backends, urls = plural(len(state.backends), "backend"), plural(len(state.nodes), "node")
    taken = f"{backends}, {urls}, model {state.model or 'none'}"
    said.insert(0, f"Took over from {' and '.join(taken_from)}: {taken}. Nothing there was changed.")
    return LegacyImport(state, tuple(said))


def _read_object(file: Path, said: list[str]) -> dict[str, Any] | None:
    """The object in a file: empty where there is no file, None where it makes no sense."""
    try:
        content = json.loads(read_small(file))
    except FileNotFoundError:
        return {}
    except OSError as error:
        said.append(f"{file} cannot be read: {error.strerror}. Nothing was taken over from it.")
    except (ValueError, RecursionError):
        said.append(f"{file} is not JSON. Nothing was taken over from it.")
    else:
        if isinstance(content, dict):
            return content
        said.append(f"{file} holds no settings. Nothing was taken over from it.")
    return None


def _usable_of(
    content: dict[str, Any], key: str, read: Callable[[Any], str], said: list[str]
) -> tuple[str, ...]:
    entries = content.get(key)
    if not isinstance(entries, list):
        entries = [] if entries is None else [entries]
    found = (_usable(entry, read, f"entry of {key}", said) for entry in entries)
    return tuple(dict.fromkeys(entry for entry in found if entry is not None))


def _usable(value: object, read: Callable[[Any], T], noun: str, said: list[str]) -> T | None:
    try:
        return None if value is None else read(value)
    except (Problem, ValueError, TypeError, LookupError):
        said.append(f"Its {noun} {json.dumps(value)[:_SHOWN]} cannot be used here and was left out.")
        return None


def _mode(value: Any) -> Mode:  # noqa: ANN401  whatever the file holds
    found: Mode = get_args(Mode)[get_args(Mode).index(value)]
    return found


def _switch(value: Any) -> bool:  # noqa: ANN401
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def _name(value: Any) -> str:  # noqa: ANN401
    if not isinstance(value, str):
        raise TypeError(value)
    return str(NAME.read(value))


def _backend(entry: Any) -> str:  # noqa: ANN401
    """`HOST:PORT`, or an object with `host` and `port`; what else is in it has no equivalent."""
    if isinstance(entry, dict):
        entry = f"{_name(entry['host'])}:{entry.get('port', DEFAULT_RPC_PORT)}"
    return str(BACKEND.read(_name(entry)))


def _node(entry: Any) -> str:  # noqa: ANN401
    """A URL, or an object with `url`; its name and priority have no equivalent."""
    return str(NODE.read(_name(entry["url"] if isinstance(entry, dict) else entry)))
