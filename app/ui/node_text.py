"""What the screen of one node says: the node itself, and a row for each of its models."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from textual.content import Content

from app.core.pool import Node
from app.core.pulls import Pull
from app.ollama.client import LoadedModel, NodeModel
from app.ollama.names import same_model
from app.text.units import UNKNOWN, bytes_text, milliseconds_text, plural
from app.ui.expiry import expiry_text
from app.ui.panes.node_rows import STATES, last_error, latency_sparks, vram_text
from app.ui.plain import plain_line
from app.ui.pull_text import share_text
from app.ui.steady import Steady
from app.ui.widgets.ledger import Cell, Column, Row

_NAME = Column("model", "model", 26)
_BASIC = (
    Column("size", "size", 10, right=True),
    Column("state", "  state", 16),
    Column("vram", "in memory", 19),
    Column("expires", "expires", 8, right=True),
)
_SHAPE = (Column("parameters", "params", 8, right=True), Column("quantization", "  quant", 10))
_MARGIN = 1
_MOST_NAME = 60
_SPARKS = 10


def model_columns(width: int) -> tuple[Column, ...]:
    """Those that `width` holds; the names have what is left."""
    size, *rest = _BASIC
    fixed = sum(column.width for column in _BASIC) + _MARGIN
    roomy = width >= fixed + _NAME.width + sum(column.width for column in _SHAPE)
    shown = (size, *_SHAPE, *rest) if roomy else _BASIC
    left = width - sum(column.width for column in shown) - _MARGIN
    return (Column("model", "model", max(12, min(_MOST_NAME, left))), *shown)


def node_facts(node: Node, latency: Steady) -> Content:
    """How it is, in one or two lines; `latency` is that which is shown of it so far."""
    state = STATES[node.up]
    milliseconds = milliseconds_text(latency.show(node.latency_ms))
    tone = {"good": "$text-success", "error": "$text-error"}.get(state.tone, "$text-muted")
    said = [
        f"version {node.version or UNKNOWN}",
        f"{milliseconds} ms {latency_sparks(node, _SPARKS).lstrip()}".rstrip(),
        f"{plural(node.in_flight, 'request')} of ours",
        f"from {node.origin}",
    ]
    over = node.last_error and not node.detail.startswith(node.last_error)
    troubles = [text for text in (node.detail, f"last error {last_error(node)}" if over else "") if text]
    return Content.assemble(
        (state.text, tone),
        plain_line(f"  {'  '.join(said)}"),
        *((f"\n{plain_line(trouble)}", "$text-muted") for trouble in troubles),
    )


def model_rows(node: Node, pulls: Sequence[Pull], now: datetime) -> dict[str, Row]:
    """A row for each model that the node has, has loaded, or is pulling; by its name."""
    names = {model.name: model for model in node.models}
    rows = {name: _row(model, _loaded(node, name), _pull(pulls, name), now) for name, model in names.items()}
    for pull in pulls:
        if not any(same_model(pull.model, name) for name in rows):
            rows[pull.model] = _row(NodeModel(pull.model, size=pull.total), None, pull, now)
    return rows


def model_details(model: NodeModel) -> str:
    """What the row of a model has no room for."""
    said = [
        f"{what} {value}"
        for what, value in (
            ("family", model.family),
            ("context", model.context_length),
            ("can", ", ".join(sorted(model.capabilities or ()))),
            ("changed", model.modified and f"{model.modified:%Y-%m-%d}"),
            ("digest", model.digest and model.digest[:12]),
        )
        if value
    ]
    return plain_line("  ".join(said))


def _row(model: NodeModel, loaded: LoadedModel | None, pull: Pull | None, now: datetime) -> Row:
    return {
        "model": Cell(model.name),
        "size": Cell(bytes_text(model.size)),
        "parameters": Cell(model.parameter_text or UNKNOWN),
        "quantization": Cell(f"  {model.quantization or UNKNOWN}"),
        "state": _state(model, loaded, pull),
        "vram": Cell(vram_text(loaded) if loaded else ""),
        "expires": Cell(expiry_text(loaded.expires, now) if loaded else ""),
    }


def _state(model: NodeModel, loaded: LoadedModel | None, pull: Pull | None) -> Cell:
    if pull is not None:
        return Cell(f"  pull {share_text(pull)}" if pull.share is not None else f"  {pull.status}", "warning")
    if loaded is not None:
        return Cell("  loaded", "good")
    return Cell("  in the cloud" if model.remote else "  on disk", "muted")


def _loaded(node: Node, name: str) -> LoadedModel | None:
    return next((model for model in node.loaded if same_model(model.name, name)), None)


def _pull(pulls: Sequence[Pull], name: str) -> Pull | None:
    return next((pull for pull in pulls if same_model(pull.model, name)), None)
