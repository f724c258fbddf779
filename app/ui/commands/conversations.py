"""The commands for whole conversations."""

from __future__ import annotations

from app.config.sampling import SamplingSettings
from app.core.sampling import OPTIONS, with_option, without_option
from app.ui.command import Argument, Command, PathArgument
from app.ui.commands import hindrances
from app.ui.conversation_sheet import SYSTEM
from app.ui.deeds import conversations as deeds
from app.ui.places import Place

HERE = frozenset({Place.CHAT})


def _check_option(text: str) -> object:
    return with_option(SamplingSettings(), *deeds.option_and_value(text))


def _check_name(text: str) -> object:
    return text if text == SYSTEM else without_option(SamplingSettings(), text)


CONVERSATIONS = (
    Command(
        "conversations",
        "Open, rename or delete a conversation, from the list of them",
        deeds.choose,
        aliases=("conversation list",),
        keys=("o", "ctrl+o"),
        where=HERE,
        why_not=hindrances.while_answering,
        label="conversations",
    ),
    Command(
        "new",
        "Begin a new conversation",
        deeds.begin,
        aliases=("conversation new", "clear"),
        keys=("c", "ctrl+n"),
        where=HERE,
        why_not=hindrances.without_turn,
        label="new",
    ),
    Command(
        "title",
        "Give this conversation a title",
        deeds.entitle,
        Argument("TEXT"),
        aliases=("conversation title",),
        where=HERE,
        why_not=hindrances.without_turn,
    ),
    Command(
        "conversation delete",
        "Delete this conversation; undo brings it back",
        deeds.remove,
        keys=("x",),
        where=HERE,
        why_not=hindrances.without_turn,
    ),
    Command(
        "export",
        "Write this conversation to a new file, which ends in .md or .json",
        deeds.export,
        PathArgument("PATH"),
        aliases=("conversation export",),
        keys=("E",),
        where=HERE,
        why_not=hindrances.without_turn,
    ),
    Command(
        "attach",
        "Have a text file go with the next prompt",
        deeds.attach,
        PathArgument("PATH"),
        where=HERE,
    ),
    Command(
        "detach",
        "Have no file go with the next prompt",
        deeds.detach,
        where=HERE,
        why_not=hindrances.without_attachment,
    ),
    Command(
        "options",
        "The system prompt and the sampling options of this conversation, and who has said them",
        deeds.show_said,
        keys=("O",),
        where=HERE,
    ),
    Command(
        "system",
        "Give this conversation a system prompt of its own",
        deeds.set_system,
        Argument("TEXT"),
        where=HERE,
    ),
    Command(
        "set",
        "Set a sampling option of this conversation",
        deeds.set_option,
        Argument(
            "OPTION VALUE", choices=lambda _screen: (f"{name} " for name in OPTIONS), check=_check_option
        ),
        where=HERE,
    ),
    Command(
        "unset",
        "Let the configuration or the model say again what this conversation says",
        deeds.unset,
        Argument("OPTION", choices=lambda _screen: (SYSTEM, *OPTIONS), check=_check_name),
        where=HERE,
    ),
)
