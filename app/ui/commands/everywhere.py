"""The commands of every pane."""

from __future__ import annotations

from app.text.problem import Problem
from app.ui.command import Argument, Command
from app.ui.commands import hindrances, offers
from app.ui.deeds import bench, plans
from app.ui.deeds import everywhere as deeds
from app.ui.deeds.welcome import welcome
from app.ui.places import Place


def _check_switch(text: str) -> object:
    if text not in ("on", "off"):
        raise Problem(f"Distribution cannot be '{text}'.", "Type 'distributed on' or 'distributed off'.")
    return text


def _check_never(text: str) -> object:
    if text != "never":
        raise Problem(f"'welcome' does not know '{text}'.", "Type 'welcome' or 'welcome never'.")
    return text


EVERY_PANE = (
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
        why_not=hindrances.while_sweeping,
        label="discover",
    ),
    Command(
        "model",
        "Choose the model that prompts go to; without a name, from a list",
        deeds.choose_model,
        Argument("NAME", required=False, choices=offers.model_names),
        aliases=("models",),
        keys=("m", "ctrl+r"),
        label="model",
    ),
    Command(
        "route",
        "Where a prompt would go, and why",
        deeds.show_route,
        offers.A_MODEL,
        keys=("r",),
        label="route",
    ),
    Command(
        "plan",
        "Where the layers of a model go, what that leaves free, and what another context or backend would do",
        plans.show,
        offers.A_MODEL,
        keys=("p",),
        where=frozenset({Place.CHAT, Place.COORDINATOR}),
        label="plan",
    ),
    Command(
        "placement history",
        "What was planned for the last loads, what came of it, and how fast it was",
        deeds.show_placements,
        aliases=("placements",),
    ),
    Command(
        "bench placement",
        "Measure placements of a model with the real engine, and remember the fastest",
        bench.bench_placement,
        offers.A_MODEL,
        why_not=hindrances.while_benching,
    ),
    Command(
        "bench forget",
        "Place a model again as if it had never been measured",
        bench.forget,
        offers.A_MODEL,
    ),
    Command(
        "distributed",
        "Spread large models over the backends, or not; without a word, the other way",
        deeds.distribute,
        Argument("on|off", required=False, choices=lambda _screen: ("on", "off"), check=_check_switch),
        keys=("D",),
    ),
    Command("status", "The whole cluster at a glance", deeds.show_status, keys=("s",), label="status"),
    Command(
        "welcome",
        "What a first answer needs, and how to get what is missing; with 'never', no more at a start",
        welcome,
        Argument("never", required=False, choices=lambda _screen: ("never",), check=_check_never),
    ),
    Command(
        "engine get",
        "Fetch the llama.cpp programs into a private folder; needs no root",
        deeds.fetch_engine,
    ),
    Command(
        "notices",
        "What was told in passing, again",
        deeds.show_notices,
        keys=("exclamation_mark",),
    ),
    Command(
        "reload",
        "Read the configuration file again, and show what has changed last",
        deeds.reload,
    ),
    Command(
        "undo",
        "Bring back what was taken away last",
        deeds.undo,
        keys=("u",),
        why_not=hindrances.without_undo,
        label="undo",
    ),
    Command("zoom", "One pane alone, or all of them again", deeds.zoom, keys=("z",), label="zoom"),
    Command(
        "cancel",
        "End the answer, the sweep or the bench that is under way; leave the prompt",
        deeds.cancel,
        keys=("escape",),
    ),
    Command(
        "interrupt",
        "Copy what is selected, else end what is under way; twice: leave",
        deeds.interrupt,
        keys=("ctrl+c",),
    ),
    Command(
        "suspend",
        "Go back to the shell; 'fg' there comes back",
        deeds.suspend,
        keys=("ctrl+z",),
        why_not=hindrances.without_terminal,
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
    Command("dashboard", "The web dashboard", deeds.nothing, why_not=hindrances.without_gateway),
)
