"""What a shell completes names with: read from this box's files, so that nothing is started or asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from app.config import folders
from app.config.origins import Overrides, Resolved, resolve
from app.config.state import StateFile
from app.gguf.split import model_name, parts_of
from app.ollama.store import candidate_stores, read_store
from app.text.problem import Problem


def backend_names(context: click.Context) -> Iterable[str]:
    """The backends of state, configuration and environment."""
    return (str(address) for address, _ in _resolved(context).backends)


def node_names(context: click.Context) -> Iterable[str]:
    """The nodes of state, configuration and environment."""
    return (url for url, _ in _resolved(context).nodes)


def model_names(context: click.Context) -> Iterable[str]:
    """The models on the disk of this box."""
    settings = _resolved(context).settings.models
    for store in candidate_stores(settings.store, environment=os.environ, home=Path.home()):
        if store.problem is None:
            yield from (model.name.display for model in read_store(store.path).models)
    for folder in settings.folders:
        yield from (model_name(file) for file in folder.rglob("*.gguf") if parts_of(file)[0] == file)


def completed(
    names: Callable[[click.Context], Iterable[str]], context: click.Context, begun: str
) -> list[CompletionItem]:
    """Those of `names` that go on as begun; none where they cannot be read: a shell has no place for why."""
    try:
        return [CompletionItem(name) for name in dict.fromkeys(names(context)) if name.startswith(begun)]
    except (Problem, OSError):
        return []


def _resolved(context: click.Context) -> Resolved:
    named = [each.params["config"] for each in _upwards(context) if each.params.get("config")]
    return resolve(
        command_line=Overrides(),
        environment=os.environ,
        state=StateFile(folders.state_folder() / "state.yaml").peek(),
        config=named[0] if named else None,
    )


def _upwards(context: click.Context) -> Iterable[click.Context]:
    current: click.Context | None = context
    while current is not None:
        yield current
        current = current.parent
