"""The welcome page: what a first answer needs, which of it is there, and how to get the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Grid, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from app.core.cluster import Cluster
from app.core.welcome import (
    A_MODEL,
    Need,
    Standing,
    Topic,
    is_looking,
    is_missing_something,
    look_again,
    needs,
)
from app.ollama.names import parse_name
from app.text.address import parse_node_url
from app.ui.screens.ask import AskScreen
from app.ui.screens.modal import Modal
from app.ui.widgets.said import Said

_HZ = 5
_NEXT = "Everything is there. ctrl+r, after this page, chooses the model to ask."
_INTRO = "What it takes to run large models over several boxes:"
_STYLES = {Standing.OK: "$text-success", Standing.MISSING: "$text-warning", Standing.LOOKING: "$text-muted"}
_BY_KEY = {
    Topic.ENGINE: (("e", "fetches it now"), ("r", "looks again")),
    Topic.WORKERS: (("d", "looks for backends on your networks"),),
    Topic.OLLAMA: (("a", "adds a node"),),
    Topic.MODELS: (("p", "pulls one to a node"),),
}
"""The keys of this page that do something about it, and what."""


class WelcomeScreen(Modal[None]):
    """Filled in as things become known; what is done here is a command of the table, given to `do`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("e", "do('engine get')", "fetch the engine"),
        ("d", "do('rpc discover')", "find workers"),
        ("a", "add_node", "add a node"),
        ("p", "pull", "pull a model"),
        ("r", "look_again", "look again"),
        ("n", "skip", "never again"),
        ("enter,q", "close", "close"),
    ]

    def __init__(self, cluster: Cluster, do: Callable[[str], None]) -> None:
        super().__init__()
        self._cluster = cluster
        self._do = do

    def compose(self) -> ComposeResult:
        """Each thing, how it stands, and what is known of it."""
        with VerticalScroll(id="welcome") as frame:
            frame.border_title = "Welcome"
            frame.border_subtitle = "enter closes · n never again · f1 all keys"
            yield Static(_INTRO)
            with Grid():
                for topic in Topic:
                    yield Said(id=f"{topic.name.lower()}-standing")
                    yield Said(id=f"{topic.name.lower()}-text")
            yield Said(id="next")

    def on_mount(self) -> None:
        """Show what is known, and follow it."""
        self._show()
        self.follow()

    @work(name="follow what is needed", group="follow", exit_on_error=False)
    async def follow(self) -> None:
        """Show what becomes known, for as long as the screen is there."""
        with self._cluster.bus.subscribe() as mailbox:
            async for _events in mailbox.batches(_HZ):
                self._show()

    def action_do(self, line: str) -> None:
        """Carry out a command."""
        self._do(line)

    @work(name="look again", group="look again", exclusive=True, exit_on_error=False)
    async def action_look_again(self) -> None:
        """See once more what is there."""
        looking = look_again(self._cluster)
        self._show()
        await looking
        self._show()

    @work(name="ask for a node", group="ask", exclusive=True, exit_on_error=False)
    async def action_add_node(self) -> None:
        """Add a node by a URL to be typed."""
        hint = "The URL of an Ollama node: http://10.0.0.5:11434, or just its host."
        url = await self.app.push_screen_wait(AskScreen("Add an Ollama node", hint, parse_node_url))
        if url:
            self._do(f"add {parse_node_url(url)}")

    @work(name="ask for a model", group="ask", exclusive=True, exit_on_error=False)
    async def action_pull(self) -> None:
        """Pull a model whose name is to be typed."""
        hint = f"A name as in Ollama's library: {A_MODEL}, or hf.co/USER/REPOSITORY:TAG."
        name = await self.app.push_screen_wait(AskScreen("Pull a model", hint, parse_name))
        if name:
            self._do(f"pull {name}")

    def action_skip(self) -> None:
        """Show this page by itself no more."""
        self._do("welcome never")
        self.dismiss(None)

    def _show(self) -> None:
        found = needs(self._cluster)
        for need in found:
            name = need.topic.name.lower()
            self.query_one(f"#{name}-standing", Said).say(_standing(need))
            self.query_one(f"#{name}-text", Said).say(_text(need))
        is_all_there = not (is_missing_something(found) or is_looking(found))
        self.query_one("#next", Said).say(_NEXT if is_all_there else "")


def _standing(need: Need) -> Content:
    word = Content.styled(need.standing, _STYLES[need.standing])
    return Content("\n").join([Content.styled(need.topic, "bold"), word])


def _text(need: Need) -> Content:
    if need.standing is not Standing.MISSING:
        return Content(need.text)
    keys = [Content.assemble((key, "$text-accent"), f"  {does}") for key, does in _BY_KEY[need.topic]]
    return Content("\n").join([Content(need.text), Content(need.remedy), Content("   ").join(keys)])
