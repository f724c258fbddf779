"""The sheet that says how a conversation is answered: system prompt and options, with their origins."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.sampling import Origin, Said
from app.text.units import UNKNOWN
from app.ui.sheets import Section

SYSTEM = "system"


def said_sheet(
    options: Sequence[Said], conversation: str | None, configuration: str | None, model: str | None
) -> tuple[Section, ...]:
    """What counts, and who has said it; a dash where nobody has, and the program decides."""
    systems = zip((conversation, configuration, model), Origin, strict=True)
    system = next((Said(SYSTEM, text, origin) for text, origin in systems if text), Said(SYSTEM))
    return (
        Section(tuple((each.name, _who_and_what(each)) for each in (system, *options))),
        Section(
            (
                ("system TEXT", "a system prompt for this conversation alone"),
                ("set OPTION VALUE", "an option for this conversation alone"),
                ("unset OPTION", "what the configuration or the model says again"),
            ),
            "To change them",
        ),
    )


def _who_and_what(said: Said) -> str:
    if said.value is None:
        return UNKNOWN
    value = ", ".join(map(repr, said.value)) if isinstance(said.value, list | tuple) else str(said.value)
    return f"{value}  ({said.origin})"
