"""Why a command cannot run now, and what to do first; None where it can."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.events import Incident
from app.ui.commands.offers import members
from app.ui.places import SIDE
from app.ui.views import View
from app.ui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from app.ui.screens.main import MainScreen


_NO_BACKEND = "No backend is known. 'rpc discover' looks for some, 'rpc add HOST' adds one."


def while_sweeping(screen: MainScreen) -> str | None:
    """One sweep at a time."""
    return "A sweep is under way; Esc ends it." if screen.cluster.discovery.running else None


def while_benching(screen: MainScreen) -> str | None:
    """One bench at a time."""
    benched = screen.cluster.bench.running
    return f"A bench of {benched} is under way; Esc ends it." if benched else None


def in_the_prompt(screen: MainScreen) -> str | None:
    """It leads to the prompt."""
    if isinstance(screen.focused, Prompt):
        return "This is the prompt already; enter sends what is in it."
    return None


def without_coordinator(screen: MainScreen) -> str | None:
    """It needs a coordinator."""
    return (
        None
        if screen.cluster.coordinators.running
        else "No coordinator is running. 'start MODEL' starts one."
    )


def without_another_coordinator(screen: MainScreen) -> str | None:
    """It needs several coordinators."""
    several = screen.coordinator.count > 1
    return None if several else "There is no other coordinator. 'start MODEL' starts one."


def without_past_coordinator(screen: MainScreen) -> str | None:
    """It needs a coordinator that runs or has run."""
    return (
        None
        if screen.cluster.coordinators.current
        else "No coordinator has run yet. 'start MODEL' starts one."
    )


def without_command(screen: MainScreen) -> str | None:
    """It needs a coordinator that had a process."""
    shown = screen.coordinator.status
    return (
        None
        if shown is not None and shown.argv
        else "No coordinator was started yet. 'start MODEL' starts one."
    )


def without_log(screen: MainScreen) -> str | None:
    """It needs a log."""
    return (
        None
        if screen.coordinator.log_panel.book
        else "No coordinator has a log yet. 'start MODEL' starts one."
    )


def without_match(screen: MainScreen) -> str | None:
    """It needs something that was found in the log."""
    return None if len(screen.coordinator.log_panel.found) else "Nothing was found in the log. / searches."


def without_incident(screen: MainScreen) -> str | None:
    """It needs an incident under the cursor."""
    pane = screen.coordinator
    if pane.shown is View.EVENTS and isinstance(pane.timeline.selected, Incident):
        return None
    return "There is no incident under the cursor. j and k move it."


def without_backend(screen: MainScreen) -> str | None:
    """It needs a backend."""
    return None if screen.cluster.backends.known else _NO_BACKEND


def without_member(screen: MainScreen) -> str | None:
    """It needs a node or a backend."""
    return None if any(members(screen)) else "No node and no backend is known. 'add URL' adds one."


def without_selected_node(screen: MainScreen) -> str | None:
    """It needs a node under the cursor."""
    return (
        None
        if screen.selected_node
        else "There is no node under the cursor. j and k move it, 'add URL' adds one."
    )


def without_node(screen: MainScreen) -> str | None:
    """It needs a node."""
    return None if screen.cluster.pool.nodes else "No node is known. 'add URL' adds one."


def without_loaded(screen: MainScreen) -> str | None:
    """It needs a model in a node's memory."""
    return (
        None
        if any(node.loaded for node in screen.cluster.pool.nodes)
        else "No node has a model loaded. 'load MODEL' loads one."
    )


def without_pull(screen: MainScreen) -> str | None:
    """It needs a pull that is under way."""
    return None if screen.cluster.pulls.now else "No pull is under way. 'pull MODEL' begins one."


def without_turn(screen: MainScreen) -> str | None:
    """It needs a prompt that was sent."""
    return None if screen.chat.transcript.turns else "Nothing was asked yet. Type a prompt; enter sends it."


def without_found(screen: MainScreen) -> str | None:
    """It needs something that is looked for in the conversation."""
    return None if screen.chat.transcript.search is not None else "Nothing is looked for. / searches."


def while_answering(screen: MainScreen) -> str | None:
    """One answer at a time."""
    return "An answer is under way; Esc ends it." if screen.chat.answering else None


def with_nothing_to_retry(screen: MainScreen) -> str | None:
    """It needs a prompt that nobody is answering."""
    return without_turn(screen) or while_answering(screen)


def without_beginning(screen: MainScreen) -> str | None:
    """It needs an answer that has begun and has ended."""
    why_not = with_nothing_to_retry(screen)
    turns = screen.cluster.conversations.current.turns
    return why_not or (
        None if turns and turns[-1].text else "The last answer has no beginning; R asks again."
    )


def without_attachment(screen: MainScreen) -> str | None:
    """It needs a file that would go with the next prompt."""
    return None if screen.chat.draft.attached else "No file goes with the next prompt."


def without_gateway(_screen: MainScreen) -> str | None:
    """It needs the gateway."""
    return "The dashboard arrives with the gateway, which this version does not have yet."


def without_undo(screen: MainScreen) -> str | None:
    """It needs something that was taken away."""
    return None if screen.undo.what else "Nothing was taken away that could be brought back."


def without_terminal(screen: MainScreen) -> str | None:
    """It needs a terminal with a shell behind it."""
    return "There is no terminal to go back to." if screen.app.is_headless else None


def beside_the_side(screen: MainScreen) -> str | None:
    """It needs the focus in a pane of the side column."""
    return None if screen.place in SIDE else "The chat has a column of its own: focus another pane first."
