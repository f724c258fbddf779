"""Large texts in a prompt, each shown as one word of it."""

from __future__ import annotations

import re

from app.text.units import bytes_text

MOST_LINES, MOST_CHARACTERS = 50, 8_000
"""A text with more is folded: a field of text is slow with it, and nobody reads it there."""


class Pasted:
    """Holds the texts that the words stand for."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def fold(self, text: str) -> str:
        """The word for `text`; a text that is not large stays as it is."""
        lines = len(text.splitlines())
        if lines <= MOST_LINES and len(text) <= MOST_CHARACTERS:
            return text
        size = f"{lines:,} line{'' if lines == 1 else 's'}, {bytes_text(len(text.encode()))}"
        word, count = f"[pasted: {size}]", 1
        while self._texts.get(word, text) != text:
            count += 1
            word = f"[pasted: {size}, number {count}]"
        self._texts[word] = text
        return word

    def whole(self, folded: str) -> str:
        """`folded` with the texts in place of their words."""
        if not self._texts:
            return folded
        # In one pass: a text may have such a word in it.
        words = "|".join(map(re.escape, self._texts))
        return re.sub(words, lambda found: self._texts[found[0]], folded)

    def word_before(self, line: str) -> str:
        """The word that `line` ends with; empty where it ends with something else."""
        return next((word for word in self._texts if line.endswith(word)), "")

    def clear(self) -> None:
        """Forget them all."""
        self._texts.clear()
