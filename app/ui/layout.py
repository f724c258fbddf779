"""How the panes share the screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from app.config.state import Layout
from app.ui.panes.pane import Pane
from app.ui.places import SIDE, Place

if TYPE_CHECKING:
    from app.ui.screens.main import MainScreen

HEIGHTS = {Place.BACKENDS: 32, Place.NODES: 26, Place.COORDINATOR: 42}
LEAST, MOST, STEP = 20, 80, 5

PRESETS: Mapping[str, Layout] = {
    "reset": Layout(),
    "chat": Layout(side=35),
    "watch": Layout(side=65),
    "log": Layout(side=60, heights={Place.BACKENDS: 20, Place.NODES: 20, Place.COORDINATOR: 60}),
    "left": Layout(swapped=True),
}
"""Whole layouts by name."""


def arrange(screen: MainScreen, layout: Layout) -> None:
    """Put the panes where `layout` says."""
    side, panes = screen.query_one("#side"), screen.query_one("#panes")
    side.styles.width = f"{layout.side}fr"
    screen.chat.styles.width = f"{100 - layout.side}fr"
    first, second = (side, screen.chat) if layout.swapped else (screen.chat, side)
    if panes.children[0] is not first:
        panes.move_child(first, before=second)
    places = order_of(layout)
    for index, place in enumerate(places):
        pane = screen.query_one(f"#{place.value}", Pane)
        pane.styles.height = f"{height_of(layout, place)}fr"
        if side.children[index] is not pane:
            side.move_child(pane, before=index)
    for pane in screen.query(Pane):
        pane.set_class(pane.PLACE in layout.hidden, "-hidden")
    side.set_class(all(place in layout.hidden for place in SIDE), "-hidden")


def order_of(layout: Layout) -> list[Place]:
    """The side column from the top."""
    named = [place for name in dict.fromkeys(layout.order) for place in SIDE if place == name]
    return [*named, *(place for place in SIDE if place not in named)]


def height_of(layout: Layout, place: Place) -> int:
    """What a pane of the side column has of its height, in proportion to the others."""
    return layout.heights.get(place, HEIGHTS[place])


def wider(layout: Layout, place: Place, step: int) -> Layout:
    """The column of `place` wider by `step` percent, or narrower."""
    side = layout.side + (step if place in SIDE else -step)
    return replace(layout, side=min(MOST, max(LEAST, side)))


def taller(layout: Layout, place: Place, step: int) -> Layout:
    """A pane of the side column taller, or less tall."""
    height = min(MOST, max(10, height_of(layout, place) + step))
    return replace(layout, heights={**layout.heights, place.value: height})


def moved(layout: Layout, place: Place, step: int) -> Layout:
    """A pane of the side column one place further down, or up."""
    order = order_of(layout)
    at = order.index(place)
    to = min(len(order) - 1, max(0, at + step))
    order[at], order[to] = order[to], order[at]
    return replace(layout, order=tuple(place.value for place in order))


def without(layout: Layout, place: Place) -> Layout:
    """The layout with one pane hidden."""
    return replace(layout, hidden=tuple(dict.fromkeys((*layout.hidden, place.value))))


def with_shown(layout: Layout, place: Place) -> Layout:
    """The layout with one pane shown again."""
    return replace(layout, hidden=tuple(name for name in layout.hidden if name != place))
