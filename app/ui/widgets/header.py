"""The line at the top: what is chosen, what runs, how much of the cluster is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive, var
from textual.widget import Widget

from app.core.backends import USABLE
from app.core.cluster import Cluster
from app.core.coordinator_status import CoordinatorState, CoordinatorStatus
from app.ui.plain import plain_line

NAME = "synaptic-tui"
_SHORTEST_MODEL = 12
_GAP = "  "
_TONES = {
    CoordinatorState.READY: "$text-success",
    CoordinatorState.FAILED: "$text-error",
    CoordinatorState.STOPPED: "$text-muted",
}


@dataclass(frozen=True, slots=True)
class Glance:
    """What the line says."""

    distributed: bool = False
    model: str | None = None
    coordinator: CoordinatorState | None = None
    place: str = ""
    """Which of how many coordinators that is; empty where there are not several."""
    port: int | None = None
    usable: int = 0
    backends: int = 0
    up: int = 0
    nodes: int = 0


def glance(cluster: Cluster, status: CoordinatorStatus | None, place: str) -> Glance:
    """The cluster as it is now, with one of its coordinators, and which of how many that is."""
    chosen, known, nodes = cluster.choices.now, cluster.backends.known, cluster.pool.nodes
    return Glance(
        distributed=chosen.distributed,
        model=chosen.model,
        coordinator=status.state if status else None,
        place=place,
        port=status.port if status else None,
        usable=sum(backend.state in USABLE for backend in known),
        backends=len(known),
        up=sum(node.up is True for node in nodes),
        nodes=len(nodes),
    )


class HeaderLine(Widget):
    """One line, in the longest form that fits."""

    auto_links = var(False)
    glance = reactive(Glance())

    def render(self) -> Content:
        """The longest form that fits, with a model's name cut where even the shortest does not."""
        width = self.size.width - 2
        forms = list(_forms(self.glance, self.glance.model))
        for form in forms:
            if form.cell_length <= width:
                return form
        model = self.glance.model or ""
        room = max(_SHORTEST_MODEL, len(model) - (forms[-1].cell_length - width))
        *_, shortest = _forms(self.glance, f"{model[: room - 1]}…")
        return shortest


def _forms(seen: Glance, model: str | None) -> Iterator[Content]:
    """The line, from its longest form to its shortest."""
    name = Content.styled(NAME, "bold $text-accent")
    on = ("distributed ", ("ON", "bold $text-success") if seen.distributed else ("off", "$text-muted"))
    switch = _leads_to("distributed", Content.assemble(*on))
    backends = _leads_to("rpc list", _share(seen.usable, seen.backends, "backends"))
    nodes = _leads_to("nodes", _share(seen.up, seen.nodes, "nodes"))
    for lead in (name, None):
        for goes_to in _model_forms(seen, model):
            parts = [lead, switch, goes_to, backends, nodes]
            yield Content(_GAP).join(part for part in parts if part is not None)
    yield Content(_GAP).join((*list(_model_forms(seen, model))[-1:], backends, nodes))


def _model_forms(seen: Glance, model: str | None) -> Iterator[Content]:
    named = (
        Content.styled(plain_line(model), "bold") if model else Content.styled("no model", "$text-warning")
    )
    named = _leads_to("model", named)
    if seen.coordinator is None:
        yield named
        return
    state = Content.styled(f"● {seen.coordinator}", _TONES.get(seen.coordinator, "$text-warning"))
    place = f" {seen.place}" if seen.place else ""
    port = f" :{seen.port}" if seen.port else ""
    yield named + _leads_to("coordinator", Content.assemble(f" → coordinator{place}{port} ", state))
    yield named + _leads_to("coordinator", Content.assemble(f" →{place} ", state))


def _leads_to(command: str, part: Content) -> Content:
    """A part of the line that a click carries out a command on."""
    return part.stylize(f"@click=screen.command('{command}')")


def _share(good: int, all_of_them: int, what: str) -> Content:
    tone = "$text-muted" if not all_of_them else "$text-success" if good == all_of_them else "$text-warning"
    return Content.assemble((f"{good}/{all_of_them}", tone), f" {what}")
