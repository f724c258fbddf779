"""Text that is drawn anew only when it says something else."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class Said(Static):
    """Plain or styled text; what comes from outside is never read as markup."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes, markup=False)
        self._said = Content()

    def say(self, text: Content | str) -> None:
        """Show `text`; the screen is laid out anew only where the height goes with the text."""
        content = Content(text) if isinstance(text, str) else text
        if not content.is_same(self._said):
            self._said = content
            self.update(content, layout=self.styles.is_auto_height)
