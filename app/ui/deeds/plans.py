"""What is done about plans: they are shown, and a model is loaded by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.plan import Plan
from app.ui.command import Command, Deed, Order
from app.ui.deeds.everywhere import chosen
from app.ui.places import Place
from app.ui.screens.models import ModelScreen
from app.ui.screens.plan import PlanScreen

if TYPE_CHECKING:
    from app.ui.screens.main import MainScreen


async def show(screen: MainScreen, name: str) -> None:
    """Show where the layers of a model go, and have it loaded if that is wanted then."""
    cluster = screen.cluster
    planned = await cluster.dispatcher.plan(name or _model_here(screen))
    model = await cluster.catalogue.find(name or _model_here(screen), cluster.pool_in_use())
    plan = await screen.app.push_screen_wait(PlanScreen(cluster, model, planned))
    if plan is None:
        return
    if isinstance(screen.app.screen, ModelScreen):
        screen.app.screen.dismiss(None)
    # A command of its own: the view can be opened again meanwhile.
    screen.order(Order(Command("start", "Load a model by a plan", _start_by(plan)), model.name))


def _start_by(plan: Plan) -> Deed:
    async def deed(screen: MainScreen, name: str) -> None:
        await screen.cluster.dispatcher.start(name, plan)

    return deed


def _model_here(screen: MainScreen) -> str:
    """The model of the coordinator that is shown, in its pane and while it runs; else the chosen one."""
    coordinators, shown = screen.cluster.coordinators, screen.coordinator.status
    running = coordinators.of(shown.model) if shown is not None else coordinators.running
    if screen.place is Place.COORDINATOR and running is not None:
        return running.status.model
    return chosen(screen)
