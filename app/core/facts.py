"""What is known of a model's weights, read from its GGUF header and remembered by path, size and time."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from app import __version__
from app.gguf.cautions import cautions
from app.gguf.header import Header, read_model
from app.gguf.loadable import why_not_loadable


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Sizes and shape of a model; None where nothing tells."""

    architecture: str | None = None
    parameters: int | None = None
    active_parameters: int | None = None
    """Parameters that take part in one token: fewer than all in a mixture of experts."""
    size: int | None = None
    """Bytes of the weights, over all files."""
    quantization: str | None = None
    layers: int | None = None
    context: int | None = None
    """Tokens that the model was trained for."""
    problem: str | None = None
    """Why llama.cpp cannot answer with it, such as being a projector, and what to do; None where it can."""
    cautions: tuple[str, ...] = ()
    """What goes wrong with it though llama.cpp loads it, one sentence each with its remedy."""


class _Remembered(msgspec.Struct, frozen=True):
    size: int
    mtime_ns: int
    facts: ModelFacts


class _Memory(msgspec.Struct, frozen=True):
    program: str
    """The version that read these facts; another one may find others in the same header."""
    models: dict[str, _Remembered]
    """By path."""


class ModelReader:
    """Reads headers; a file that has not changed since is not read again, not even by the next process.

    Its methods block on the disk: call them in a thread.
    """

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._remembered: dict[str, _Remembered] | None = None
        self._changed = False

    def read(self, path: Path) -> ModelFacts:
        """The facts of the GGUF at `path`, its further parts included.

        Raises:
            HeaderProblem: it is no GGUF, or not a whole one.
        """
        remembered = self._load()
        status = path.stat() if path.exists() else None
        known = remembered.get(str(path))
        if status and known and (known.size, known.mtime_ns) == (status.st_size, status.st_mtime_ns):
            return known.facts
        facts = _facts(read_model(path))
        if status:
            remembered[str(path)] = _Remembered(status.st_size, status.st_mtime_ns, facts)
            self._changed = True
        return facts

    def save(self) -> None:
        """Keep what was read for the next process; losing it costs time only, so failing to is no error."""
        if not self._changed or self._remembered is None:
            return
        with contextlib.suppress(OSError):
            self._memory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            staged = self._memory.with_suffix(".new")
            staged.write_bytes(msgspec.json.encode(_Memory(__version__, self._remembered)))
            staged.replace(self._memory)
            self._changed = False

    def _load(self) -> dict[str, _Remembered]:
        if self._remembered is None:
            try:
                memory = msgspec.json.decode(self._memory.read_bytes(), type=_Memory)
            except (OSError, msgspec.DecodeError):
                memory = _Memory(__version__, {})
            self._remembered = memory.models if memory.program == __version__ else {}
        return self._remembered


def _facts(header: Header) -> ModelFacts:
    problem = why_not_loadable(header)
    return ModelFacts(
        architecture=header.architecture,
        parameters=header.parameters,
        active_parameters=header.active_parameters,
        size=header.size,
        quantization=header.quantization,
        layers=header.layers,
        context=header.context_length,
        problem=None if problem is None else str(problem),
        cautions=cautions(header),
    )
