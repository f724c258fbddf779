"""How far a pull is, in words."""

from __future__ import annotations

from app.core.pulls import Pull
from app.text.units import bytes_text, duration_text
from app.ui.plain import plain_line

_BAR = 20


def pull_line(pull: Pull) -> str:
    """`llama3.2:3b → 10.0.0.5:11434  ━━━━──── 34 %  1.2 GiB of 4.9 GiB  34.2 MiB/s  2 min 3 s left`."""
    where = pull.url.removeprefix("http://")
    return plain_line("  ".join((f"{pull.model} → {where}", *_progress(pull))))


def share_text(pull: Pull) -> str:
    """`34 %`, or what the node is at while nobody knows."""
    return pull.status if pull.share is None else f"{_percent(pull.share)} %"


def _progress(pull: Pull) -> list[str]:
    if pull.share is None or pull.total is None:
        return [pull.status]
    done = int(_BAR * pull.share)
    said = [
        f"{'━' * done}{'─' * (_BAR - done)} {_percent(pull.share)} %",
        f"{bytes_text(pull.completed)} of {bytes_text(pull.total)}",
    ]
    if pull.completed >= pull.total:
        return [*said, pull.status]
    if pull.rate is not None:
        said.append(f"{bytes_text(round(pull.rate))}/s")
    if pull.left_s is not None:
        said.append(f"{duration_text(pull.left_s)} left")
    return said


def _percent(share: float) -> int:
    """Whole percents; 100 only when all is there."""
    return int(100 * share)
