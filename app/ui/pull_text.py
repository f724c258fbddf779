"""How far a pull is, in a line."""

from __future__ import annotations

from app.core.pulls import Pull
from app.ui.plain import plain_line
from app.ui.widgets.bars import bar

_BAR = 10


def pull_line(pull: Pull) -> str:
    """`llama3.2:3b → 10.0.0.5:11434  ━━━━────── 40 %  34.2 MiB/s  53 s left  …`."""
    return progress_line(pull, f"{pull.model} → {pull.url.removeprefix('http://')}")


def progress_line(pull: Pull, name: str) -> str:
    """The same, under another name."""
    if pull.share is None:
        return plain_line(f"{name}  {pull}")
    return plain_line(f"{name}  {''.join(bar(pull.share, _BAR))} {pull}")


def share_text(pull: Pull) -> str:
    """`34 %`, or what the node is at while nobody knows."""
    return pull.status if pull.percent is None else f"{pull.percent} %"
