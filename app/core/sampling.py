"""How a model is to choose its words: what was said about it, by whom, and in whose names."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from app.config.kinds import TEXT, Kind
from app.config.sampling import SamplingSettings
from app.text.problem import Problem, quoted

OPTIONS = tuple(entry.name for entry in fields(SamplingSettings))
"""Every option, by Ollama's name."""

_IN_LLAMA = {"num_predict": "n_predict"}
"""What llama-server names otherwise. Source: ollama/llm/llama_server.go."""


class Origin(StrEnum):
    """Who said how a model is to answer; the first one counts."""

    CONVERSATION = "this conversation"
    CONFIGURATION = "the configuration"
    MODEL = "the model"


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that was said, and by whom; None where nobody said anything, and the program decides."""

    name: str
    value: object | None = None
    origin: Origin | None = None


def spoken(options: SamplingSettings) -> dict[str, object]:
    """What is set, by name."""
    values = {name: getattr(options, name) for name in OPTIONS}
    return {name: value for name, value in values.items() if value is not None}


def for_llama(options: Mapping[str, object]) -> dict[str, object]:
    """The same options as llama-server names them; what it does not know is left out."""
    return {_IN_LLAMA.get(name, name): value for name, value in options.items() if name in OPTIONS}


def said_of(
    conversation: SamplingSettings, configuration: SamplingSettings, model: Mapping[str, object]
) -> tuple[Said, ...]:
    """Every option with the value that counts and its origin."""
    layers = (
        (Origin.CONVERSATION, spoken(conversation)),
        (Origin.CONFIGURATION, spoken(configuration)),
        (Origin.MODEL, model),
    )
    return tuple(
        next((Said(name, said[name], origin) for origin, said in layers if name in said), Said(name))
        for name in OPTIONS
    )


def with_option(options: SamplingSettings, name: str, text: str) -> SamplingSettings:
    """The options with one more, as a person typed it.

    Raises:
        Problem: there is no such option, or it cannot be that.
    """
    kind, many = _kind(_known(name))
    try:
        value = kind.read(text)
    except ValueError:
        raise Problem(f"'{name}' cannot be {quoted(text)}.", f"It must be {kind.allowed}.") from None
    changed: dict[str, Any] = {name: (value,) if many else value}
    return replace(options, **changed)


def without_option(options: SamplingSettings, name: str) -> SamplingSettings:
    """The options without one.

    Raises:
        Problem: there is no such option.
    """
    return replace(options, **{_known(name): None})


def _known(name: str) -> str:
    if name not in OPTIONS:
        close = get_close_matches(name, OPTIONS, 1)
        remedy = f"Did you mean '{close[0]}'?" if close else f"There are {', '.join(OPTIONS)}."
        raise Problem(f"There is no option {quoted(name)}.", remedy)
    return name


def _kind(name: str) -> tuple[Kind, bool]:
    """What may be written as the value of an option, and whether it may be several."""
    hint = get_type_hints(SamplingSettings, include_extras=True)[name]
    assert get_origin(hint) in (Union, types.UnionType)
    inner = next(each for each in get_args(hint) if each is not types.NoneType)
    if get_origin(inner) is Annotated:
        kind: Kind = get_args(inner)[1]
        return kind, False
    return TEXT, True
