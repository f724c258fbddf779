"""The sampling options: what may be said about how a model chooses its words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from app.config.kinds import Number, WholeNumber

TOKENS = WholeNumber(1, 10_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingSettings:
    """How a model chooses its words, by Ollama's names; null: as the model itself or its program says.

    None of them makes an Ollama node load a model anew, as `num_ctx` and its like would.
    """

    temperature: Annotated[float, Number(0, 100)] | None = None
    """0: always the likeliest word; higher: bolder."""
    top_k: Annotated[int, WholeNumber(0, 1_000_000)] | None = None
    """Only so many of the likeliest words count; 0: all."""
    top_p: Annotated[float, Number(0, 1)] | None = None
    """Only the likeliest words that together are so probable count."""
    min_p: Annotated[float, Number(0, 1)] | None = None
    """Only words count that are so probable, in proportion to the likeliest one."""
    typical_p: Annotated[float, Number(0, 1)] | None = None
    """Only words count that are about as surprising as is typical; 1: all."""
    seed: Annotated[int, WholeNumber(0, 4_294_967_295)] | None = None
    """The same seed gives the same answer on the same engine."""
    num_predict: Annotated[int, TOKENS] | None = None
    """The answer ends after so many tokens."""
    repeat_penalty: Annotated[float, Number(0, 100)] | None = None
    """Above 1: words that were said become less likely."""
    repeat_last_n: Annotated[int, WholeNumber(0, 10_000_000)] | None = None
    """So many of the last tokens count as said."""
    presence_penalty: Annotated[float, Number(-2, 2)] | None = None
    """Above 0: words that were said at all become less likely."""
    frequency_penalty: Annotated[float, Number(-2, 2)] | None = None
    """Above 0: words become the less likely the more often they were said."""
    stop: tuple[str, ...] | None = None
    """The answer ends before any of these texts."""
