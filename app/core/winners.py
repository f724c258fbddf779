"""Which placement of a model was measured to be the fastest: kept in the state folder, one JSON file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from app.config.disk import locked, read_small, write_private
from app.core.plan import Plan, Split
from app.text.address import Address
from app.text.problem import Problem
from app.text.units import rate_text

KEPT = 200
"""The newest."""
READ_BYTES = 4 << 20
"""So many with a hundred workers each are far below it."""


class Contest(msgspec.Struct, frozen=True):
    """What a measurement holds for: with any of it different, another placement may be the fastest."""

    file: str
    """Path of the GGUF."""
    size: int
    modified_ns: int
    workers: tuple[Address, ...]
    """All that could be used, in the order of their addresses."""
    engine: str
    """Its build, as it says."""
    k: str
    v: str


class Winner(msgspec.Struct, frozen=True):
    """The fastest placement of one contest."""

    contest: Contest
    at: datetime
    split: Split
    context: int
    generation_per_s: float
    prompt_per_s: float | None
    tried: int
    """How many placements were measured."""

    def __str__(self) -> str:
        among = f", the fastest of {self.tried} tried" if self.tried > 1 else ""
        return f"Measured on {self.at.astimezone():%Y-%m-%d}: {rate_text(self.generation_per_s)}{among}."


def contest(path: Path, plan: Plan, workers: frozenset[Address], engine: str) -> Contest:
    """What would be measured of the model at `path` now. Blocks on the disk.

    Raises:
        Problem: the file is gone.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise Problem(f"{path} cannot be read: {error.strerror}.") from None
    return Contest(
        str(path), status.st_size, status.st_mtime_ns, tuple(sorted(workers)), engine, plan.k, plan.v
    )


class Winners:
    """The file of all winners. Its methods block on the disk: call them in a thread."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def of(self, contest: Contest) -> Winner | None:
        """Who won it; None where it was not held.

        Raises:
            Problem: the file cannot be read, or is damaged.
        """
        return next((winner for winner in self._all() if winner.contest == contest), None)

    def keep(self, winner: Winner) -> None:
        """Remember it in place of who won before.

        Raises:
            Problem: the file cannot be read or written, or is damaged.
        """
        with locked(self._file):
            others = [each for each in self._all() if each.contest != winner.contest]
            self._write([*others, winner][-KEPT:])

    def forget(self, path: Path) -> int:
        """Forget all that was measured of the model at `path`; returns how many contests that were.

        Raises:
            Problem: as for `keep`.
        """
        with locked(self._file):
            before = self._all()
            kept = [winner for winner in before if winner.contest.file != str(path)]
            if kept != before:
                self._write(kept)
            return len(before) - len(kept)

    def _all(self) -> list[Winner]:
        """Oldest first."""
        try:
            return msgspec.json.decode(read_small(self._file, READ_BYTES), type=list[Winner])
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Problem(f"{self._file} cannot be read: {error.strerror}.", "Make it readable.") from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Problem(
                f"{self._file} is damaged, so that no measured placement is known.",
                "Remove it, and measure again with 'bench placement MODEL'.",
            ) from None

    def _write(self, winners: list[Winner]) -> None:
        write_private(self._file, msgspec.json.encode(winners))
