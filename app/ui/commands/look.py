"""The commands for themes and for the layout."""

from __future__ import annotations

from dataclasses import replace

from app.text.problem import Problem
from app.ui import layout as layouts
from app.ui.command import Argument, Command
from app.ui.commands import hindrances, offers
from app.ui.deeds import look as deeds
from app.ui.places import Place


def _check_pane(text: str) -> object:
    if text not in tuple(Place):
        raise Problem(f"There is no pane '{text}'.", f"They are {', '.join(Place)}.")
    return text


def _check_preset(text: str) -> object:
    if text not in layouts.PRESETS:
        raise Problem(f"There is no layout '{text}'.", f"They are {', '.join(layouts.PRESETS)}.")
    return text


LOOK = (
    Command(
        "theme",
        "Choose the colours; without a name, from a list that shows them",
        deeds.choose_theme,
        Argument("NAME", required=False, choices=lambda screen: sorted(screen.app.available_themes)),
    ),
    Command(
        "layout",
        "Share the screen in another way: reset, chat, watch, log or left",
        deeds.use_preset,
        Argument("NAME", choices=lambda _screen: layouts.PRESETS, check=_check_preset),
    ),
    Command(
        "wider",
        "Give the column of this pane more of the width",
        deeds.rearrange(lambda layout, place: layouts.wider(layout, place, layouts.STEP)),
        keys=("greater_than_sign",),
    ),
    Command(
        "narrower",
        "Give the column of this pane less of the width",
        deeds.rearrange(lambda layout, place: layouts.wider(layout, place, -layouts.STEP)),
        keys=("less_than_sign",),
    ),
    Command(
        "taller",
        "Give this pane more of the side column",
        deeds.rearrange(lambda layout, place: layouts.taller(layout, place, layouts.STEP)),
        keys=("plus",),
        why_not=hindrances.beside_the_side,
    ),
    Command(
        "shorter",
        "Give this pane less of the side column",
        deeds.rearrange(lambda layout, place: layouts.taller(layout, place, -layouts.STEP)),
        keys=("minus",),
        why_not=hindrances.beside_the_side,
    ),
    Command(
        "move up",
        "Put this pane one place up in the side column",
        deeds.rearrange(lambda layout, place: layouts.moved(layout, place, -1)),
        why_not=hindrances.beside_the_side,
    ),
    Command(
        "move down",
        "Put this pane one place down in the side column",
        deeds.rearrange(lambda layout, place: layouts.moved(layout, place, 1)),
        why_not=hindrances.beside_the_side,
    ),
    Command(
        "swap",
        "Put the side column at the other side",
        deeds.rearrange(lambda layout, _place: replace(layout, swapped=not layout.swapped)),
    ),
    Command(
        "hide",
        "Hide this pane, or the named one",
        deeds.hide,
        Argument("PANE", required=False, choices=lambda _screen: tuple(Place), check=_check_pane),
    ),
    Command(
        "show",
        "Show a pane that was hidden",
        deeds.show,
        Argument(
            "PANE",
            choices=offers.hidden_panes,
            check=_check_pane,
        ),
    ),
)
