"""What the program keeps by itself between two runs: one small YAML file, saved on every change."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import yaml

from app.config.disk import make_private_folder, write_private
from app.config.settings import Mode
from app.text.problem import Problem

VERSION = 1


class StateProblem(Problem):
    """A state file that cannot be read or written; what it holds is unchanged."""


@dataclass(frozen=True, slots=True)
class SavedBackend:
    """One backend that was added or found."""

    address: str
    how: str = "added"
    """`added` by a person, or `discovered` by a sweep."""


@dataclass(frozen=True, slots=True)
class State:
    """Everything that is kept; None where a person has chosen nothing."""

    version: int = VERSION
    mode: Mode | None = None
    distributed_inference: bool | None = None
    model: str | None = None
    backends: tuple[SavedBackend, ...] = ()
    nodes: tuple[str, ...] = ()
    imported_from: str | None = None
    """The SynapticLlamas file whose content was taken over, once."""

    def with_backends(self, new: Iterable[SavedBackend]) -> State:
        """The state with these backends too; one that is there already stays as it is."""
        known = {backend.address: backend for backend in self.backends}
        for backend in new:
            known.setdefault(backend.address, backend)
        return replace(self, backends=tuple(known.values()))

    def without_backend(self, address: str) -> State:
        """The state without the backend at `address`."""
        return replace(self, backends=tuple(b for b in self.backends if b.address != address))

    def with_node(self, url: str) -> State:
        """The state with this node too."""
        return replace(self, nodes=tuple(dict.fromkeys((*self.nodes, url))))

    def without_node(self, url: str) -> State:
        """The state without the node at `url`."""
        return replace(self, nodes=tuple(node for node in self.nodes if node != url))


class StateFile:
    """The file that holds the state. Its methods block on the disk: call them in a thread."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> State:
        """The state; empty where there is no file.

        Raises:
            StateProblem: the file is damaged, or of a newer version; it is left as it is.
        """
        return _decode(self._content(), self.path)

    def update(self, change: Callable[[State], State]) -> State:
        """Read, change and write under a lock, so that no other process's change is lost.

        Keys that a newer version has written are kept. Nothing is written where nothing changes.

        Raises:
            StateProblem: as for `read`. Problem: the file cannot be written; its old content is unchanged.
        """
        with self._locked():
            content = self._content()
            before = _decode(content, self.path)
            after = change(before)
            if after != before:
                merged = {**content, **msgspec.to_builtins(after)}
                write_private(self.path, yaml.safe_dump(merged, sort_keys=False, allow_unicode=True).encode())
            return after

    def _content(self) -> dict[str, Any]:
        try:
            content = yaml.safe_load(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StateProblem(f"The state {self.path} cannot be read: {error.strerror}.") from None
        except (yaml.YAMLError, UnicodeDecodeError):
            raise _damaged(self.path) from None
        if content is None:
            return {}
        if not isinstance(content, dict):
            raise _damaged(self.path)
        return content

    @contextmanager
    def _locked(self) -> Iterator[None]:
        make_private_folder(self.path.parent)
        # The state file itself is replaced on every write, so the lock is on a file that stays.
        try:
            lock = self.path.with_suffix(".lock").open("a")
        except OSError as error:
            raise StateProblem(
                f"The folder {self.path.parent} cannot be written: {error.strerror}.", "Make it writable."
            ) from None
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _decode(content: dict[str, Any], path: Path) -> State:
    version = content.get("version", VERSION)
    if isinstance(version, int) and version > VERSION:
        raise StateProblem(
            f"The state {path} was written by a newer version of this program.",
            "Use that version, or move the file away.",
        )
    try:
        return msgspec.convert(content, State)
    except msgspec.ValidationError as error:
        raise _damaged(path, str(error)) from None


def _damaged(path: Path, why: str = "it is not YAML") -> StateProblem:
    return StateProblem(
        f"The state {path} is damaged: {why}.", "Repair it, or move it away to start with an empty one."
    )
