"""The one table of commands: keys, `:` line, `/` lines, palette and help are all made from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.binding import Binding, BindingType

from app.text.address import parse_address, parse_node_url
from app.text.problem import Problem
from app.ui import deeds
from app.ui.command import Argument, Command
from app.ui.places import EVERYWHERE, Place

if TYPE_CHECKING:
    from app.ui.screens.main import MainScreen


def _model_names(screen: MainScreen) -> Iterable[str]:
    return (model.name for model in screen.cluster.models())


def _backend_addresses(screen: MainScreen) -> Iterable[str]:
    return (str(backend.address) for backend in screen.cluster.backends.known)


def _node_urls(screen: MainScreen) -> Iterable[str]:
    return (node.url for node in screen.cluster.pool.nodes)


def _members(screen: MainScreen) -> Iterable[str]:
    return (*_node_urls(screen), *_backend_addresses(screen))


def _check_member(text: str) -> object:
    return parse_node_url(text) if deeds.names_a_node(text) else parse_address(text)


def _check_switch(text: str) -> object:
    if text not in ("on", "off"):
        raise Problem(f"Distribution cannot be '{text}'.", "Type 'distributed on' or 'distributed off'.")
    return text


def _while_sweeping(screen: MainScreen) -> str | None:
    return "A sweep is under way; Esc ends it." if screen.cluster.discovery.running else None


def _without_coordinator(screen: MainScreen) -> str | None:
    return None if screen.cluster.coordinators.running else "No coordinator is running."


def _without_backend(screen: MainScreen) -> str | None:
    return None if screen.cluster.backends.known else "No backend is known."


def _without_member(screen: MainScreen) -> str | None:
    return None if any(_members(screen)) else "No node and no backend is known."


def _without_turn(screen: MainScreen) -> str | None:
    return None if screen.chat.transcript.turns else "Nothing was asked yet."


def _without_gateway(_screen: MainScreen) -> str | None:
    return "The dashboard arrives with the gateway, which this version does not have yet."


_A_MODEL = Argument("MODEL", required=False, choices=_model_names)

COMMANDS = (
    Command("help", "All commands and keys", deeds.show_help, keys=("question_mark", "f1"), label="help"),
    Command(
        "quit",
        "Leave; asks what becomes of a running coordinator",
        deeds.leave,
        aliases=("exit", "q"),
        keys=("q", "ctrl+q"),
        label="quit",
    ),
    Command(
        "rpc discover",
        "Sweep the networks for backends",
        deeds.discover,
        aliases=("discover",),
        keys=("d",),
        why_not=_while_sweeping,
        label="discover",
    ),
    Command(
        "rpc add",
        "Add a backend, and probe it at once",
        deeds.add_backend,
        Argument("HOST[:PORT]", check=parse_address),
        aliases=("backends add",),
        keys=("a",),
        where=frozenset({Place.CHAT, Place.BACKENDS}),
        label="add",
    ),
    Command(
        "rpc remove",
        "Forget a backend",
        deeds.remove_backend,
        Argument(
            "HOST[:PORT]",
            choices=_backend_addresses,
            check=parse_address,
            first=lambda screen: screen.selected_backend or "",
        ),
        aliases=("backends remove",),
        keys=("x",),
        where=frozenset({Place.BACKENDS}),
        why_not=_without_backend,
        label="remove",
    ),
    Command(
        "add",
        "Add an Ollama node by its URL, or a backend by HOST[:PORT]",
        deeds.add_member,
        Argument("URL", check=_check_member, first=lambda _screen: "http://"),
        aliases=("nodes add",),
        keys=("a",),
        where=frozenset({Place.NODES}),
        label="add",
    ),
    Command(
        "remove",
        "Forget an Ollama node or a backend",
        deeds.remove_member,
        Argument(
            "URL",
            choices=_members,
            check=_check_member,
            first=lambda screen: screen.selected_node or "",
        ),
        aliases=("nodes remove",),
        keys=("x",),
        where=frozenset({Place.NODES}),
        why_not=_without_member,
        label="remove",
    ),
    Command(
        "start",
        "Load a model with a coordinator now, instead of with the first prompt",
        deeds.start,
        _A_MODEL,
        keys=("u",),
        where=frozenset({Place.COORDINATOR}),
        label="start",
    ),
    Command(
        "stop",
        "Stop the coordinator; its backends are free again",
        deeds.stop,
        keys=("x",),
        where=frozenset({Place.COORDINATOR}),
        why_not=_without_coordinator,
        label="stop",
    ),
    Command(
        "model",
        "Choose the model that prompts go to; without a name, from a list",
        deeds.choose_model,
        Argument("NAME", required=False, choices=_model_names),
        aliases=("models",),
        keys=("m", "ctrl+r"),
        label="model",
    ),
    Command(
        "route",
        "Where a prompt would go, and why",
        deeds.show_route,
        _A_MODEL,
        keys=("r",),
        label="route",
    ),
    Command(
        "distributed",
        "Spread large models over the backends, or not; without a word, the other way",
        deeds.distribute,
        Argument("on|off", required=False, choices=lambda _screen: ("on", "off"), check=_check_switch),
        keys=("D",),
    ),
    Command("status", "The whole cluster at a glance", deeds.show_status, keys=("s",), label="status"),
    Command("zoom", "One pane alone, or all of them again", deeds.zoom, keys=("z",), label="zoom"),
    Command(
        "cancel",
        "End the answer or the sweep that is under way; leave the prompt",
        deeds.cancel,
        keys=("escape",),
    ),
    Command("chat", "Go to the prompt", deeds.go(Place.CHAT), keys=("1", "alt+1")),
    Command(
        "rpc list",
        "Go to the list of backends",
        deeds.go(Place.BACKENDS),
        aliases=("list", "backends", "backends list"),
        keys=("2", "alt+2"),
    ),
    Command(
        "nodes",
        "Go to this box and the Ollama nodes",
        deeds.go(Place.NODES),
        aliases=("nodes list",),
        keys=("3", "alt+3"),
    ),
    Command("coordinator", "Go to the coordinator", deeds.go(Place.COORDINATOR), keys=("4", "alt+4")),
    Command("next pane", "Go to the next pane", deeds.go_by(1), keys=("tab",), label="next pane"),
    Command("previous pane", "Go to the pane before", deeds.go_by(-1), keys=("shift+tab",)),
    Command(
        "why",
        "Show or hide the reasons of the newest answer's route",
        deeds.toggle_reasons,
        keys=("w",),
        where=frozenset({Place.CHAT}),
        why_not=_without_turn,
        label="why",
    ),
    Command(
        "thinking",
        "Show or hide what the model thought before its newest answer",
        deeds.toggle_thinking,
        keys=("t",),
        where=frozenset({Place.CHAT}),
        why_not=_without_turn,
        label="thinking",
    ),
    Command(
        "clear",
        "Begin a new conversation",
        deeds.clear,
        keys=("c",),
        where=frozenset({Place.CHAT}),
        why_not=_without_turn,
        label="clear",
    ),
    Command(
        "log",
        "Show the coordinator's own log, or what happened",
        deeds.toggle_log,
        keys=("l",),
        where=frozenset({Place.COORDINATOR}),
        label="log",
    ),
    Command(
        "follow",
        "Go to the newest line and stay there",
        deeds.follow,
        keys=("f",),
        where=frozenset({Place.COORDINATOR}),
        label="follow",
    ),
    Command("dashboard", "The web dashboard", deeds.nothing, why_not=_without_gateway),
)

BY_NAME = {name: command for command in COMMANDS for name in command.names}


def bindings_of(where: frozenset[Place]) -> list[BindingType]:
    """The keys of the commands that work in exactly these panes."""
    return [
        Binding(
            key, f"screen.command('{command.name}')", command.help, id=f"{command.name}:{key}", show=False
        )
        for command in COMMANDS
        if command.where == where
        for key in command.keys
    ]


def pane_bindings(place: Place) -> list[BindingType]:
    """The keys that work in this pane but not in every one."""
    return [
        binding
        for where in {command.where for command in COMMANDS if place in command.where} - {EVERYWHERE}
        for binding in bindings_of(where)
    ]
