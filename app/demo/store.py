"""Puts a GGUF into a store in Ollama's layout, the way Ollama itself does.

Sources: ollama/manifest/manifest.go (`WriteManifest`), server/create.go, format/format.go.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from app.gguf.header import Header, read_header
from app.ollama.names import ModelName

CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
_MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
_IMAGE = "application/vnd.ollama.image."
_READ = 1 << 20


class Layer(TypedDict):
    """One blob, as manifests name it."""

    mediaType: str
    digest: str
    size: int


def add_to_store(
    folder: Path,
    name: ModelName,
    gguf: Path,
    *,
    layers: Mapping[str, bytes] | None = None,
    digest: str | None = None,
) -> Path:
    """Add the model; returns its blob. Blocks on the disk.

    `layers` holds further layers by the end of their media type, such as `system` or `params`. Holes of the
    GGUF stay holes; one that is mostly a hole may be too large to hash, so its digest can be given, in
    hexadecimal digits.

    Raises:
        HeaderProblem: the file is no GGUF.
    """
    header = read_header(gguf)
    digest = digest or _digest(gguf)
    blob = _blob(folder, digest)
    blob.parent.mkdir(parents=True, exist_ok=True)
    _copy(gguf, blob)
    weights = Layer(mediaType=f"{_IMAGE}model", digest=f"sha256:{digest}", size=header.size)
    others = [add_blob(folder, f"{_IMAGE}{kind}", content) for kind, content in (layers or {}).items()]
    config = add_blob(folder, CONFIG_TYPE, _encoded(_config(header)))
    write_manifest(folder, name, config, [weights, *others])
    return blob


def add_blob(folder: Path, media_type: str, content: bytes) -> Layer:
    """Add a small blob; returns how a manifest names it."""
    digest = hashlib.sha256(content).hexdigest()
    blob = _blob(folder, digest)
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(content)
    return Layer(mediaType=media_type, digest=f"sha256:{digest}", size=len(content))


def write_manifest(folder: Path, name: ModelName, config: Layer, layers: Sequence[Layer]) -> Path:
    """Write a manifest, byte for byte as Ollama does; returns its path."""
    path = folder.joinpath("manifests", *name.parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    manifest = {"schemaVersion": 2, "mediaType": _MANIFEST_TYPE, "config": config, "layers": list(layers)}
    path.write_bytes(_encoded(manifest))
    return path


def _config(header: Header) -> dict[str, object]:
    return {
        "model_format": "gguf",
        "model_family": header.architecture or "",
        "model_families": [header.architecture or ""],
        "model_type": _human_number(header.parameters or 0),
        "file_type": header.quantization or "unknown",
        "architecture": "amd64",
        "os": "linux",
    }


def _human_number(number: int) -> str:
    """A count as Ollama writes it: `405.9B`, `7B`, `494.03M`, `22K`."""
    for unit, scale, digits in (("B", 10**9, 1), ("M", 10**6, 2)):
        if number >= scale:
            return f"{number / scale:.{0 if number % scale == 0 else digits}f}{unit}"
    return f"{number / 1000:.0f}K" if number >= 1000 else str(number)


def _encoded(document: Mapping[str, object]) -> bytes:
    """JSON as Go's encoder writes it: no spaces, and a line's end."""
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def _blob(folder: Path, digest: str) -> Path:
    return folder / "blobs" / f"sha256-{digest}"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy(source: Path, target: Path) -> None:
    """Copy what is written of a file; its holes stay holes."""
    with source.open("rb", buffering=0) as read, target.open("wb") as written:
        end = 0
        while (start := _data_after(read.fileno(), end)) is not None:
            end = os.lseek(read.fileno(), start, os.SEEK_HOLE)
            read.seek(start)
            written.seek(start)
            while (left := end - read.tell()) > 0 and (piece := read.read(min(left, _READ))):
                written.write(piece)
        written.truncate(read.seek(0, os.SEEK_END))


def _data_after(file: int, place: int) -> int | None:
    """Where the next written part begins; None where only a hole follows."""
    try:
        return os.lseek(file, place, os.SEEK_DATA)
    except OSError:
        return None
