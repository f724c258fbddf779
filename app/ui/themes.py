"""The themes: our own two, beside all of Textual's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.theme import Theme

from app.text.problem import Problem
from app.ui.terminal import TerminalDriver

if TYPE_CHECKING:
    from app.config.settings import ConsoleSettings

DARK = Theme(
    name="synaptic",
    primary="#5aa9e6",
    secondary="#7fc8a9",
    accent="#ffb454",
    foreground="#d5dae3",
    background="#11151c",
    surface="#181e27",
    panel="#202833",
    success="#7fd88f",
    warning="#ffcf5c",
    error="#ff7a85",
)
LIGHT = Theme(
    name="synaptic-light",
    primary="#0b5fa5",
    secondary="#2a7f62",
    accent="#a85b00",
    foreground="#1d2530",
    background="#fafaf7",
    surface="#f0f0ea",
    panel="#e4e4dc",
    success="#1f7a3a",
    warning="#8a6100",
    error="#b3202f",
    dark=False,
)
OURS = (DARK, LIGHT)
FEW_COLOURS = "ansi-dark"
"""For a terminal of 16 colours: its own colours, as the person has set them."""
FEW = (None, "standard")
"""What Rich calls a terminal of 16 colours, or of none."""


def register_ours(app: App[None]) -> None:
    """Make our themes known beside those of Textual."""
    for theme in OURS:
        app.register_theme(theme)


def theme_or_usual(app: App[Any], name: str | None) -> str:
    """The theme `name`, or where there is none such the one whose colours the terminal can show."""
    if name is not None and name in app.available_themes:
        return name
    return FEW_COLOURS if app.console.color_system in FEW else DARK.name


def dress(app: App[object], console: ConsoleSettings) -> None:
    """Give the console the colours and signs that are wanted, or else those that its terminal can show."""
    app.theme = theme_or_usual(app, console.theme)
    if isinstance(app._driver, TerminalDriver):
        app._driver.draw_with(console.signs)


def theme_problem(app: App[object], name: str) -> Problem | None:
    """What to say where there is no such theme."""
    if name in app.available_themes:
        return None
    return Problem(f"There is no theme '{name}'.", f"They are {', '.join(sorted(app.available_themes))}.")
