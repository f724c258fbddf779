"""The model picker: every model, where it would run, and why not where it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Resize
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from app.core.cluster import Cluster
from app.core.models import Model
from app.core.routing import Route
from app.text.units import plural
from app.ui.likeness import likeness
from app.ui.model_rows import details, heading, model_row
from app.ui.screens.modal import Modal
from app.ui.widgets.said import Said

_AT_ONCE = 20
"""So many routes are asked for before others get their turn."""
_FOUND = "bold $text-accent"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A model with what is known of where it would run."""

    model: Model
    route: Route | None = None

    @property
    def usable(self) -> bool:
        """Whether something can answer for it, as far as that is known."""
        return self.route is None or self.route.lack is None


class ModelScreen(Modal[str]):
    """Typing narrows the list; answered with the name of a model."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n,ctrl+j", "move('down')", "next", priority=True),
        Binding("up,ctrl+p,ctrl+k", "move('up')", "previous", priority=True),
        ("ctrl+l", "plan", "where its layers would go"),
    ]

    def __init__(self, cluster: Cluster, do: Callable[[str], None]) -> None:
        """What is done here is a command of the table, given to `do`."""
        super().__init__()
        self._cluster = cluster
        self._do = do
        self._entries = [_Entry(model) for model in cluster.models()]
        self._listed: list[_Entry] = []

    def compose(self) -> ComposeResult:
        """What is typed, over the list, over what is known of the model under the cursor."""
        with Vertical(id="models") as frame:
            frame.border_title = "Model"
            frame.border_subtitle = "enter chooses · ctrl+l plans · esc closes · f1 all keys"
            typed = Input(placeholder="part of a name", compact=True)
            typed.cursor_blink = False
            yield typed
            yield Said(id="models-heading")
            options = OptionList(markup=False, compact=True)
            options.can_focus = False  # the keys that move work while one types
            yield options
            yield Said(id="no-model")
            yield Said(id="model-details")

    def on_mount(self) -> None:
        """Ask what there is and where it would run; meanwhile show what is known."""
        self.ask()

    @property
    def selected(self) -> Model | None:
        """The model under the cursor."""
        at = self.query_one(OptionList).highlighted
        return self._listed[at].model if at is not None else None

    @work(name="ask for routes", group="routes", exclusive=True, exit_on_error=False)
    async def ask(self) -> None:
        """Read the models again, and ask the core for the route of each."""
        await self._cluster.catalogue.read()
        self._entries = [_Entry(model) for model in self._cluster.models()]
        self._show()
        entries = list[_Entry]()
        for entry in self._entries:
            entries.append(_Entry(entry.model, await self._cluster.dispatcher.route_of(entry.model)))
            if len(entries) % _AT_ONCE == 0:
                await asyncio.sleep(0)
        self._entries = entries
        self._show()

    def action_plan(self) -> None:
        """Show where the layers of the model under the cursor would go."""
        if self.selected is not None:
            self._do(f"plan {self.selected.name}")

    @on(Resize)
    def _fit(self) -> None:
        self.call_after_refresh(self._show)

    @on(Input.Changed)
    def _narrow(self) -> None:
        self._show(from_the_top=True)

    @on(Input.Submitted)
    def _choose(self) -> None:
        if self.selected is not None:
            self.dismiss(self.selected.name)

    @on(OptionList.OptionSelected)
    def _choose_clicked(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._listed[event.option_index].model.name)

    @on(OptionList.OptionHighlighted)
    def _tell(self, event: OptionList.OptionHighlighted) -> None:
        entry = self._listed[event.option_index]
        self.query_one("#model-details", Said).say(details(entry.model, entry.route))

    def _show(self, *, from_the_top: bool = False) -> None:
        """List what has what was typed; the cursor stays on its model, or at the top where it was there."""
        options, typed = self.query_one(OptionList), self.query_one(Input).value
        before = self.selected if options.highlighted and not from_the_top else None
        width = options.scrollable_content_region.width
        chosen = self._cluster.choices.now.model
        rows = _ranked(self._entries, typed)
        self._listed = [entry for entry, _ in rows]
        options.set_options(
            Option(model_row(entry.model, entry.route, name, width, chosen=entry.model.name == chosen))
            for entry, name in rows
        )
        options.highlighted = self._cursor(before.name if before else None if from_the_top else chosen)
        self.query_one("#models-heading", Said).say(heading(width) if rows else "")
        self.query_one("#no-model", Said).say("" if rows else _none_text(self._cluster, self._entries))
        if not rows:
            self.query_one("#model-details", Said).say("")

    def _cursor(self, name: str | None) -> int | None:
        names = [entry.model.name for entry in self._listed]
        return names.index(name) if name in names else (0 if names else None)


def _ranked(entries: Sequence[_Entry], typed: str) -> list[tuple[_Entry, Content]]:
    """Those that have what was typed, with it marked in their names: usable ones first, then the likest."""
    found = [(entry, likeness(typed, entry.model.name)) for entry in entries]
    ranked = sorted(
        ((entry, like) for entry, like in found if like is not None),
        key=lambda pair: (not pair[0].usable, -pair[1].score),
    )
    return [(entry, _marked(entry.model.name, like.places)) for entry, like in ranked]


def _marked(name: str, places: Sequence[int]) -> Content:
    content = Content(name)
    for place in places:
        content = content.stylize(_FOUND, place, place + 1)
    return content


def _none_text(cluster: Cluster, entries: Sequence[_Entry]) -> str:
    if entries:
        return f"None of {plural(len(entries), 'model')} has that in its name."
    folders = ", ".join(str(folder) for folder in cluster.settings.models.folders) or "none so far"
    return (
        "No model is known: none is in Ollama's store on this box, in the folders of the settings, "
        "or on a node that is up.\n"
        "Pull one with 'ollama pull NAME', begin with 'synaptic-tui --model FILE.gguf', "
        f"or name a folder in models.folders of the settings ({folders})."
    )
