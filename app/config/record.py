"""Records of running coordinators, so that the process that started one may vanish and the next finds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from app.config.disk import read_small, write_private
from app.text.problem import Problem
from app.text.secrets import keep_secret


@dataclass(frozen=True, slots=True)
class RecordedDevice:
    """One device of a backend, as it was before a coordinator held it."""

    index: int
    total_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class CoordinatorRecord:
    """What the next process has to know to adopt a coordinator, or to stop it."""

    port: int
    model: str
    argv: tuple[str, ...]
    log: str
    key: str = field(repr=False)
    backends: tuple[str, ...] = ()
    pid: int | None = None
    """None while it is being started: the record is there before the process is."""
    started: float | None = None
    """Start time of the process, in seconds since the epoch, as the system tells it."""
    devices: Mapping[str, tuple[RecordedDevice, ...]] = field(default_factory=dict)
    """Those of each backend, by its address: nobody can ask a backend that is held."""

    def __post_init__(self) -> None:
        """Whoever knows the record knows the key, and never writes it down elsewhere."""
        keep_secret(self.key)


class RecordFolder:
    """One file for each coordinator, named by its port. Its methods block on the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> tuple[tuple[CoordinatorRecord, ...], tuple[str, ...]]:
        """Every record, and one sentence for each file that is none."""
        try:
            files = sorted(file for file in self._folder.iterdir() if file.suffix == ".json")
        except FileNotFoundError:
            return (), ()
        except OSError as error:
            return (), (f"The coordinator records in {self._folder} cannot be read: {error.strerror}.",)
        records: list[CoordinatorRecord] = []
        problems: list[str] = []
        for file in files:
            try:
                records.append(msgspec.json.decode(read_small(file), type=CoordinatorRecord))
            except FileNotFoundError:
                continue  # its coordinator has just ended
            except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
                problems.append(f"The coordinator record {file} cannot be read: {error}.")
        return tuple(records), tuple(problems)

    def save(self, record: CoordinatorRecord) -> None:
        """Write or replace the record.

        Raises:
            Problem: it cannot be written.
        """
        write_private(self._file(record), msgspec.json.encode(record))

    def remove(self, record: CoordinatorRecord) -> None:
        """Remove the record; one that is gone already is no error.

        Raises:
            Problem: it cannot be removed.
        """
        file = self._file(record)
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise Problem(
                f"The coordinator record {file} cannot be removed: {error.strerror}.", "Remove it by hand."
            ) from None

    def _file(self, record: CoordinatorRecord) -> Path:
        return self._folder / f"{record.port}.json"
