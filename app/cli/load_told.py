"""How far a load is, told on standard error: as bars that move, or a few lines where lines cannot change."""

from __future__ import annotations

import os
import sys

import click

from app.cli.output import say
from app.core.loading import LoadProgress
from app.ui.ascii import ascii_text
from app.ui.load_text import load_lines, share_texts, together_texts

_PERCENTS = 10
"""So many percent are told anew, where lines cannot change."""


class LoadBars:
    """Bars in a terminal, drawn again and again in their place."""

    def __init__(self, *, only_ascii: bool) -> None:
        self._only_ascii = only_ascii
        self._drawn = 0
        """Lines above the cursor."""

    def show(self, progress: LoadProgress) -> None:
        """Draw, in place of what was drawn before."""
        size = os.get_terminal_size(sys.stderr.fileno())
        # A line that goes round the edge would be two.
        width = size.columns - 1
        lines = [str(line)[:width] for line in load_lines(progress, width, size.lines // 2)]
        text = "".join(f"{line}\n" for line in lines)
        click.echo(self._back + (ascii_text(text) if self._only_ascii else text), nl=False, err=True)
        self._drawn = len(lines)

    def clear(self) -> None:
        """Take them away; whoever writes next does so in their place."""
        click.echo(self._back, nl=False, err=True)
        self._drawn = 0

    @property
    def _back(self) -> str:
        return f"\x1b[{self._drawn}F\x1b[J" if self._drawn else ""


class LoadSteps:
    """Lines that stay."""

    def __init__(self) -> None:
        self._told = 0

    def show(self, progress: LoadProgress) -> None:
        """Tell, if there is much more than was told before."""
        step = int(100 * (progress.share or 0.0)) // _PERCENTS
        if step in (0, self._told):
            return
        self._told = step
        say(f"{progress.phase} {progress.share:4.0%}  {together_texts(progress)[0]}")
        for share in progress.shares:
            say(f"  {share.backend} {share.share:4.0%}  {share_texts(share)[0]}")

    def clear(self) -> None:
        """What was told stays."""
