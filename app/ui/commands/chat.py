"""The commands of the chat."""

from __future__ import annotations

from app.ui.command import Command
from app.ui.commands import hindrances
from app.ui.deeds import chat as deeds
from app.ui.places import Place

CHAT = (
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
        "clear",
        "Begin a new conversation",
        deeds.clear,
        keys=("c",),
        where=frozenset({Place.CHAT}),
        why_not=hindrances.without_turn,
        label="clear",
    ),
)
