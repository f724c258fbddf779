"""The last requests of a coordinator, as rows of a table."""

from __future__ import annotations

from app.core.requests import Request, RequestState
from app.text.units import UNKNOWN, duration_text
from app.ui.widgets.ledger import Cell, Column, Row

_COLUMNS = (
    Column("task", "task", 6),
    Column("prompt", "prompt", 7, right=True),
    Column("prompt rate", "t/s", 8, right=True),
    Column("answer", "answer", 7, right=True),
    Column("answer rate", "t/s", 8, right=True),
    Column("took", "took", 10, right=True),
    Column("state", "", 10),
)
_SLOT = Column("slot", "slot", 6, right=True)
_TONES = {RequestState.RUNNING: "good", RequestState.CANCELLED: "warning"}


def columns(width: int) -> tuple[Column, ...]:
    """The columns that there is room for, each wide enough for what stands in it."""
    whole = (*_COLUMNS, _SLOT)
    return whole if sum(column.width for column in whole) <= width else _COLUMNS


def row_of(request: Request) -> Row:
    """One request."""
    return {
        "task": Cell(str(request.task)),
        "slot": Cell(str(request.slot), "muted"),
        "prompt": Cell(_count(request.prompt_tokens)),
        "prompt rate": Cell(_rate(request.prompt_rate), "muted"),
        "answer": Cell(_count(request.generated)),
        "answer rate": Cell(_rate(request.generation_rate), "muted"),
        "took": Cell(duration_text(request.took_s)),
        "state": Cell(str(request.state), _TONES.get(request.state, "")),
    }


def row_text(request: Request) -> str:
    """One request in a sentence, to be copied."""
    return (
        f"task {request.task} slot {request.slot}: prompt {_count(request.prompt_tokens)} tokens, "
        f"{_rate(request.prompt_rate)} t/s; answer {_count(request.generated)} tokens, "
        f"{_rate(request.generation_rate)} t/s; {request.state}"
    )


def _count(tokens: int | None) -> str:
    return UNKNOWN if tokens is None else f"{tokens:,}"


def _rate(rate: float | None) -> str:
    return UNKNOWN if rate is None else f"{rate:,.1f}"
