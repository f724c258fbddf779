"""Ollama's store on disk: manifests that name blobs. Read only; nothing is ever made or changed in it.

Source of the layout: ollama/manifest/paths.go, manifest.go, server/images.go (`GetModel`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.ollama.access import closed_folder, opening_remedy, user_name
from app.ollama.documents import NoSuchDocument, decode
from app.ollama.manifest import MANIFEST_LIMIT, BlobProblem, Blobs, Config, Manifest
from app.ollama.names import ModelName, NameProblem, name_of_parts
from app.ollama.pulls import Pull, read_pulls
from app.text.problem import Problem

SYSTEM_STORES = (
    ("service", Path("/usr/share/ollama/.ollama/models")),
    ("package", Path("/var/lib/ollama/models")),
    ("package", Path("/var/lib/ollama/.ollama/models")),
    ("package", Path("/var/lib/ollama")),
)
"""Where the Linux installer's service, and the packages of distributions, keep their stores."""

_MANIFESTS, _BLOBS = "manifests", "blobs"
_LEVELS = 3
"""Folders between `manifests` and a manifest: host, namespace, model."""


class StoreProblem(Problem):
    """A store, or something in one, that cannot be read."""


@dataclass(frozen=True, slots=True)
class StoreFolder:
    """One place where a store is, or should be."""

    path: Path
    origin: str
    """Why it is looked at: `settings`, `OLLAMA_MODELS`, `home`, `service`, `package`."""
    problem: StoreProblem | None = None
    """It cannot be read, or was named and is not there."""


@dataclass(frozen=True, slots=True)
class StoreModel:
    """One model of a store."""

    name: ModelName
    manifest: Path
    digest: str
    """sha256 of the manifest, as nodes tell it."""
    size: int
    """Bytes of all its blobs, as nodes tell it."""
    parameter_size: str | None = None
    """In words, such as `8.0B`."""
    quantization: str | None = None
    gguf: Path | None = None
    """The weights; None where there are none that llama.cpp could load."""
    projector: Path | None = None
    adapters: tuple[Path, ...] = ()
    draft: Path | None = None
    has_template: bool = False
    """Whether it has a prompt template for Ollama, which is of no use to llama.cpp."""
    system: str | None = None
    """The model's own system prompt."""
    parameters: Mapping[str, object] = field(default_factory=dict)
    """The model's own options, such as `stop` and `temperature`."""
    problem: str | None = None
    """Why llama.cpp cannot load it from here, in one sentence; None where nothing speaks against it."""


@dataclass(frozen=True, slots=True)
class StoreContents:
    """Everything that a store holds."""

    models: tuple[StoreModel, ...]
    pulls: tuple[Pull, ...]
    """Downloads under way, or broken off."""
    problems: tuple[StoreProblem, ...]
    """What could not be read; it hides nothing else."""


def candidate_stores(
    named: Path | None,
    *,
    environment: Mapping[str, str],
    home: Path,
    system: Sequence[tuple[str, Path]] = SYSTEM_STORES,
) -> list[StoreFolder]:
    """The stores of this box: the named one alone, or else every usual one that is there or cannot be seen.

    Blocks on the disk.
    """
    if named is not None:
        return [_expected(named, "settings")]
    variable = environment.get("OLLAMA_MODELS", "").strip().strip("\"'")
    stores = [_expected(Path(variable), "OLLAMA_MODELS")] if variable else []
    for origin, path in (("home", home / ".ollama" / "models"), *system):
        problem = _closed(path)
        if problem is not None or (path / _MANIFESTS).is_dir():
            stores.append(StoreFolder(path, origin, problem))
    unique: dict[str, StoreFolder] = {}
    for store in stores:
        unique.setdefault(os.path.realpath(store.path), store)
    return list(unique.values())


def read_store(folder: Path) -> StoreContents:
    """Every model and every download of a store; blocks on the disk."""
    problems: list[StoreProblem] = []
    models = []
    for path in _manifests(folder / _MANIFESTS, problems):
        try:
            models.append(_read_model(path, Blobs(folder / _BLOBS)))
        except (OSError, NoSuchDocument, NameProblem) as error:
            problems.append(_unreadable(path, error))
    try:
        pulls = read_pulls(folder / _BLOBS)
    except OSError as error:
        problems.append(_unreadable(folder / _BLOBS, error))
        pulls = ()
    return StoreContents(tuple(models), pulls, tuple(problems))


def find_in_store(contents: StoreContents, name: ModelName) -> StoreModel | None:
    """The model of that name: in the same case, or else in any, as Ollama looks for it.

    Raises:
        StoreProblem: several differ from it in case only.
    """
    found = [model for model in contents.models if model.name.key == name.key]
    exact = [model for model in found if model.name == name]
    if len(found) > 1 and not exact:
        names = " and ".join(f"'{model.name}'" for model in found)
        raise StoreProblem(f"'{name}' can be {names}.", "Write it as one of them, in the same case.")
    return next(iter((*exact, *found)), None)


def _expected(path: Path, origin: str) -> StoreFolder:
    """A store that somebody named, so it is a problem if it is not there."""
    problem = _closed(path)
    if problem is None and not path.is_dir():
        problem = StoreProblem(
            f"The folder {path}, named by {origin}, does not exist.",
            "Name the folder that holds Ollama's 'blobs' and 'manifests'.",
        )
    elif problem is None and not (path / _MANIFESTS).is_dir():
        problem = StoreProblem(
            f"The folder {path}, named by {origin}, is no store of Ollama: it has no folder 'manifests'.",
            "Name the folder that holds Ollama's 'blobs' and 'manifests'.",
        )
    return StoreFolder(path, origin, problem)


def _closed(path: Path) -> StoreProblem | None:
    for part in (path / _MANIFESTS, path / _BLOBS):
        closed = closed_folder(part)
        if closed is not None:
            return StoreProblem(
                f"The store {path} cannot be read, because {user_name()} may not enter {closed}.",
                opening_remedy(closed, part),
            )
    return None


def _unreadable(path: Path, error: Exception) -> StoreProblem:
    if isinstance(error, OSError):
        return StoreProblem(f"{path} cannot be read: {error.strerror}.", "Check its permissions.")
    why = error.sentence if isinstance(error, Problem) else f"{error}."
    return StoreProblem(
        f"{path} cannot be read: {why}", "Pull that model again; the others are not affected."
    )


def _manifests(folder: Path, problems: list[StoreProblem], level: int = 0) -> Iterator[Path]:
    """Every manifest below; a folder that cannot be read is added to `problems`."""
    try:
        entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except NotADirectoryError:
        return
    except OSError as error:
        problems.append(_unreadable(folder, error))
        return
    for entry in entries:
        if level < _LEVELS:
            yield from _manifests(entry, problems, level + 1)
        elif not os.path.isdir(entry):
            yield entry


def _read_model(path: Path, blobs: Blobs) -> StoreModel:
    name = name_of_parts(*path.parts[-4:])
    content = _manifest_bytes(path)
    manifest = decode(content, Manifest)
    model = StoreModel(name, path, hashlib.sha256(content).hexdigest(), manifest.size)
    try:
        config = blobs.document(manifest.config, Config) if manifest.config else Config()
        model = replace(
            model,
            parameter_size=config.model_type or None,
            quantization=config.file_type or None,
            problem=_refusal(config, manifest),
        )
        return model if model.problem else _with_blobs(model, manifest, blobs)
    except BlobProblem as problem:
        return replace(model, problem=str(problem))


def _manifest_bytes(path: Path) -> bytes:
    if not path.is_file():
        raise NoSuchDocument("it is not a file")
    with path.open("rb") as file:
        content = file.read(MANIFEST_LIMIT + 1)
    if len(content) > MANIFEST_LIMIT:
        raise NoSuchDocument("it is larger than any manifest")
    return content


def _refusal(config: Config, manifest: Manifest) -> str | None:
    """Why llama.cpp cannot load the model at all, whatever its blobs are like."""
    if config.remote_host or config.remote_model:
        where = config.remote_host.partition("://")[2].removesuffix(":443") or config.remote_host
        return f"It runs on {where or 'another server'}, and its weights are not on this box."
    if config.model_format == "safetensors" or manifest.of_kind("tensor"):
        return "It is an MLX model in safetensors, which llama.cpp cannot load."
    if config.model_format not in ("", "gguf"):
        return f"It is in the format {config.model_format!r}, which llama.cpp cannot load."
    if "image" in (config.capabilities or ()):
        return "It generates images and cannot answer."
    weights = len(manifest.of_kind("model"))
    if weights > 1:
        return f"Its weights are in {weights} blobs, and llama.cpp needs them in one."
    return None if weights else "Its manifest names no weights."


def _with_blobs(model: StoreModel, manifest: Manifest, blobs: Blobs) -> StoreModel:
    def files(kind: str) -> tuple[Path, ...]:
        return tuple(blobs.gguf(layer) for layer in manifest.of_kind(kind))

    system, parameters = manifest.of_kind("system"), manifest.of_kind("params")
    projectors, drafts = files("projector"), files("draft")
    return replace(
        model,
        gguf=files("model")[0],
        projector=projectors[-1] if projectors else None,
        adapters=files("adapter"),
        draft=drafts[-1] if drafts else None,
        has_template=bool(manifest.of_kind("template", "prompt")),
        system=blobs.text(system[-1]) if system else None,
        parameters=blobs.document(parameters[-1], dict[str, object]) if parameters else {},
    )
