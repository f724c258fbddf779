"""Every key of one screen, over it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from app.ui.screens.sheet import SheetScreen
from app.ui.sheets import Section


class KeysScreen(SheetScreen):
    """What shows it also closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [("f1,question_mark", "close", "close")]

    def __init__(self, keys: Sequence[tuple[str, str]]) -> None:
        super().__init__("Keys", (Section(tuple(keys)),))
