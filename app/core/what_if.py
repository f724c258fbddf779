"""From one what-if to the next: what a person tries on a plan, step by step."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace

from app.core.plan import Misfit, Suggestion
from app.core.planning import Change, Planned
from app.gguf.cache import CacheType
from app.text.address import Address
from app.text.problem import Problem, quoted

LEAST_CONTEXT = 256
"""Fewer are not to be had: llama.cpp rounds up to a multiple of it."""
MOST_CONTEXT = 10_000_000
CACHES = (CacheType.F16, CacheType.Q8_0, CacheType.Q5_1, CacheType.Q5_0, CacheType.Q4_1, CacheType.Q4_0)
"""Each smaller than the one before."""

_TOKENS = re.compile(r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,9}) ?(k?)", re.IGNORECASE)


def toggled(change: Change, planned: Planned, address: Address) -> Change:
    """The other thing that can become of a backend: left out, asked for, or as planned again.

    Raises:
        Problem: it cannot be used at all.
    """
    if address in change.left_out:
        return replace(change, left_out=change.left_out - {address})
    if address in change.forced:
        return replace(change, forced=change.forced - {address})
    excluded = next((each for each in planned.excluded if each.address == address), None)
    if excluded is None:
        return replace(change, left_out=change.left_out | {address})
    if not excluded.usable:
        raise Problem(f"{address} cannot be used. {excluded.reason}")
    return replace(change, forced=change.forced | {address})


def more_context(change: Change, planned: Planned, trained: int | None) -> Change:
    """Twice the context; what the model was trained for is not jumped over."""
    now = change.context or planned.context
    doubled = min(2 * now, MOST_CONTEXT)
    if trained is not None and now < trained < doubled:
        doubled = trained
    return replace(change, context=doubled)


def less_context(change: Change, planned: Planned) -> Change:
    """Half the context."""
    half = (change.context or planned.context) // 2 // LEAST_CONTEXT * LEAST_CONTEXT
    return replace(change, context=max(LEAST_CONTEXT, half))


def parse_context(text: str) -> int:
    """A context as people write it, in tokens: `8192`, `8,192`, `8k`.

    Raises:
        Problem: it is none.
    """
    match = _TOKENS.fullmatch(text.strip())
    tokens = int(match[1].replace(",", "")) * (1024 if match[2] else 1) if match else 0
    if not 1 <= tokens <= MOST_CONTEXT:
        raise Problem(
            f"A context of {quoted(text)} is not possible.",
            f"Type tokens, from 1 to {MOST_CONTEXT:,}: 8192 or 8k.",
        )
    return tokens


def next_cache(change: Change, planned: Planned) -> Change:
    """The next smaller type of cache, for keys and values; after the smallest the first again."""
    k, v = (change.cache, change.cache) if change.cache else (planned.k, planned.v)
    place = CACHES.index(CacheType(k)) + 1 if k == v and k in CACHES else 0
    return replace(change, cache=CACHES[place % len(CACHES)])


def taken(change: Change, suggestion: Suggestion) -> Change | None:
    """The change with what is suggested; None where that takes more than a change.

    One type for keys and another for values cannot be had by a change either.
    """
    wish = suggestion.wish
    if suggestion.more_bytes is not None or wish.k != wish.v:
        return None
    return replace(change, context=wish.context, cache=wish.k)


def ways_out(change: Change, planned: Planned) -> tuple[Change, ...]:
    """The changes after which it fits, in the order of the suggestions; none where it fits already."""
    nearest = planned.nearest if isinstance(planned, Misfit) else ()
    found = (taken(change, suggestion) for suggestion in nearest)
    return tuple(way for way in found if way is not None)


def command_words(model: str, change: Change) -> str:
    """The command that prints the same plan."""
    return shlex.join(("synaptic-tui", "plan", model, *_options(change)))


def _options(change: Change) -> Iterator[str]:
    if change.context is not None:
        yield from ("--context", str(change.context))
    if change.cache is not None:
        yield from ("--cache", change.cache)
    if change.only is not None:
        yield from ("--backends", ",".join(map(str, sorted(change.only))))
    for address in sorted(change.left_out):
        yield from ("--without", str(address))
    for address in sorted(change.forced):
        yield from ("--with", str(address))
    if change.every is not None:
        yield "--all" if change.every else "--fewest"
    if change.anyway:
        yield "--anyway"
