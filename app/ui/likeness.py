"""Fuzzy search: how like a name is to what was typed.

Textual's own matcher tries every way in which the letters can lie in the name, which takes it minutes for a
dozen equal letters; here each word is looked for once, so that typing never waits.
"""

from __future__ import annotations

from dataclasses import dataclass

_WHOLE, _START = 2.0, 1.0


@dataclass(frozen=True, slots=True)
class Likeness:
    """That a name has all that was typed: how well, and where its letters are."""

    score: float
    """To be compared with those of other names."""
    places: tuple[int, ...]
    """Of the letters that were looked for, in the name."""


def likeness(typed: str, name: str) -> Likeness | None:
    """How like `name` is to the words of `typed`, each whole or letter by letter; None where it is not."""
    folded = name.lower()
    score, places = 0.0, set[int]()
    for word in typed.lower().split():
        found = _whole(word, folded) or _scattered(word, folded)
        if found is None:
            return None
        score += found.score
        places.update(found.places)
    return Likeness(score, tuple(sorted(places)))


def _whole(word: str, name: str) -> Likeness | None:
    """The word as it is, best where a word of the name begins with it."""
    ats = [at for at in range(len(name)) if name.startswith(word, at)]
    if not ats:
        return None
    at = next((at for at in ats if _begins_word(name, at)), ats[0])
    score = _WHOLE + _START * _begins_word(name, at) + len(word) / len(name)
    return Likeness(score, tuple(range(at, at + len(word))))


def _scattered(word: str, name: str) -> Likeness | None:
    """The letters in their order, ending as early as can be, and from there as close together as can be."""
    at = -1
    for letter in word:
        at = name.find(letter, at + 1)
        if at < 0:
            return None
    places = [at]
    for letter in reversed(word[:-1]):
        places.append(name.rindex(letter, 0, places[-1]))
    places.reverse()
    spread = places[-1] - places[0] + 1
    starts = sum(_begins_word(name, place) for place in places)
    return Likeness((len(word) / spread + starts / len(word)) / 2, tuple(places))


def _begins_word(name: str, at: int) -> bool:
    return at == 0 or not name[at - 1].isalnum() or name[at].isdigit() > name[at - 1].isdigit()
