"""Ollama's store on disk: manifests that name blobs. Read only; nothing is ever made or changed in it.

Source of the layout: ollama/manifest/paths.go, manifest.go, server/download.go.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from app.ollama.names import ModelName
from app.text.problem import Problem
from app.text.units import bytes_text

SERVICE_HOME = Path("/usr/share/ollama")
"""Home of the user `ollama` that the Linux installer makes."""
MANIFEST_LIMIT = 4 << 20
SMALL_BLOB_LIMIT = 1 << 20

_IMAGE = "application/vnd.ollama.image."
_DIGEST = re.compile(r"sha256[:-](?P<hex>[0-9a-fA-F]{64})")
_PARTIAL = re.compile(r"sha256-(?P<hex>[0-9a-f]{64})-partial(?:-\d+)?")


class StoreProblem(Problem):
    """A store, or something in one, that cannot be read."""


@dataclass(frozen=True, slots=True)
class StoreFolder:
    """One place where a store may be."""

    path: Path
    origin: str
    """Why it is looked at: `settings`, `OLLAMA_MODELS`, `home`, `service`, `package`."""
    problem: StoreProblem | None = None
    """It is there but cannot be read, or was named and is not there."""


@dataclass(frozen=True, slots=True)
class StoreModel:
    """One model of a store."""

    name: ModelName
    size: int
    """Bytes of all layers."""
    gguf: Path | None = None
    projector: Path | None = None
    adapters: tuple[Path, ...] = ()
    system: str | None = None
    """The model's own system prompt."""
    parameters: Mapping[str, object] = field(default_factory=dict)
    """The model's own options, such as `stop` and `temperature`."""
    digest: str = ""
    """sha256 of the manifest, as nodes tell it."""
    problem: str | None = None
    """Why llama.cpp cannot load it from here; None where nothing speaks against it."""


@dataclass(frozen=True, slots=True)
class Pull:
    """A download that is under way, or was broken off."""

    digest: str
    completed: int
    total: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class StoreContents:
    """Everything that a store holds."""

    models: tuple[StoreModel, ...]
    pulls: tuple[Pull, ...]
    problems: tuple[str, ...]
    """What could not be read, one sentence each; it hides nothing else."""


class _Layer(msgspec.Struct):
    digest: str
    size: int
    mediaType: str = ""  # noqa: N815  the name in the file


class _Manifest(msgspec.Struct):
    layers: list[_Layer] | None = None
    config: _Layer | None = None


class _Config(msgspec.Struct):
    model_format: str = ""
    remote_host: str = ""
    remote_model: str = ""
    capabilities: list[str] | None = None


def candidate_stores(
    named: Path | None, *, environment: Mapping[str, str], home: Path
) -> Iterator[StoreFolder]:
    """The stores of this box that exist, the named one first; a named one is alone."""
    if named is None and (variable := environment.get("OLLAMA_MODELS", "").strip().strip("\"'").strip()):
        named = Path(variable)
    if named is not None:
        yield _looked_at(named, "settings") or StoreFolder(
            named,
            "settings",
            StoreProblem(f"The store {named} does not exist.", "Check models.store and OLLAMA_MODELS."),
        )
        return
    usual = {
        "home": home / ".ollama" / "models",
        "service": SERVICE_HOME / ".ollama" / "models",
        "package": Path("/var/lib/ollama"),
        "package, models": Path("/var/lib/ollama/models"),
    }
    for origin, path in usual.items():
        if found := _looked_at(path, origin):
            yield found


def read_store(folder: Path) -> StoreContents:
    """Read every manifest. Blocks on the disk."""
    models: list[StoreModel] = []
    problems: list[str] = []
    for path in sorted((folder / "manifests").glob("*/*/*/*")):
        if path.name.startswith(".") or not path.is_file():
            continue
        try:
            models.append(_read_model(folder, path))
        except (OSError, msgspec.DecodeError) as error:
            problems.append(f"The manifest {path} cannot be read: {error}.")
    return StoreContents(tuple(models), tuple(_pulls(folder)), tuple(problems))


def _looked_at(path: Path, origin: str) -> StoreFolder | None:
    """The folder, with its problem where it is there but not readable; None where it is not there."""
    closed = next((parent for parent in reversed((path, *path.parents)) if _is_closed(parent)), None)
    if closed is not None:
        return StoreFolder(path, origin, _unreadable(path, closed))
    return StoreFolder(path, origin) if (path / "manifests").is_dir() else None


def _is_closed(folder: Path) -> bool:
    try:
        return folder.is_dir() and not os.access(
            folder, os.R_OK | os.X_OK if folder.name == "models" else os.X_OK
        )
    except PermissionError:
        return True


def _unreadable(path: Path, closed: Path) -> StoreProblem:
    user = getpass.getuser()
    return StoreProblem(
        f"The store {path} exists but cannot be read by {user}: {closed} is closed to others.",
        f"Log in again after 'sudo usermod -aG ollama {user}', or run 'sudo setfacl -m u:{user}:rx {closed}'.",
    )


def _read_model(folder: Path, path: Path) -> StoreModel:
    with path.open("rb") as file:
        content = file.read(MANIFEST_LIMIT)
    manifest = msgspec.json.decode(content, type=_Manifest)
    host, namespace, model, tag = path.parts[-4:]
    layers = manifest.layers or []
    weights = _of_kind(folder, layers, "model")
    config = _config(folder, manifest)
    size = sum(layer.size for layer in layers) + (manifest.config.size if manifest.config else 0)
    problem = _problem(config, layers, weights)
    return StoreModel(
        ModelName(host, namespace, model, tag),
        size,
        gguf=weights[-1][0] if weights and problem is None else None,
        projector=next((blob for blob, _ in _of_kind(folder, layers, "projector")), None),
        adapters=tuple(blob for blob, _ in _of_kind(folder, layers, "adapter")),
        system=_text(folder, layers, "system"),
        parameters=_parameters(_text(folder, layers, "params")),
        digest=hashlib.sha256(content).hexdigest(),
        problem=problem,
    )


def _problem(config: _Config, layers: list[_Layer], weights: list[tuple[Path, _Layer]]) -> str | None:
    if config.remote_host or config.remote_model:
        return f"It runs on {config.remote_host or 'a remote host'}; there are no weights on this box."
    if config.model_format == "safetensors" or any(x.mediaType == f"{_IMAGE}tensor" for x in layers):
        return "It is an MLX model in safetensors; llama.cpp cannot load it."
    if "image" in (config.capabilities or ()):
        return "It generates images; it cannot answer prompts."
    if not weights:
        return "Its manifest names no weights."
    if len(weights) > 1:
        return f"Its weights are in {len(weights)} blobs; llama.cpp needs them in one file."
    blob, layer = weights[0]
    if not blob.exists():
        return f"Its weights {blob.name} are missing; pull it again."
    if blob.stat().st_size != layer.size:
        return f"Its weights have {bytes_text(blob.stat().st_size)} instead of {bytes_text(layer.size)}; pull it again."
    with blob.open("rb") as file:
        if file.read(4) != b"GGUF":
            return "Its weights are not in GGUF."
    return None


def _of_kind(folder: Path, layers: list[_Layer], kind: str) -> list[tuple[Path, _Layer]]:
    return [
        (_blob(folder, x.digest), x)
        for x in layers
        if x.mediaType == f"{_IMAGE}{kind}" and _DIGEST.fullmatch(x.digest)
    ]


def _blob(folder: Path, digest: str) -> Path:
    """The file of a digest; very old stores have a colon in the name."""
    usual = folder / "blobs" / digest.replace(":", "-")
    old = folder / "blobs" / digest.replace("-", ":")
    return old if old.exists() and not usual.exists() else usual


def _config(folder: Path, manifest: _Manifest) -> _Config:
    if manifest.config is None or not _DIGEST.fullmatch(manifest.config.digest):
        return _Config()
    try:
        return msgspec.json.decode(_small(_blob(folder, manifest.config.digest)), type=_Config)
    except (OSError, msgspec.DecodeError):
        return _Config()


def _text(folder: Path, layers: list[_Layer], kind: str) -> str | None:
    found = _of_kind(folder, layers, kind)
    try:
        return _small(found[-1][0]).decode("utf-8", "replace") if found else None
    except OSError:
        return None


def _parameters(text: str | None) -> Mapping[str, object]:
    try:
        parsed: Any = msgspec.json.decode(text or "{}")
    except msgspec.DecodeError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _small(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(SMALL_BLOB_LIMIT)


def _pulls(folder: Path) -> Iterator[Pull]:
    """Downloads under way: the partial file has its full size at once, so its parts tell how far it is."""
    parts: dict[str, list[Path]] = {}
    for path in (folder / "blobs").glob("sha256-*-partial*"):
        if match := _PARTIAL.fullmatch(path.name):
            parts.setdefault(match["hex"], []).append(path)
    for digest, paths in parts.items():
        completed = total = 0
        for path in paths:
            try:
                if path.name.endswith("-partial"):
                    total = path.stat().st_size
                else:
                    completed += int(msgspec.json.decode(_small(path))["Completed"])
            except (OSError, msgspec.DecodeError, KeyError, TypeError, ValueError):
                continue
        yield Pull(digest, completed, total)
