"""What goes wrong, in words for a person."""

from __future__ import annotations

_QUOTED = 80
"""More characters of what someone wrote do not help to find it again."""


class Problem(Exception):  # noqa: N818  the word that people are shown
    """Something that a person must know: one sentence, and what to do about it.

    Every error that a face may show is a Problem; any other exception is a fault of the program.
    """

    def __init__(self, sentence: str, remedy: str = "") -> None:
        super().__init__(sentence, remedy)
        self.sentence = sentence
        """What was wrong and where, complete with its full stop."""
        self.remedy = remedy
        """What to do, complete with its full stop; empty where nothing can be done."""

    def __str__(self) -> str:
        return f"{self.sentence} {self.remedy}".rstrip()


def quoted(text: str) -> str:
    """What someone wrote, as a sentence can carry it: short, and nothing that a terminal would obey."""
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[:_QUOTED])
    return f"'{shown}…'" if len(text) > _QUOTED else f"'{shown}'"
