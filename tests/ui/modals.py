"""Every screen over the main one, made for a console that has something to show."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any

import app.ui.screens
from app.rpc.probe import BackendState, Probe
from app.text.address import Address
from app.ui.screens.ask import AskScreen
from app.ui.screens.backend import BackendScreen
from app.ui.screens.box import BoxScreen
from app.ui.screens.confirm import ConfirmScreen
from app.ui.screens.conversations import ConversationsScreen
from app.ui.screens.copied import CopyScreen
from app.ui.screens.keys import KeysScreen
from app.ui.screens.leave import LeaveScreen
from app.ui.screens.modal import Modal
from app.ui.screens.models import ModelScreen
from app.ui.screens.node import NodeScreen
from app.ui.screens.plan import PlanScreen
from app.ui.screens.sheet import SheetScreen
from app.ui.screens.themes import ThemeScreen
from app.ui.screens.welcome import WelcomeScreen
from app.ui.sheets import Section
from tests.support.box import reading
from tests.support.console import OTHER, UP, Console, ready_status
from tests.support.plans import LARGE, planned_over

LINES = tuple((f"line {number}", "what it says") for number in range(100))


def _ignore(_line: str) -> None:
    """Nothing is done."""


def _many_cores(console: Console) -> BoxScreen:
    console.cluster.box.latest = reading(per_core=(1.0,) * 64)
    return BoxScreen(console.cluster)


def _probed_often(console: Console) -> Address:
    """A backend that changes its mind, so that each probe is a line."""
    for number in range(100):
        state = BackendState.REFUSED if number % 2 else BackendState.NO_ANSWER
        console.cluster.backends.take(Probe(OTHER, state, detail=f"for the {number}th time"), "state")
    return OTHER


MODALS: Mapping[type[Modal[Any]], Callable[[Console], Modal[Any]]] = {
    AskScreen: lambda _: AskScreen("Title", "what is to be typed", str),
    BackendScreen: lambda console: BackendScreen(console.cluster, _probed_often(console), _ignore),
    BoxScreen: _many_cores,
    ConfirmScreen: lambda _: ConfirmScreen("Delete", "Delete it?", "Yes, delete it"),
    ConversationsScreen: lambda console: ConversationsScreen(
        console.cluster.conversations, console.main.undo
    ),
    CopyScreen: lambda _: CopyScreen("Text", "\n".join(key for key, _ in LINES)),
    KeysScreen: lambda _: KeysScreen(LINES),
    LeaveScreen: lambda _: LeaveScreen(ready_status()),
    ModelScreen: lambda console: ModelScreen(console.cluster, _ignore),
    NodeScreen: lambda console: NodeScreen(console.cluster, UP.url, _ignore),
    PlanScreen: lambda console: PlanScreen(console.cluster, LARGE, planned_over(console.cluster)),
    SheetScreen: lambda _: SheetScreen("Sheet", (Section(LINES),)),
    ThemeScreen: lambda console: ThemeScreen(sorted(console.app.available_themes), console.app.theme),
    WelcomeScreen: lambda console: WelcomeScreen(console.cluster, _ignore),
}
"""How each is made."""


def all_modals() -> set[type[Modal[Any]]]:
    """Every kind there is, also those that nobody has put into the table above."""
    for module in pkgutil.iter_modules(app.ui.screens.__path__, "app.ui.screens."):
        importlib.import_module(module.name)
    found, left = set[type[Modal[Any]]](), [*Modal.__subclasses__()]
    while left:
        kind = left.pop()
        found.add(kind)
        left.extend(kind.__subclasses__())
    return {kind for kind in found if kind.__module__.startswith("app.")}
