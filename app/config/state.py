"""What the program keeps by itself between two runs: one small YAML file, saved on every change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
import yaml

from app.config.disk import locked, move_aside, read_small, write_private
from app.config.settings import Mode
from app.text.address import AddressProblem, parse_address, parse_node_url
from app.text.problem import Problem

VERSION = 1

_NOT_YAML = (
    yaml.YAMLError,
    # PyYAML lets these escape for a scalar that does not fit its tag, and for deep nesting.
    ValueError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    RecursionError,
)


class StateProblem(Problem):
    """A state file that cannot be read or written; what it holds is unchanged."""


class StateDamaged(StateProblem):
    """A state file that made no sense and was moved aside: from now on the state is empty."""


class _Damage(Exception):  # noqa: N818  what the sentence calls it
    """Content that is no state, and why."""


@dataclass(frozen=True, slots=True)
class SavedBackend:
    """One backend that was added or found."""

    address: str
    how: str = "added"
    """`added` by a person, or `discovered` by a sweep."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What a person has said of one backend, whoever named it."""

    name: str = ""
    """Shown beside its address."""
    note: str = ""
    disabled: bool = False
    """It is known, and neither probed nor used."""


Share = Annotated[int, msgspec.Meta(ge=1, le=99)]


@dataclass(frozen=True, slots=True)
class Layout:
    """How the panes share the screen; the names of panes that are not known are passed over."""

    side: Share = 50
    """How much of the width the side column has, in percent."""
    swapped: bool = False
    """Whether the side column is at the left."""
    order: tuple[str, ...] = ()
    """The panes of the side column from the top; those that are not named follow."""
    hidden: tuple[str, ...] = ()
    heights: dict[str, Share] = field(default_factory=dict)
    """What each pane of the side column has of its height, in proportion to the others."""


@dataclass(frozen=True, slots=True)
class State:
    """Everything that is kept; None where a person has chosen nothing."""

    version: Annotated[int, msgspec.Meta(ge=1)] = VERSION
    mode: Mode | None = None
    distributed_inference: bool | None = None
    model: str | None = None
    backends: tuple[SavedBackend, ...] = ()
    remarks: dict[str, Remark] = field(default_factory=dict)
    """By the address of the backend."""
    nodes: tuple[str, ...] = ()
    theme: str | None = None
    layout: Layout | None = None
    welcome_skipped: bool = False
    """A person wants the welcome page no more."""
    imported_from: str | None = None
    """The SynapticLlamas file whose content was taken over, once."""

    def with_backends(self, new: Iterable[SavedBackend]) -> State:
        """The state with these backends too; one that is there already stays as it is."""
        known = {backend.address: backend for backend in self.backends}
        for backend in new:
            known.setdefault(backend.address, backend)
        return replace(self, backends=tuple(known.values()))

    def without_backend(self, address: str) -> State:
        """The state without the backend at `address`, and without what was said of it."""
        kept = tuple(backend for backend in self.backends if backend.address != address)
        return replace(self, backends=kept).with_remark(address, Remark())

    def with_remark(self, address: str, remark: Remark) -> State:
        """The state with another remark on a backend; an empty one is not kept."""
        others = {other: said for other, said in self.remarks.items() if other != address}
        return replace(self, remarks=others if remark == Remark() else {**others, address: remark})

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
            StateDamaged: the file made no sense; it has been moved aside.
            StateProblem: the file cannot be read, or is of a newer version; it is left as it is.
        """
        try:
            return _decode(_content(self.path), self.path)
        except _Damage:
            with locked(self.path):
                return self._decoded_or_moved_aside()[1]

    def peek(self) -> State:
        """The state as far as it can be read; changes nothing, not even a file that makes no sense.

        Raises:
            StateProblem: the file cannot be read, or is of a newer version.
        """
        try:
            return _decode(_content(self.path), self.path)
        except _Damage:
            return State()

    def update(self, change: Callable[[State], State]) -> State:
        """Read, change and write under a lock, so that no other process's change is lost.

        Keys that a newer version has written are kept. Nothing is written where nothing changes.

        Raises:
            StateProblem: as for `read`. Problem: the file cannot be written; its old content is unchanged.
        """
        with locked(self.path):
            content, before = self._decoded_or_moved_aside()
            after = change(before)
            if after != before:
                merged = {**content, **msgspec.to_builtins(after)}
                # Escaped to ASCII: PyYAML writes U+0085 as a line break that it reads back as a blank.
                write_private(self.path, yaml.safe_dump(merged, sort_keys=False).encode("ascii"))
            return after

    def _decoded_or_moved_aside(self) -> tuple[dict[str, Any], State]:
        """What the file holds; to be called under the lock, where no other process moves or writes it."""
        try:
            content = _content(self.path)
            return content, _decode(content, self.path)
        except _Damage as damage:
            self._move_aside(str(damage))

    def _move_aside(self, why: str) -> NoReturn:
        try:
            aside = move_aside(self.path)
        except OSError as error:
            raise StateProblem(
                f"The state {self.path} is damaged ({why}), and cannot be moved aside: {error.strerror}.",
                "Repair it, or remove it to start with an empty one.",
            ) from None
        raise StateDamaged(
            f"The state {self.path} was damaged ({why}). It is now {aside}, and the state is empty.",
            "Add again what is missing; the old file shows what there was.",
        )


def _content(path: Path) -> dict[str, Any]:
    try:
        raw = read_small(path)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StateProblem(f"The state {path} cannot be read: {error.strerror}.") from None
    try:
        content = yaml.safe_load(raw)
    except _NOT_YAML:
        raise _Damage("it is not YAML") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise _Damage("it has no keys")
    return content


def _decode(content: dict[str, Any], path: Path) -> State:
    version = content.get("version", VERSION)
    if isinstance(version, int) and version > VERSION:
        raise StateProblem(
            f"The state {path} was written by a newer version of this program.",
            "Use that version, or move the file away.",
        )
    try:
        state = msgspec.convert(content, State)
        for backend in state.backends:
            parse_address(backend.address)
        for url in state.nodes:
            parse_node_url(url)
    except msgspec.ValidationError as error:
        raise _Damage(str(error)) from None
    except AddressProblem as problem:
        raise _Damage(problem.sentence.rstrip(".")) from None
    return state
