"""How far a pull is, in words."""

from __future__ import annotations

from app.core.pulls import Pull
from app.text.units import bytes_text, duration_text
from app.ui.plain import plain_line

_BAR = 10


def pull_line(pull: Pull) -> str:
    """`m:3b → host:11434  ━━━━────── 40 %  34.2 MiB/s  53 s left  1.2 GiB of 3.0 GiB  pulling 667b0c1932bc`."""
    where = pull.url.removeprefix("http://")
    return plain_line("  ".join((f"{pull.model} → {where}", *_progress(pull))))


def share_text(pull: Pull) -> str:
    """`34 %`, or what the node is at while nobody knows."""
    return pull.status if pull.share is None else f"{_percent(pull.share)} %"


def _progress(pull: Pull) -> list[str]:
    if pull.share is None or pull.total is None:
        return [pull.status]
    done = int(_BAR * pull.share)
    said = [f"{'━' * done}{'─' * (_BAR - done)} {_percent(pull.share)} %"]
    if pull.completed < pull.total and pull.rate is not None:
        said.append(f"{bytes_text(round(pull.rate))}/s")
        said += [f"{duration_text(pull.left_s)} left"] if pull.left_s is not None else []
    return [*said, f"{bytes_text(pull.completed)} of {bytes_text(pull.total)}", pull.status]


def _percent(share: float) -> int:
    """Whole percents; 100 only when all is there."""
    return int(100 * share)
