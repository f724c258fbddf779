"""`MODEL [on NODE] [for TIME]`: what is to be done with a model, where, and for how long."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.ollama.client import KeepAlive
from app.ollama.names import parse_name
from app.text.address import parse_node_url
from app.text.problem import Problem, quoted

_ORDER = re.compile(r"(?P<model>\S+)(?:\s+on\s+(?P<node>\S+))?(?:\s+for\s+(?P<time>\S+))?", re.IGNORECASE)
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h))+")
_FOR_EVER = "ever"


@dataclass(frozen=True, slots=True)
class ModelOrder:
    """One model, the node that is meant if one is named, and how long it is to stay loaded."""

    model: str
    url: str | None = None
    keep_alive: KeepAlive | None = None


def parse_model_order(text: str) -> ModelOrder:
    """The order that `text` gives.

    Raises:
        Problem: it is of another form, or one of its parts cannot be one.
    """
    match = _ORDER.fullmatch(text.strip())
    if match is None:
        raise Problem(f"{quoted(text)} is not of the form MODEL [on NODE] [for TIME].")
    parse_name(match["model"])
    url = parse_node_url(match["node"]) if match["node"] else None
    return ModelOrder(match["model"], url, _keep_alive(match["time"]) if match["time"] else None)


def parse_without_time(text: str) -> ModelOrder:
    """As `parse_model_order`, where a time makes no sense.

    Raises:
        Problem: as there, or a time is given.
    """
    order = parse_model_order(text)
    if order.keep_alive is not None:
        raise Problem("Only loading takes a time.", "Leave out 'for' and what follows.")
    return order


def order_text(model: str, url: str) -> str:
    """How an order is written."""
    return f"{model} on {url}"


def _keep_alive(time: str) -> KeepAlive:
    if time.lower() == _FOR_EVER:
        return -1
    if not _DURATION.fullmatch(time):
        raise Problem(f"{quoted(time)} is no time.", "Write 30m, 2h or 1h30m, or 'for ever'.")
    return time
