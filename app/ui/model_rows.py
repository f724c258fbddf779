"""How a model is shown in the list to choose from: one line of columns, and what there is no room for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from app.core.models import Model
from app.core.routing import Lack, Route, Target
from app.text.units import UNKNOWN, bytes_text, count_text, plural
from app.ui.plain import plain_line

ASKING = "…"
"""Where it would run, as long as that is not known."""

_LEAST_NAME = 18
_WIDTHS = {"parameters": 8, "bytes": 10, "quantization": 9, "context": 9, "where": 28}
_LEAST_USED = ("context", "quantization", "parameters", "bytes", "where")
_RIGHT = frozenset({"parameters", "bytes", "context"})
_CHOSEN, _OTHER = "● ", "  "
_REMEDIES: Mapping[Lack, str] = {
    Lack.NODE: "Pull it on a node that is up, or take its pin out of routing.pins in the settings.",
    Lack.FILE: "Pull it on this box with 'ollama pull', or add a node that has it with 'add URL'.",
    Lack.LOADABLE: "Choose another, or add an Ollama node that runs it with 'add URL'.",
    Lack.MEMORY: "ctrl+l tries other contexts and backends.",
    Lack.HELD: "Or have placement.swap be 'always' in the settings, which stops those that answer, too.",
    Lack.ENGINE: "Or add an Ollama node that has it with 'add URL'.",
}


def columns(width: int) -> tuple[str, ...]:
    """The columns beside the name that there is room for."""
    shown = list(_WIDTHS)
    for column in _LEAST_USED:
        if width - len(_OTHER) - sum(_WIDTHS[each] for each in shown) >= _LEAST_NAME:
            break
        shown.remove(column)
    return tuple(shown)


def heading(width: int) -> str:
    """What stands over the columns."""
    titles = {"parameters": "params", "bytes": "size", "quantization": "quant", "where": "runs on"}
    shown = columns(width)
    cells = (_cell(column, titles.get(column, column)) for column in shown)
    return f"{_OTHER}{_fit('model', _name_width(width, shown))}{''.join(cells)}"


def model_row(model: Model, route: Route | None, name: Content, width: int, *, chosen: bool) -> Content:
    """One line; `name` is its name with what was looked for marked."""
    shown = columns(width)
    facts = model.facts
    texts = {
        "parameters": count_text(facts.parameters),
        "bytes": bytes_text(facts.size),
        "quantization": facts.quantization or UNKNOWN,
        "context": UNKNOWN if facts.context is None else f"{facts.context:,}",
    }
    numbers = "".join(_cell(column, texts[column]) for column in shown if column in texts)
    place = _cell("where", where(route)) if "where" in shown else ""
    tone = "$text-warning" if route is not None and route.lack else ""
    return Content.assemble(
        (_CHOSEN if chosen else _OTHER, "$text-accent"),
        _fit_content(name, _name_width(width, shown)),
        (numbers, "$text-muted"),
        (place, tone),
    )


def where(route: Route | None) -> str:
    """Where it would run, or why it cannot, in a few words."""
    if route is None:
        return ASKING
    if route.lack is not None:
        return f"{UNKNOWN} {route.lack}"
    if route.target is Target.OLLAMA:
        return f"ollama {(route.node or UNKNOWN).removeprefix('http://')}"
    if route.backends:
        return f"distributed over {plural(len(route.backends), 'backend')}"
    return "this box alone"


def details(model: Model, route: Route | None) -> Content:
    """The whole name, why it would run there and what to know of it; or why it cannot, and what to do."""
    said = [plain_line(model.name)]
    if model.facts.context is not None:
        said.append(f"context {model.facts.context:,}")
    lines = [Content("  ".join(said)), *_why(route)]
    return Content("\n").join(lines)


def _why(route: Route | None) -> list[Content]:
    if route is None:
        return []
    if route.lack is None:
        cautions = [Content.styled(plain_line(caution), "$text-warning") for caution in route.cautions]
        return [Content(plain_line(" ".join(route.reasons[1:]))), *cautions]
    why = Content.styled(plain_line(route.reasons[-1]), "$text-warning")
    return [why, Content.styled(_REMEDIES[route.lack], "$text-accent")]


def _name_width(width: int, shown: Sequence[str]) -> int:
    return width - len(_OTHER) - sum(_WIDTHS[column] for column in shown)


def _cell(column: str, text: str) -> str:
    """At its side of the column, with a gap on its left."""
    room = _WIDTHS[column] - 2
    fitted = _fit(text, room) if cell_len(text) > room else text
    return "  " + (fitted.rjust(room) if column in _RIGHT else set_cell_size(fitted, room))


def _fit(text: str, width: int) -> str:
    """Exactly so wide, cut with an ellipsis where it is longer."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return f"{set_cell_size(text, max(0, width - 1))}…"


def _fit_content(text: Content, width: int) -> Content:
    return text.truncate(max(1, width), ellipsis=True, pad=True)
