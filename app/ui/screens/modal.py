"""What every screen over the main one has in common."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual.binding import BindingType
from textual.events import Click
from textual.screen import ModalScreen
from textual.widget import Widget

from app.ui.keys import key_text
from app.ui.movement import MOVES, Step, can_move, move

Answer = TypeVar("Answer")


class Modal(ModalScreen[Answer | None], Generic[Answer]):
    """A screen over the main one, answered with an `Answer`, or with None by Escape or a click beside it.

    Whoever makes one describes each of its keys in BINDINGS: F1, and `?` where nothing is typed, shows them
    all, and `keys_line` those that a frame has room for. The list, table or text in it moves by the usual
    keys.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "close", "close"),
        ("f1,question_mark", "keys", "all keys"),
        *MOVES,
    ]

    @property
    def keys_line(self) -> str:
        """The keys of this screen in one line, for the frame."""
        return " · ".join(f"{keys} {what}" for keys, what in self._keys(moves=False))

    def action_close(self) -> None:
        """Answer nothing."""
        self.dismiss(None)

    def action_keys(self) -> None:
        """Show every key that works here."""
        from app.ui.screens.keys import KeysScreen  # is itself one of these

        self.app.push_screen(KeysScreen(self._keys(moves=True)))

    def action_move(self, step: Step) -> None:
        """Move in the list, table or text that has the focus, else in the first one."""
        focused = [self.focused] if self.focused is not None else []
        moved = next((widget for widget in (*focused, *self.query(Widget)) if can_move(widget)), None)
        if moved is not None:
            move(moved, step)

    def on_click(self, event: Click) -> None:
        """A click beside the frame closes, as Escape does."""
        if event.widget is self:
            self.action_close()

    def _keys(self, *, moves: bool) -> list[tuple[str, str]]:
        """Each thing that a key does here, with its keys; those of every screen of Textual are not shown."""
        keys: dict[str, list[str]] = {}
        for key, bound in self._bindings:
            if bound.show or (moves and bound.action.startswith("move(")):
                keys.setdefault(bound.description, []).append(key_text(key))
        return [(" ".join(signs), what) for what, signs in keys.items() if what]
