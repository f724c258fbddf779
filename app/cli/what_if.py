"""The options that say how a plan is to differ from what is set."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import click

from app.cli.options import backend_word, complete_backend
from app.core.planning import Change
from app.core.what_if import MOST_CONTEXT
from app.gguf.cache import CacheType
from app.text.address import Address, parse_address

_OPTIONS = (
    click.option("--context", type=click.IntRange(1, MOST_CONTEXT), help="Tokens, instead of what is set."),
    click.option(
        "--cache", type=click.Choice([str(each) for each in CacheType]), help="How the context is stored."
    ),
    click.option(
        "--backends",
        metavar="HOST[:PORT],...",
        default="",
        shell_complete=complete_backend,
        help="Choose from these alone.",
    ),
    click.option(
        "--without", type=backend_word, metavar="HOST[:PORT]", multiple=True, help="Leave this one out."
    ),
    click.option(
        "--with", "forced", type=backend_word, metavar="HOST[:PORT]", multiple=True, help="Use this one."
    ),
    click.option(
        "--all/--fewest", "every", default=None, help="Use every backend, or as few as can hold it."
    ),
    click.option("--anyway", is_flag=True, help="Place every layer also where they do not fit."),
)


def what_if_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets them as one `change` argument."""

    @functools.wraps(command)
    def with_options(
        *args: Any,  # noqa: ANN401  whatever else the command takes
        context: int | None,
        cache: str | None,
        backends: str,
        without: tuple[str, ...],
        forced: tuple[str, ...],
        every: bool | None,
        anyway: bool,
        **rest: Any,  # noqa: ANN401
    ) -> object:
        change = Change(
            context=context,
            cache=CacheType(cache) if cache else None,
            only=_addresses(map(backend_word, backends.split(","))) if backends else None,
            left_out=_addresses(without),
            forced=_addresses(forced),
            every=every,
            anyway=anyway,
        )
        return command(*args, change=change, **rest)

    return functools.reduce(lambda wrapped, option: option(wrapped), reversed(_OPTIONS), with_options)


def _addresses(words: Iterable[str]) -> frozenset[Address]:
    return frozenset(map(parse_address, words))
