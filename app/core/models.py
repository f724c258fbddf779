"""The catalogue: every model that can be named, and where its weights are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from app.core.events import Change
from app.core.facts import ModelFacts, ModelReader
from app.core.pool import Node
from app.core.sampling import OPTIONS
from app.gguf.split import model_name, parts_of
from app.ollama.client import NodeModel
from app.ollama.names import identity, same_model
from app.ollama.store import StoreFolder, StoreModel, candidate_stores, read_store
from app.text.problem import Problem


class Source(StrEnum):
    """Where a model's weights are."""

    STORE = "store"
    """A GGUF in Ollama's blob store on this box."""
    NODE = "node"
    """Only on Ollama nodes."""
    PATH = "path"
    """A GGUF file that a person named, or that lies in one of the model folders."""


@dataclass(frozen=True, slots=True)
class Model:
    """One model that a person can name."""

    name: str
    source: Source
    facts: ModelFacts = ModelFacts()
    path: Path | None = None
    """The GGUF that a coordinator would load; None where this box has none."""
    nodes: tuple[str, ...] = ()
    """URLs of the nodes that have it."""
    problem: str | None = None
    """Why no coordinator can load it, in one sentence; None where nothing speaks against it."""
    system: str | None = None
    """The model's own system prompt, where its store has one; Ollama's nodes add it by themselves."""
    options: Mapping[str, object] = field(default_factory=dict)
    """The model's own sampling options, by Ollama's names."""

    @property
    def on_disk(self) -> bool:
        """Whether a coordinator of this box could load it."""
        return self.path is not None and self.problem is None


@dataclass(frozen=True, slots=True)
class ModelsRead(Change):
    """The catalogue has been read anew."""

    models: tuple[Model, ...]
    problems: tuple[str, ...]


class UnknownModel(Problem):
    """A name that stands for no model."""


@dataclass(frozen=True, slots=True)
class ModelPlaces:
    """Where the catalogue looks."""

    store: Path | None
    """An Ollama store that was named; None: the usual places."""
    folders: tuple[Path, ...]
    environment: Mapping[str, str]
    home: Path

    def stores(self) -> tuple[StoreFolder, ...]:
        """The stores to read: the one that was named, or every usual one."""
        return tuple(candidate_stores(self.store, environment=self.environment, home=self.home))


class Catalogue:
    """Reads the stores and folders of this box, and joins them with what the nodes have."""

    def __init__(self, places: ModelPlaces, reader: ModelReader) -> None:
        self.places = places
        self._reader = reader
        self._local: tuple[Model, ...] = ()
        self._problems: tuple[str, ...] = ()
        self._read_once = False

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be read, one sentence each."""
        return self._problems

    @property
    def was_read(self) -> bool:
        """Whether the disk has been read at all."""
        return self._read_once

    async def read(self) -> None:
        """Read the stores and the model folders from disk again."""
        self._local, self._problems = await asyncio.to_thread(self._read)
        self._read_once = True

    def models(self, nodes: Iterable[Node]) -> tuple[Model, ...]:
        """Every model: those of this box as last read, joined with what the nodes have, by name."""
        up = [node for node in nodes if node.up]
        having = {node.url: frozenset(identity(model.name) for model in node.local) for node in up}
        joined = [_with_nodes(model, having) for model in self._local]
        named = {identity(model.name) for model in joined}
        for found in (found for node in up for found in node.local):
            if identity(found.name) not in named:
                named.add(identity(found.name))
                joined.append(_with_nodes(_of_node(found), having))
        return tuple(sorted(joined, key=lambda model: model.name.casefold()))

    async def find(self, name: str, nodes: Sequence[Node]) -> Model:
        """The model that `name` stands for: a name of the catalogue, or the path of a GGUF file.

        Raises:
            UnknownModel: nothing has that name.
        """
        if not self._read_once:
            await self.read()
        known = self.models(nodes)
        exact = [model for model in known if model.name == name]
        found = exact or [model for model in known if same_model(model.name, name)]
        if found:
            return found[0]
        if _looks_like_path(name):
            return await asyncio.to_thread(self._read_path, Path(name))
        raise UnknownModel(
            f"No model is called '{name}' in the stores and folders of this box or on a node that is up.",
            "'models' lists the names; the path of a GGUF file will do too.",
        )

    async def current(self, model: Model) -> Model:
        """The same model, with its weights looked up on disk again: a pull may have replaced the file."""
        if model.source is Source.NODE:
            return model
        if model.source is Source.PATH and model.path is not None:
            again = await asyncio.to_thread(self._read_path, model.path)
            return replace(again, name=model.name, nodes=model.nodes)
        await self.read()
        found = next((m for m in self._local if m.name == model.name), None)
        if found is None:
            raise UnknownModel(
                f"'{model.name}' is no longer in Ollama's store on this box.",
                f"Pull it again with 'ollama pull {model.name}'.",
            )
        return replace(found, nodes=model.nodes)

    def _read(self) -> tuple[tuple[Model, ...], tuple[str, ...]]:
        models: dict[str, Model] = {}
        problems: list[str] = []
        for store in self.places.stores():
            if store.problem is not None:
                problems.append(str(store.problem))
                continue
            contents = read_store(store.path)
            problems.extend(str(problem) for problem in contents.problems)
            for found in contents.models:
                models.setdefault(found.name.display, self._of_store(found))
        for folder in self.places.folders:
            try:
                files = sorted(folder.rglob("*.gguf"))
            except OSError as error:
                problems.append(f"The model folder {folder} cannot be read: {error.strerror}.")
                continue
            for file in files:
                if parts_of(file)[0] == file:
                    name = model_name(file)
                    unique = name if name not in models else str(file)
                    models[unique] = replace(self._read_path(file), name=unique)
        self._reader.save()
        return tuple(models.values()), tuple(problems)

    def _of_store(self, found: StoreModel) -> Model:
        model = Model(
            found.name.display,
            Source.STORE,
            path=found.gguf,
            problem=found.problem,
            system=found.system,
            options=_sampling(found.parameters),
        )
        if found.gguf is None:
            return replace(model, facts=ModelFacts(size=found.size))
        return self._with_facts(model, found.gguf)

    def _read_path(self, path: Path) -> Model:
        whole = path.expanduser().absolute()
        return self._with_facts(Model(str(path), Source.PATH, path=whole), whole)

    def _with_facts(self, model: Model, path: Path) -> Model:
        try:
            facts = self._reader.read(path)
        except Problem as problem:
            return replace(model, problem=model.problem or str(problem))
        return replace(model, facts=facts, problem=model.problem or facts.problem)


def _of_node(found: NodeModel) -> Model:
    facts = ModelFacts(
        architecture=found.family,
        parameters=found.parameters,
        size=found.size,
        quantization=found.quantization,
        context=found.context_length,
    )
    return Model(found.name, Source.NODE, facts)


def _with_nodes(model: Model, having: Mapping[str, frozenset[tuple[str, ...]]]) -> Model:
    """The model with the nodes that have it; `having` is what each has, by its URL."""
    name = identity(model.name)
    return replace(model, nodes=tuple(url for url, names in having.items() if name in names))


def _looks_like_path(name: str) -> bool:
    return name.endswith(".gguf") or name.startswith(("/", "./", "../", "~"))


def _sampling(parameters: Mapping[str, object]) -> dict[str, object]:
    """Ollama's options that llama-server takes with a prompt; all others are for loading, or Ollama's own."""
    return {name: value for name, value in parameters.items() if name in OPTIONS}
