"""Crash reports: a private file for each fault of this program, without secrets, a bounded number of them."""

from __future__ import annotations

import platform
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app import __version__
from app.config.disk import write_private
from app.text.secrets import masked

KEPT = 10
LIBRARIES = ("textual", "rich", "httpx", "msgspec", "psutil", "click")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What was so when the program failed."""

    settings: tuple[tuple[str, object, str], ...] = ()
    """Dotted key, value, origin."""
    lines: tuple[str, ...] = ()
    """What had happened, oldest first."""


def crash_folder(state: Path) -> Path:
    """Where the reports are in the state folder."""
    return state / "crashes"


def newest_report(state: Path) -> Path | None:
    """The report of the last crash; None where there is none. Blocks on the disk."""
    reports = _reports(crash_folder(state))
    return reports[-1] if reports else None


def write_report(state: Path, error: BaseException, circumstances: Circumstances) -> Path:
    """Write a report of `error`, and remove the oldest beyond KEPT. Blocks on the disk.

    Raises:
        Problem: it cannot be written.
    """
    now = datetime.now().astimezone()
    folder = crash_folder(state)
    report = folder / f"crash-{now:%Y%m%d-%H%M%S-%f}.txt"
    write_private(report, masked(_text(now, error, circumstances)).encode("utf-8", "backslashreplace"))
    for old in _reports(folder)[:-KEPT]:
        old.unlink(missing_ok=True)
    return report


def _reports(folder: Path) -> list[Path]:
    return sorted(folder.glob("crash-*.txt"))


def _text(now: datetime, error: BaseException, circumstances: Circumstances) -> str:
    # Values of local variables are left out: prompts and keys are among them.
    trace = traceback.TracebackException.from_exception(error, capture_locals=False)
    sections = {
        f"synaptic-tui {__version__} crashed at {now:%Y-%m-%d %H:%M:%S %z}": trace.format(),
        "Versions": (f"{line}\n" for line in _versions()),
        "Settings": (f"{key} = {value} ({origin})\n" for key, value, origin in circumstances.settings),
        "What had happened": (f"{line}\n" for line in circumstances.lines),
    }
    return "\n".join(f"{title}\n\n{''.join(lines)}" for title, lines in sections.items())


def _versions() -> Iterable[str]:
    # Only now: it brings a parser of mail with it.
    from importlib.metadata import PackageNotFoundError, version

    yield f"Python {platform.python_version()}"
    yield platform.platform()
    for library in LIBRARIES:
        try:
            yield f"{library} {version(library)}"
        except PackageNotFoundError:
            continue
