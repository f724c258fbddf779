"""Taking over the settings of SynapticLlamas: read once, at the first start, and never changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from app.config.state import SavedBackend, State, StateFile
from app.text.address import DEFAULT_RPC_PORT, AddressProblem, parse_address, parse_node_url
from app.text.units import plural

SETTINGS_NAME = ".synapticllamas.json"
NODES_NAME = ".synapticllamas_nodes.json"
FILE_LIMIT = 1 << 20

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LegacyImport:
    """What was taken over, and what is to be said about it."""

    state: State
    sentences: tuple[str, ...]


def import_once(state_file: StateFile, home: Path) -> tuple[str, ...]:
    """Take the files of SynapticLlamas over, if there are any and nothing was taken over before.

    Returns what to tell the person. Blocks on the disk.
    """
    state = state_file.read()
    file = home / SETTINGS_NAME
    if state != State() or not file.exists():
        return ()
    imported = read_legacy(file, home / NODES_NAME)
    if imported.state == State():
        return imported.sentences
    state_file.update(lambda _: replace(imported.state, imported_from=str(file)))
    return imported.sentences


def read_legacy(settings_file: Path, nodes_file: Path) -> LegacyImport:
    """What the two files say, in our own terms; what cannot be used is said, and left out."""
    said: list[str] = []
    settings = _read_object(settings_file, said)
    if settings is None:
        return LegacyImport(State(), tuple(said))
    nodes = _read_object(nodes_file, said) if nodes_file.exists() else None
    backends = _usable(settings.get("rpc_backends"), _backend, "RPC backend", said)
    urls = _usable((nodes or {}).get("nodes"), _node, "node", said)
    spread = settings.get("distributed_inference_enabled", settings.get("model_sharding_enabled"))
    mode, model = settings.get("mode"), settings.get("model")
    if mode not in ("standard", "distributed", None):
        said.append(f"Its mode '{mode}' has no equivalent here; the mode is standard.")
    state = State(
        mode="distributed" if spread is True or mode == "distributed" else "standard" if mode else None,
        distributed_inference=spread if isinstance(spread, bool) else None,
        model=model if isinstance(model, str) and model else None,
        backends=tuple(SavedBackend(address) for address in backends),
        nodes=tuple(urls),
    )
    summary = f"{plural(len(backends), 'backend')}, {plural(len(urls), 'node')}, model {model or 'none'}"
    said.insert(0, f"Took over from {settings_file}: {summary}. The file itself is unchanged.")
    return LegacyImport(state, tuple(said))


def _read_object(file: Path, said: list[str]) -> dict[str, Any] | None:
    try:
        with file.open("rb") as opened:
            content = json.loads(opened.read(FILE_LIMIT))
    except OSError as error:
        said.append(f"{file} cannot be read: {error.strerror}. Nothing was taken over from it.")
    except (ValueError, RecursionError):
        said.append(f"{file} is not JSON. Nothing was taken over from it.")
    else:
        if isinstance(content, dict):
            return content
        said.append(f"{file} holds no settings. Nothing was taken over from it.")
    return None


def _usable(entries: object, read: Callable[[Any], T], noun: str, said: list[str]) -> list[T]:
    usable: dict[T, None] = {}
    for entry in entries if isinstance(entries, list) else ():
        try:
            usable[read(entry)] = None
        except (AddressProblem, KeyError, TypeError, AttributeError):
            said.append(f"Its {noun} {json.dumps(entry)[:80]} is no address and was left out.")
    return list(usable)


def _backend(entry: Any) -> str:  # noqa: ANN401  whatever the file holds
    if isinstance(entry, str):
        return str(parse_address(entry))
    return str(parse_address(f"{entry['host']}:{entry.get('port', DEFAULT_RPC_PORT)}"))


def _node(entry: Any) -> str:  # noqa: ANN401  whatever the file holds
    return parse_node_url(entry if isinstance(entry, str) else entry["url"])
