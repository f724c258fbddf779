"""The list of models to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from app.core.models import Model
from app.text.units import UNKNOWN, bytes_text, count_text, plural

_NAME = 30
"""Width of the names."""


class ModelScreen(ModalScreen[str]):
    """Typing narrows the list, Enter chooses, Escape chooses nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss('')", "cancel"),
        ("down,ctrl+n", "move(1)", "next"),
        ("up,ctrl+p", "move(-1)", "previous"),
    ]

    def __init__(self, models: Sequence[Model], chosen: str | None) -> None:
        super().__init__()
        self._models = models
        self._chosen = chosen
        self._listed: list[Model] = []

    def compose(self) -> ComposeResult:
        """The filter over the list."""
        with Vertical(id="models") as frame:
            frame.border_title = "Model"
            frame.border_subtitle = "type to narrow · enter chooses · esc cancels"
            narrowing = Input(placeholder="part of a name", id="narrow", compact=True)
            narrowing.cursor_blink = False
            yield narrowing
            yield OptionList(markup=False, compact=True)
            yield Static(id="none")

    def on_mount(self) -> None:
        """Show every model, the chosen one highlighted."""
        self._show(self._models)
        names = [model.name for model in self._models]
        if self._chosen in names:
            self.query_one(OptionList).highlighted = names.index(self._chosen)

    @on(Input.Changed)
    def narrow(self, event: Input.Changed) -> None:
        """Show the models whose names have every word that was typed."""
        words = event.value.casefold().split()
        self._show(m for m in self._models if all(word in m.name.casefold() for word in words))

    @on(Input.Submitted)
    def choose_highlighted(self) -> None:
        """Choose the highlighted model."""
        self.query_one(OptionList).action_select()

    @on(OptionList.OptionSelected)
    def choose(self, event: OptionList.OptionSelected) -> None:
        """Choose a model."""
        self.dismiss(self._listed[event.option_index].name)

    def action_move(self, step: int) -> None:
        """Move the highlight while the filter has the focus."""
        options = self.query_one(OptionList)
        if step > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def _show(self, models: Iterable[Model]) -> None:
        self._listed = list(models)
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(Option(_line(model)) for model in self._listed)
        options.highlighted = 0 if self._listed else None
        self.query_one("#none", Static).update("" if self._listed else _none_text(self._models))


def _line(model: Model) -> Content:
    facts = model.facts
    name = model.name if len(model.name) <= _NAME else f"{model.name[: _NAME - 1]}…"
    quantization = facts.quantization or UNKNOWN
    numbers = f"{count_text(facts.parameters):>6}  {bytes_text(facts.size):>9}  {quantization:<7}"
    problem = (f"\n    {model.problem}", "$text-warning") if model.problem else ""
    return Content.assemble(name.ljust(_NAME), "  ", (numbers, "$text-muted"), f"  {_where(model)}", problem)


def _where(model: Model) -> str:
    here = ["this box"] if model.path else []
    nodes = [plural(len(model.nodes), "node")] if model.nodes else []
    return ", ".join((*here, *nodes)) or UNKNOWN


def _none_text(models: Sequence[Model]) -> str:
    if models:
        return "No model has that in its name."
    return (
        "No model is known: neither in Ollama's store on this box, nor in the folders of the settings, "
        "nor on a node that is up. Pull one with 'ollama pull', or set models.folders."
    )
