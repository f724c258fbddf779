"""Where prompts are written."""

from __future__ import annotations

from dataclasses import dataclass

from textual.events import Key, Paste, Resize
from textual.message import Message
from textual.widgets import TextArea

from app.ui.history import History
from app.ui.widgets.pasted import Pasted

MOST_LINES = 6


class Prompt(TextArea):
    """A few lines of text: Enter sends, the arrows at its first and last line bring back what was sent."""

    DEFAULT_CSS = "Prompt { height: 1; }"

    @dataclass
    class Sent(Message):
        """A prompt, or a line that begins with a slash."""

        text: str

    class CompletionWanted(Message):
        """Tab was pressed in a line that begins with a slash."""

    @dataclass
    class Paged(Message):
        """The page keys were pressed, which scroll what is above."""

        pages: int

    def __init__(self) -> None:
        super().__init__(
            id="prompt",
            compact=True,
            highlight_cursor_line=False,
            placeholder="Ask, or / for a command",
        )
        self.cursor_blink = False
        self.recall = History()
        """What was sent before."""
        self._pasted = Pasted()

    @property
    def whole(self) -> str:
        """What would be sent: the text, with what was pasted in full."""
        return self._pasted.whole(self.text)

    def on_mount(self) -> None:
        """Begin one line high."""
        self._fit()

    def on_resize(self, _event: Resize) -> None:
        """Another width folds the text otherwise."""
        self._fit()

    def on_text_area_changed(self) -> None:
        """Be as high as the text, up to a limit."""
        self._fit()

    async def _on_key(self, event: Key) -> None:
        match event.key:
            case "enter":
                self._send()
            case "ctrl+j" | "shift+enter":
                self.insert("\n")
            case "tab" if self.text.startswith("/"):
                self.post_message(self.CompletionWanted())
            case "pageup":
                self.post_message(self.Paged(-1))
            case "pagedown":
                self.post_message(self.Paged(1))
            case "up" if self.cursor_at_first_line and self._bring_back(self.recall.older(self.whole)):
                pass
            case "down" if self.cursor_at_last_line and self._bring_back(self.recall.newer()):
                pass
            case key if key.startswith("alt+"):
                # A key of the console, not the character that the terminal sends with it.
                event.prevent_default()
                return
            case _:
                return
        event.stop()
        event.prevent_default()

    async def _on_paste(self, event: Paste) -> None:
        folded = self._pasted.fold(event.text)
        if folded != event.text:
            event.prevent_default()
            self.replace(folded, *sorted(self.selection), maintain_selection_offset=False)

    def action_delete_left(self) -> None:
        """Delete what is before the cursor: a character, or a large text as a whole."""
        row, column = self.cursor_location
        word = self._pasted.word_before(self.document.get_line(row)[:column])
        if word and self.selection.is_empty:
            self.delete((row, column - len(word)), (row, column))
        else:
            super().action_delete_left()

    def show_line(self, text: str) -> None:
        """Put `text` in, with the cursor at its end; a large one as one word."""
        self.load_text(self._pasted.fold(text))
        self.move_cursor(self.document.end)

    def _send(self) -> None:
        text = self.whole.rstrip()
        if text.strip():
            self.recall.keep(text)
            self.load_text("")
            self._pasted.clear()
            self.post_message(self.Sent(text))

    def _bring_back(self, text: str | None) -> bool:
        if text is not None:
            self.show_line(text)
        return text is not None

    def _fit(self) -> None:
        wanted = max(1, min(MOST_LINES, self.wrapped_document.height))
        if self.styles.height is None or self.styles.height.value != wanted:
            self.styles.height = wanted
