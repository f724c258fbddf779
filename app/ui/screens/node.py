"""All about one node: how it is, and its models, to be loaded, pulled and deleted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.timer import Timer
from textual.widgets import DataTable, Static

from app.core.cluster import Cluster
from app.core.pool import Node, NodeForgotten, NodeSeen
from app.core.pulls import Pull, PullEnded, PullSeen
from app.ollama.names import parse_name, same_model
from app.ui.expiry import next_change_s
from app.ui.model_order import order_text, parse_model_order
from app.ui.node_text import model_columns, model_details, model_rows, node_facts
from app.ui.panes.node_rows import steady_latency
from app.ui.pull_text import progress_line
from app.ui.screens.ask import AskScreen
from app.ui.screens.modal import Modal
from app.ui.widgets.ledger import Ledger
from app.ui.widgets.said import Said

_HZ = 5
_CHANGES = (NodeSeen, NodeForgotten, PullSeen, PullEnded)
_NAME_HINT = "A name as in Ollama's library: llama3.2:3b, or hf.co/USER/REPOSITORY:TAG."
_TIME_HINT = "30m, 2h or 1h30m; 'ever' for as long as the node runs."


class NodeScreen(Modal[None]):
    """What is done here is a command of the table, given to `do`, and goes on when this screen is left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("l", "load", "load"),
        ("L", "load_for", "load for …"),
        ("u", "unload", "unload"),
        ("p", "pull", "pull"),
        ("x", "remove", "delete, stop pull"),
        ("y", "copy", "copy URL"),
        ("r", "refresh", "refresh"),
        ("q", "close", "close"),
    ]

    def __init__(self, cluster: Cluster, url: str, do: Callable[[str], None]) -> None:
        super().__init__()
        self._cluster = cluster
        self._url = url
        self._do = do
        self._latency = steady_latency()
        self._countdown: Timer | None = None

    def compose(self) -> ComposeResult:
        """How it is, its models, the one under the cursor, what is on its way."""
        with Vertical(id="node") as frame:
            frame.border_title = f"Node {self._url}"
            yield Said(id="node-facts")
            yield Said(classes="empty")
            yield Ledger(order=str.casefold)
            yield Said(id="node-model")
            yield Said(id="node-pulls")
            yield Static(self.keys_line, id="node-keys", markup=False)

    def on_mount(self) -> None:
        """Show what is known, and follow what becomes of it."""
        self.query_one(Ledger).focus()
        self.follow()
        self.action_refresh()

    def on_resize(self) -> None:
        """Show the columns that there is room for."""
        self.query_one(Ledger).lay_out(model_columns(self.query_one(Ledger).content_size.width))
        self._show()

    @work(name="follow a node", group="follow", exit_on_error=False)
    async def follow(self) -> None:
        """Show what changes, for as long as the screen is there."""
        with self._cluster.bus.subscribe() as mailbox:
            async for events in mailbox.batches(_HZ):
                if any(isinstance(event, _CHANGES) for event in events):
                    self._show()

    @on(DataTable.RowHighlighted)
    def show_model(self) -> None:
        """Say all that is known of the model under the cursor."""
        node, name = self._node, self.query_one(Ledger).selected
        model = node.model(name) if node is not None and name else None
        self.query_one("#node-model", Said).say(model_details(model) if model else "")

    def action_load(self) -> None:
        """Load the model under the cursor for as long as the node keeps one."""
        self._command("load")

    @work(name="ask for how long", group="ask", exclusive=True, exit_on_error=False)
    async def action_load_for(self) -> None:
        """Load it for a time to be typed."""
        name = self.query_one(Ledger).selected
        if name is None:
            return

        def check(time: str) -> object:
            return parse_model_order(f"{order_text(name, self._url)} for {time}")

        time = await self.app.push_screen_wait(AskScreen(f"Load {name} for …", _TIME_HINT, check))
        if time:
            self._do(f"load {order_text(name, self._url)} for {time}")

    def action_unload(self) -> None:
        """Free the node's memory of the model under the cursor."""
        self._command("unload")

    @work(name="ask for a model", group="ask", exclusive=True, exit_on_error=False)
    async def action_pull(self) -> None:
        """Pull a model whose name is to be typed."""
        name = await self.app.push_screen_wait(AskScreen("Pull a model", _NAME_HINT, parse_name))
        if name:
            self._do(f"pull {order_text(name, self._url)}")

    def action_remove(self) -> None:
        """Stop the pull under the cursor, or delete the model there."""
        name = self.query_one(Ledger).selected
        pulled = any(same_model(pull.model, name or "") for pull in self._pulls)
        self._command("stop pull" if pulled else "delete")

    def action_copy(self) -> None:
        """Copy the URL."""
        self.app.copy_to_clipboard(self._url)
        self.app.notify(f"Copied {self._url}.", markup=False)

    @work(name="ask the node", group="refresh", exclusive=True, exit_on_error=False)
    async def action_refresh(self) -> None:
        """Ask the node now."""
        await self._cluster.pool.refresh_one(self._url)

    @property
    def _node(self) -> Node | None:
        return self._cluster.pool.get(self._url)

    @property
    def _pulls(self) -> tuple[Pull, ...]:
        return tuple(pull for pull in self._cluster.pulls.now if pull.url == self._url)

    def _command(self, name: str) -> None:
        model = self.query_one(Ledger).selected
        if model is not None:
            self._do(f"{name} {order_text(model, self._url)}")

    def _show(self) -> None:
        node, pulls, now = self._node, self._pulls, datetime.now(UTC)
        if node is None:
            self.dismiss(None)
            return
        self.query_one("#node-facts", Said).say(node_facts(node, self._latency))
        ledger, rows = self.query_one(Ledger), model_rows(node, pulls, now)
        ledger.drop([key.value for key in tuple(ledger.rows) if key.value and key.value not in rows])
        ledger.show(rows)
        self.set_class(not rows, "-empty")
        self.query_one(".empty", Said).say(_no_model(node))
        self.show_model()
        told = self.query_one("#node-pulls", Said)
        told.say("\n".join(progress_line(pull, pull.model) for pull in pulls))
        told.display = bool(pulls)
        self._count_down(node, now)

    def _count_down(self, node: Node, now: datetime) -> None:
        """Show all again when the first text would change by itself."""
        if self._countdown is not None:
            self._countdown.stop()
        wait_s = next_change_s((model.expires for model in node.loaded), now)
        self._countdown = None if wait_s is None else self.set_timer(wait_s, self._show, name="expiry")


def _no_model(node: Node) -> str:
    return "It has no model.  p  pulls one." if node.up else "Nothing is known of its models."
