"""Manifests and the blobs that they name: the files of one model in Ollama's store.

Sources: ollama/manifest/manifest.go, manifest/paths.go, types/model/config.go.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from app.ollama.documents import NoSuchDocument, decode

MANIFEST_LIMIT = 16 << 20
"""Bytes; safetensors models name thousands of blobs in one manifest."""
TEXT_LIMIT = 1 << 20
"""Bytes of a blob that is read whole, such as a system prompt."""

IMAGE = "application/vnd.ollama.image."
_DIGEST = re.compile(r"sha256[:-](?P<hex>[0-9a-fA-F]{64})")
_MAGIC = b"GGUF"
_WORDS = {
    "model": "weights",
    "params": "parameters",
    "system": "system prompt",
    "draft": "draft model",
}
"""What a person calls the content of a layer, where that is not the end of its media type."""


T = TypeVar("T")


class BlobProblem(Exception):  # noqa: N818  becomes the problem of one model, in one sentence
    """A blob that is missing, incomplete or cannot be read."""


class Layer(msgspec.Struct, frozen=True):
    """One blob that a manifest names."""

    digest: str
    size: Annotated[int, msgspec.Meta(ge=0)]
    media_type: str = msgspec.field(default="", name="mediaType")

    @property
    def kind(self) -> str:
        """The end of the media type: `model`, `params`, ...; the configuration is `configuration`."""
        return self.media_type.removeprefix(IMAGE) if self.media_type.startswith(IMAGE) else "configuration"


class Manifest(msgspec.Struct, frozen=True):
    """What a manifest says; the registry's own may have further keys."""

    layers: list[Layer] | None = None
    config: Layer | None = None

    @property
    def size(self) -> int:
        """Bytes of all blobs, as Ollama counts them."""
        return sum(layer.size for layer in self.layers or ()) + (self.config.size if self.config else 0)

    def of_kind(self, *kinds: str) -> list[Layer]:
        """The layers of these kinds, in order."""
        return [layer for layer in self.layers or () if layer.kind in kinds]


class Config(msgspec.Struct, frozen=True):
    """The configuration blob."""

    model_format: str = ""
    """`gguf`, `safetensors`, or empty for the former."""
    model_type: str = ""
    """The size in words, such as `8.0B`."""
    file_type: str = ""
    """The quantization."""
    remote_host: str = ""
    remote_model: str = ""
    capabilities: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Blobs:
    """The blobs of one store."""

    folder: Path

    def path(self, layer: Layer) -> Path:
        """The file of a layer, whole by its size.

        Raises:
            BlobProblem: it is missing, has another size or cannot be looked at.
        """
        match = _DIGEST.fullmatch(layer.digest)
        if match is None:
            raise BlobProblem(f"Its manifest names a blob {layer.digest[:80]!r}, which cannot be one.")
        path = self._file(match["hex"])
        called = _called(layer)
        try:
            status = path.stat()
        except FileNotFoundError:
            raise BlobProblem(f"{called} is missing; pull it again.") from None
        except OSError as error:
            raise BlobProblem(f"{called} cannot be read: {error.strerror}.") from None
        if not stat.S_ISREG(status.st_mode) or status.st_size != layer.size:
            raise BlobProblem(f"{called} has {status.st_size} bytes instead of {layer.size}; pull it again.")
        return path

    def text(self, layer: Layer) -> str:
        """All of a text.

        Raises:
            BlobProblem: as for `path`, or it is too large for a text.
        """
        return self._read(layer).decode("utf-8", "replace")

    def document(self, layer: Layer, kind: type[T]) -> T:
        """The JSON in a layer.

        Raises:
            BlobProblem: as for `text`, or it is not the JSON that it should be.
        """
        try:
            return decode(self._read(layer), kind)
        except NoSuchDocument as problem:
            raise BlobProblem(f"{_called(layer)} makes no sense: {problem}.") from None

    def gguf(self, layer: Layer) -> Path:
        """The file of a layer that llama.cpp is to load.

        Raises:
            BlobProblem: as for `path`, or it is no GGUF file.
        """
        path = self.path(layer)
        if self._start(path, layer, len(_MAGIC)) != _MAGIC:
            raise BlobProblem(f"{_called(layer)} is not a GGUF file.")
        return path

    def _read(self, layer: Layer) -> bytes:
        path = self.path(layer)
        if layer.size > TEXT_LIMIT:
            raise BlobProblem(f"{_called(layer)} has {layer.size} bytes, which is too much for it.")
        return self._start(path, layer, layer.size)

    def _start(self, path: Path, layer: Layer, count: int) -> bytes:
        try:
            with path.open("rb") as file:
                return file.read(count)
        except OSError as error:
            raise BlobProblem(f"{_called(layer)} cannot be read: {error.strerror}.") from None

    def _file(self, digits: str) -> Path:
        """The file of a digest; very old stores have a colon in the name."""
        usual, old = self.folder / f"sha256-{digits}", self.folder / f"sha256:{digits}"
        return old if old.exists() and not usual.exists() else usual


def _called(layer: Layer) -> str:
    return f"The blob of its {_WORDS.get(layer.kind, layer.kind)}, {layer.digest[7:19]},"
