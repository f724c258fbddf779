"""The commands of the chat."""

from __future__ import annotations

from app.ui.command import Argument, Command
from app.ui.commands import hindrances, offers
from app.ui.deeds import chat as deeds
from app.ui.deeds import everywhere
from app.ui.places import Place

CHAT = (
    Command(
        "prompt",
        "Write into the prompt again",
        everywhere.go(Place.CHAT),
        keys=("i", "enter"),
        where=frozenset({Place.CHAT}),
        why_not=hindrances.in_the_prompt,
        label="prompt",
    ),
    Command(
        "why",
        "Show or hide the reasons of the selected answer's route",
        deeds.toggle_reasons,
        keys=("w",),
        where=frozenset({Place.CHAT}),
        why_not=hindrances.without_turn,
        label="why",
    ),
    Command(
        "thinking",
        "Show or hide what the model thought before the selected answer",
        deeds.toggle_thinking,
        keys=("t",),
        where=frozenset({Place.CHAT}),
        why_not=hindrances.without_turn,
        label="thinking",
    ),
    Command(
        "copy answer",
        "Copy the selected answer as it came",
        deeds.copy_answer,
        keys=("y",),
        where=frozenset({Place.CHAT}),
        why_not=hindrances.without_turn,
        label="copy",
    ),
    Command(
        "copy code",
        "Copy a block of code of the selected answer; again for the one after it",
        deeds.copy_code,
        keys=("Y",),
        where=frozenset({Place.CHAT}),
        why_not=hindrances.without_turn,
        label="copy code",
    ),
    Command(
        "copy prompt",
        "Copy the selected prompt",
        deeds.copy_prompt,
        where=frozenset({Place.CHAT}),
        why_not=hindrances.without_turn,
    ),
    Command(
        "older turn",
        "Select the turn before",
        deeds.older_turn,
        keys=("K",),
        where=frozenset({Place.CHAT}),
        why_not=hindrances.without_turn,
    ),
    Command(
        "newer turn",
        "Select the turn after",
        deeds.newer_turn,
        keys=("J",),
        where=frozenset({Place.CHAT}),
        why_not=hindrances.without_turn,
    ),
    Command(
        "find",
        "Search the conversation for a text or regular expression; without one, ask for it",
        deeds.find,
        Argument("TEXT", required=False),
        keys=("slash",),
        where=frozenset({Place.CHAT}),
        why_not=hindrances.without_turn,
        label="find",
    ),
    Command(
        "next match",
        "Go to the next match in the conversation",
        deeds.next_match,
        keys=("n",),
        where=frozenset({Place.CHAT}),
        why_not=hindrances.without_found,
    ),
    Command(
        "previous match",
        "Go to the match before in the conversation",
        deeds.previous_match,
        keys=("N",),
        where=frozenset({Place.CHAT}),
        why_not=hindrances.without_found,
    ),
    Command(
        "retry",
        "Put the last prompt once more, to the same model or to another",
        deeds.ask_again,
        Argument("MODEL", required=False, choices=offers.model_names),
        aliases=("again", "regenerate"),
        keys=("R",),
        where=frozenset({Place.CHAT}),
        why_not=hindrances.with_nothing_to_retry,
        label="retry",
    ),
    Command(
        "edit",
        "Change the selected prompt and ask it in place of what was said from there on",
        deeds.edit,
        keys=("e",),
        where=frozenset({Place.CHAT}),
        why_not=hindrances.with_nothing_to_retry,
        label="edit",
    ),
    Command(
        "continue",
        "Let the model go on with its last answer",
        deeds.go_on,
        keys=("C",),
        where=frozenset({Place.CHAT}),
        why_not=hindrances.without_beginning,
    ),
)
