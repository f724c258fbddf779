"""Puts a GGUF into a store in Ollama's layout, the way Ollama itself does."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from app.ollama.names import ModelName

_MEDIA = "application/vnd.ollama.image."
_READ = 1 << 20


def add_to_store(
    folder: Path, name: ModelName, gguf: Path, *, layers: Mapping[str, bytes] | None = None
) -> Path:
    """Add the model; returns its blob. Blocks on the disk.

    `layers` holds further layers by the end of their media type, such as `system` or `params`.
    """
    digest = _digest(gguf)
    blob = _blob(folder, digest)
    blob.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(gguf, blob)
    manifest_layers = [_layer("model", digest, blob.stat().st_size)]
    for kind, content in (layers or {}).items():
        manifest_layers.append(_add_blob(folder, kind, content))
    config = _add_blob(
        folder,
        "config",
        json.dumps({"model_format": "gguf", "architecture": "amd64", "os": "linux"}).encode(),
    )
    config["mediaType"] = "application/vnd.docker.container.image.v1+json"
    write_manifest(folder, name, config, manifest_layers)
    return blob


def write_manifest(
    folder: Path, name: ModelName, config: Mapping[str, object], layers: list[dict[str, object]]
) -> Path:
    """Write a manifest as Ollama's `WriteManifest` does; returns its path."""
    path = folder / "manifests" / name.host / name.namespace / name.model / name.tag
    path.parent.mkdir(parents=True, exist_ok=True)
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": dict(config),
        "layers": layers,
    }
    path.write_text(json.dumps(manifest, separators=(",", ":")) + "\n")
    return path


def _add_blob(folder: Path, kind: str, content: bytes) -> dict[str, object]:
    digest = hashlib.sha256(content).hexdigest()
    blob = _blob(folder, digest)
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(content)
    return _layer(kind, digest, len(content))


def _layer(kind: str, digest: str, size: int) -> dict[str, object]:
    return {"mediaType": f"{_MEDIA}{kind}", "digest": f"sha256:{digest}", "size": size}


def _blob(folder: Path, digest: str) -> Path:
    return folder / "blobs" / f"sha256-{digest}"


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while read := file.read(_READ):
            digest.update(read)
    return digest.hexdigest()
