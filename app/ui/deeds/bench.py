"""What the commands of measuring do."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from app.core.bench_steps import Verdict
from app.text.units import plural
from app.ui.bench_sheet import bench_sheet
from app.ui.deeds.everywhere import chosen
from app.ui.screens.sheet import SheetScreen

if TYPE_CHECKING:
    from app.ui.screens.main import MainScreen


async def bench_placement(screen: MainScreen, name: str) -> None:
    """Measure placements of a model, which the coordinator pane tells of, and show the table at the end."""
    model = await screen.cluster.dispatcher.loadable(name or chosen(screen))
    async with aclosing(screen.cluster.bench.run(model)) as steps:
        async for step in steps:
            if isinstance(step, Verdict):
                await screen.app.push_screen(SheetScreen(f"Bench of {model.name}", bench_sheet(step)))


async def forget(screen: MainScreen, name: str) -> None:
    """Place a model again as if it had never been measured."""
    model = await screen.cluster.dispatcher.loadable(name or chosen(screen))
    forgotten = await screen.cluster.bench.forget(model)
    screen.tell(f"{plural(forgotten, 'measurement')} of {model.name} forgotten.")
