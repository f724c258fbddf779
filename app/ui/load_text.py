"""How far a load is, in lines: all backends together, then each of them."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.loading import LoadPhase, LoadProgress, LoadShare
from app.text.units import UNKNOWN, bytes_text, duration_text
from app.ui.widgets.bars import bar

_BAR, _LEAST_BAR = 24, 8
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class LoadLine:
    """One line, its bar apart from the rest."""

    before: str
    full: str = ""
    rest: str = ""
    after: str = ""

    def __str__(self) -> str:
        return f"{self.before}{self.full}{self.rest}{self.after}"


def load_lines(progress: LoadProgress, width: int, most: int) -> list[LoadLine]:
    """The whole load in `width` cells, as far as that goes, and in at most `most` lines, but at least three.

    Where there is no room for every backend, those that have everything already are left out first.
    """
    lines = [LoadLine(f"{_INDENT}{phase_text(progress)}")]
    if progress.share is None:
        return lines
    lines.append(_line("", progress.share, together_texts(progress), width))
    shown = _most_wanted(progress.shares, max(1, most - len(lines)))
    name_width = max(len(str(share.backend)) for share in shown)
    for share in shown:
        lines.append(_line(f"{share.backend!s:<{name_width}}  ", share.share, share_texts(share), width))
    if len(shown) < len(progress.shares):
        lines.append(LoadLine(f"{_INDENT}and {len(progress.shares) - len(shown)} more"))
    return lines


def phase_text(progress: LoadProgress) -> str:
    """`loading  71 s so far  about 24 s left`; with the bottleneck, where no other line has it."""
    parts = [progress.phase, f"{duration_text(progress.elapsed_s)} so far"]
    if progress.left_s is not None:
        parts.append(f"about {duration_text(progress.left_s)} left")
    if progress.share is None and progress.phase is LoadPhase.LOADING:
        parts.append(_bottleneck(progress))
    return "  ".join(parts)


def together_texts(progress: LoadProgress) -> tuple[str, str]:
    """`96.0 GiB of 240 GiB  112 MiB/s  bottleneck network`, and the same without the amount."""
    short = f"{_speed(progress.rate)}  {_bottleneck(progress)}"
    return f"{_amount(progress.sent, progress.whole)}  {short}", short


def share_texts(share: LoadShare) -> tuple[str, str]:
    """`50.0 GiB of 80.0 GiB  112 MiB/s`, and the same without the amount."""
    short = f"{_speed(share.rate):>10}"
    return f"{_amount(share.sent, share.whole)}  {short}", short


def _speed(rate: float | None) -> str:
    return UNKNOWN if rate is None else f"{bytes_text(round(rate))}/s"


def _bottleneck(progress: LoadProgress) -> str:
    return f"bottleneck {progress.bottleneck or UNKNOWN}"


def _amount(sent: int, whole: int) -> str:
    return f"{bytes_text(sent):>8} of {bytes_text(whole):<8}"


def _line(name: str, share: float, texts: tuple[str, str], width: int) -> LoadLine:
    """With the full text, or with the short one where that leaves no room for a bar."""
    before, (full_text, short_text) = f"{_INDENT}{name}", texts
    percent = f" {share:4.0%}  "
    room = width - len(before) - len(percent)
    text = full_text if room - len(full_text) >= _LEAST_BAR else short_text
    full, rest = bar(share, max(_LEAST_BAR, min(_BAR, room - len(text))))
    return LoadLine(before, full, rest, f"{percent}{text}")


def _most_wanted(shares: tuple[LoadShare, ...], most: int) -> tuple[LoadShare, ...]:
    if len(shares) <= most:
        return shares
    unfinished_first = sorted(shares, key=lambda share: share.sent >= share.whole)
    kept = unfinished_first[: max(1, most - 1)]
    return tuple(share for share in shares if share in kept)
