"""What every screen over the main one has in common."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual.binding import BindingType
from textual.screen import ModalScreen

from app.ui.keys import key_text
from app.ui.screens.sheet import SheetScreen
from app.ui.sheets import Section

Answer = TypeVar("Answer")


class Modal(ModalScreen[Answer | None], Generic[Answer]):
    """A screen over the main one, answered with an `Answer`, or with None by Escape.

    Whoever makes one describes each of its keys in BINDINGS: F1, and `?` where nothing is typed, shows them
    all, and `keys_line` those that a frame has room for.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "close", "close"),
        ("f1,question_mark", "keys", "all keys"),
    ]

    @property
    def keys_line(self) -> str:
        """The keys of this screen in one line, for the frame."""
        return " · ".join(f"{key} {what}" for key, what in self._keys_here() if what)

    def action_close(self) -> None:
        """Answer nothing."""
        self.dismiss(None)

    def action_keys(self) -> None:
        """Show every key that works here."""
        self.app.push_screen(SheetScreen("Keys", (Section(tuple(self._keys_here())),)))

    def _keys_here(self) -> list[tuple[str, str]]:
        keys: dict[str, list[str]] = {}
        # Those of every screen of Textual are not shown, and ours are.
        for key, bound in (pair for pair in self._bindings if pair[1].show):
            keys.setdefault(bound.description, []).append(key_text(key))
        return [(" ".join(bound), what) for what, bound in keys.items() if what]
