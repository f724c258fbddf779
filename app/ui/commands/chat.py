"""The commands of the chat."""

from __future__ import annotations

from app.ui.command import Command
from app.ui.commands import hindrances
from app.ui.deeds import chat as deeds
from app.ui.places import Place

CHAT = (
    Command(
        "why",
        "Show or hide the reasons of the newest answer's route",
        deeds.toggle_reasons,
        keys=("w",),
        where=frozenset({Place.CHAT}),
        why_not=hindrances.without_turn,
        label="why",
    ),
    Command(
        "thinking",
        "Show or hide what the model thought before its newest answer",
        deeds.toggle_thinking,
        keys=("t",),
        where=frozenset({Place.CHAT}),
        why_not=hindrances.without_turn,
        label="thinking",
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
