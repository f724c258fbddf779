"""Where the layers of a model go: planned, tried otherwise, and after the load planned beside actual."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.events import Resize
from textual.widgets import OptionList, Static

from app.core.backends import Backend
from app.core.choices import Chosen
from app.core.cluster import Cluster
from app.core.coordinator_status import CoordinatorChanged, CoordinatorState, CoordinatorStatus
from app.core.models import Model
from app.core.plan import Plan
from app.core.planning import AS_SET, Change, Planned
from app.core.what_if import (
    command_words,
    less_context,
    more_context,
    next_cache,
    parse_context,
    toggled,
    ways_out,
)
from app.text.problem import Problem
from app.ui.plan_lines import Shown, column_heads, legend, plan_lines
from app.ui.plan_verdict import facts, verdict
from app.ui.screens.ask import AskScreen
from app.ui.screens.modal import Modal
from app.ui.widgets.plan_list import PlanList
from app.ui.widgets.said import Said

_HZ = 1
_SHOWN = (CoordinatorChanged, Chosen)
_KEYS = "space in/out · a all/fewest · + - c context · t cache · r reset · y copy"
_NOT_DISTRIBUTED = "Distribution is off: 'distributed on' lets models be spread."
_CONTEXT_HINT = "In tokens: 8192, or 8k."


class PlanScreen(Modal[Plan]):
    """Answered with the plan by which the model is to be loaded; begins with what is planned as set.

    `because` says why it is shown, where nobody has asked for it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("enter", "choose", "load by this plan"),
        ("space", "turn", "leave a backend out, ask for it, or as planned again"),
        ("a", "every", "all backends, or the fewest"),
        ("plus,right", "more", "more context"),
        ("minus,left", "less", "less context"),
        ("c", "type_context", "type the context"),
        ("t", "cache", "the next smaller cache"),
        ("1", "take(0)", "what would make it fit"),
        ("2", "take(1)", "what would make it fit"),
        ("exclamation_mark", "anyway", "place it also where it does not fit"),
        ("r,backspace", "reset", "as set"),
        ("y", "copy", "copy the command"),
        ("q", "close", "close"),
    ]

    def __init__(self, cluster: Cluster, model: Model, planned: Planned, because: str = "") -> None:
        super().__init__()
        self._cluster = cluster
        self._model = model
        self._because = because
        self._change = AS_SET
        """What is tried."""
        self._latest = Shown(planned)
        """What came of planning last, which may be of another change."""
        self._problem = ""
        """Why nothing came of it."""

    def compose(self) -> ComposeResult:
        """The model and the verdict, the devices with all that there is to say, the one under the cursor."""
        with Vertical(id="plan") as frame:
            frame.border_title = f"Plan for {self._model.name}"
            yield Said(id="plan-remark")
            yield Said(id="plan-facts")
            yield Said(id="plan-verdict")
            yield Said(id="plan-legend")
            yield Said(id="plan-heads")
            yield PlanList()
            yield Said(id="plan-details")
            yield Static(_KEYS, id="plan-keys", markup=False)

    def on_mount(self) -> None:
        """Follow what the plan depends on."""
        self.query_one("#plan-legend", Said).say(legend())
        self.follow()

    def on_resize(self, _event: Resize) -> None:
        """Use the width that there is."""
        self.call_after_refresh(self._show)

    @work(name="follow a plan", group="follow", exit_on_error=False)
    async def follow(self) -> None:
        """Plan again where backends have changed, for as long as the screen is there."""
        before = self._backends
        with self._cluster.bus.subscribe() as mailbox:
            async for events in mailbox.batches(_HZ):
                if any(isinstance(event, _SHOWN) for event in events):
                    self._show()
                if before != self._backends:
                    before = self._backends
                    self.plan()

    @work(name="plan", group="plan", exclusive=True, exit_on_error=False)
    async def plan(self) -> None:
        """Plan with what is tried; a plan that is overtaken by another try is never shown."""
        change = self._change
        self._tell()
        try:
            planned = await self._cluster.dispatcher.plan(self._model.name, change)
        except Problem as problem:
            self._problem = str(problem)
        else:
            self._latest, self._problem = Shown(planned, change), ""
        self._show()

    def action_turn(self) -> None:
        """Leave the backend under the cursor out, ask for it, or have it as planned again."""
        line = self.query_one(PlanList).selected
        if line is None or line.backend is None:
            return
        try:
            self._try(toggled(self._change, self._shown.planned, line.backend))
        except Problem as problem:
            self.app.notify(str(problem), severity="warning", markup=False)

    def action_every(self) -> None:
        """Use all backends, or the fewest."""
        self._try(replace(self._change, every=not self._cluster.planning.wants_every(self._change)))

    def action_more(self) -> None:
        """Twice the context."""
        self._try(more_context(self._change, self._shown.planned, self._model.facts.context))

    def action_less(self) -> None:
        """Half the context."""
        self._try(less_context(self._change, self._shown.planned))

    @work(name="ask for a context", group="ask", exclusive=True, exit_on_error=False)
    async def action_type_context(self) -> None:
        """Plan for a context to be typed."""
        typed = await self.app.push_screen_wait(AskScreen("Context", _CONTEXT_HINT, parse_context))
        if typed:
            self._try(replace(self._change, context=parse_context(typed)))

    def action_cache(self) -> None:
        """Store the context in the next smaller type."""
        self._try(next_cache(self._change, self._shown.planned))

    def action_take(self, place: int) -> None:
        """Do what is suggested where it does not fit."""
        ways = ways_out(self._change, self._shown.planned)
        if place < len(ways):
            self._try(ways[place])

    def action_anyway(self) -> None:
        """Place every layer also where they do not fit, or only where they do."""
        self._try(replace(self._change, anyway=not self._change.anyway))

    def action_reset(self) -> None:
        """Plan as the settings say; for a model that is loaded, show what came of its plan."""
        self._try(AS_SET)

    def action_copy(self) -> None:
        """Copy the command that prints this plan."""
        words = command_words(self._model.name, self._change)
        self.app.copy_to_clipboard(words)
        self.app.notify(f"Copied {words}", markup=False)

    def action_choose(self) -> None:
        """Answer with what is shown, if that can be loaded."""
        planned, why_not = self._latest.planned, self._why_not()
        if why_not:
            self.app.notify(why_not, severity="warning", markup=False)
        elif isinstance(planned, Plan):
            self.dismiss(planned)
        else:
            said = "It does not fit. '!' places it all the same."
            self.app.notify(said, severity="warning", markup=False)

    @on(OptionList.OptionHighlighted)
    def tell_details(self) -> None:
        """Say all that is known of the line under the cursor."""
        line = self.query_one(PlanList).selected
        self.query_one("#plan-details", Said).say(line.details if line is not None else "")

    @property
    def _backends(self) -> frozenset[Backend]:
        """As last seen, but for what each probe measures anew: a plan that jumps with that cannot be read."""
        known = self._cluster.backends.known
        return frozenset(replace(backend, latency_ms=None, checked=None) for backend in known)

    @property
    def _loaded(self) -> CoordinatorStatus | None:
        """The coordinator that has loaded the model by the plan that is shown."""
        serving = self._cluster.dispatcher.serving(self._model.name) if self._change == AS_SET else None
        status = serving.status if serving is not None else None
        if status is None or status.state is not CoordinatorState.READY or status.planned is None:
            return None
        return status if status.placement else None

    @property
    def _remark(self) -> str:
        """What is to be known before all else; empty where nothing is."""
        if self._because:
            return self._because
        if not self._cluster.choices.now.distributed:
            return _NOT_DISTRIBUTED
        serving = self._cluster.dispatcher.serving(self._model.name) if self._change == AS_SET else None
        if serving is None or self._loaded is not None:
            return ""
        if serving.status.state is CoordinatorState.READY:
            return "It is running; by which plan is not known any more."
        return f"Its coordinator is {serving.status.state}."

    @property
    def _shown(self) -> Shown:
        loaded = self._loaded
        if loaded is None or loaded.planned is None:
            return self._latest
        return Shown(loaded.planned, placement=loaded.placement)

    def _try(self, change: Change) -> None:
        if change != self._change:
            self._change = change
            self.plan()

    def _why_not(self) -> str:
        """Why nothing can be loaded by what is shown; empty where it can."""
        if self._change == AS_SET and self._cluster.dispatcher.serving(self._model.name) is not None:
            return "It is running already; change something to load it in another way."
        if self._problem:
            return self._problem
        if self._latest.change != self._change:
            return "That is being planned still."
        return "" if self._cluster.choices.now.distributed else _NOT_DISTRIBUTED

    def _show(self) -> None:
        lines = self.query_one(PlanList)
        width = lines.scrollable_content_region.width
        lines.show(plan_lines(self._shown, width))
        self.query_one("#plan-heads", Said).say(column_heads(width))
        self._tell()
        self.tell_details()

    def _tell(self) -> None:
        """Say what is planned, or that it is being planned."""
        shown, remark = self._shown, self.query_one("#plan-remark", Said)
        remark.say(self._remark)
        remark.display = bool(self._remark)
        self.query_one("#plan-facts", Said).say(facts(self._model, shown.planned))
        said = self._problem or verdict(shown.planned, shown.change, self._loaded)
        self.query_one("#plan-verdict", Said).say(said)
        under_way = self._latest.change != self._change and not self._problem
        keys = (
            "planning …" if under_way else "",
            "enter loads" if isinstance(shown.planned, Plan) and self._loaded is None else "",
            "esc closes",
            "f1 all keys",
        )
        self.query_one("#plan").border_subtitle = " · ".join(filter(None, keys))
