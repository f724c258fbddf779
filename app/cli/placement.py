"""`synaptic-tui placement history`."""

from __future__ import annotations

import click
import msgspec

from app.cli.output import json_option, print_json, print_table, say
from app.cli.session import usual_places
from app.core.placement_history import PastPlacement, PlacementHistory
from app.text.units import UNKNOWN, bytes_text, milliseconds_text, rate_text


@click.group()
def placement() -> None:
    """Show where the layers of models went."""


@placement.command()
@click.option("--last", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many loads.")
@json_option
def history(last: int, as_json: bool) -> int:
    """Show what was planned for the last loads, what came of it, and how fast they were."""
    found = PlacementHistory(usual_places().history).newest(last)
    if as_json:
        print_json({"placements": [msgspec.to_builtins(past) for past in found]})
        return 0
    if not found:
        say("No load was planned yet. The first start of a model over backends is.")
        return 0
    print_table(
        (
            *(
                "when",
                "model",
                "context",
                "backend",
                "ms",
                "layers",
                "planned",
                "actual",
                "compute",
                "allowed",
            ),
            *("speed", "prompt"),
        ),
        [row for past in found for row in _rows(past)],
    )
    return 0


def _rows(past: PastPlacement) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for device in past.devices:
        planned, actual = device.planned, device.actual
        rows.append(
            (
                f"{past.at.astimezone():%Y-%m-%d %H:%M}",
                past.model,
                f"{past.context:,}",
                device.backend,
                milliseconds_text(device.round_trip_ms),
                str(planned.layers),
                bytes_text(planned.weights_bytes + planned.cache_bytes),
                UNKNOWN if actual is None else bytes_text(actual.weights_bytes + actual.cache_bytes),
                UNKNOWN if actual is None else bytes_text(actual.compute_bytes),
                bytes_text(planned.compute_bytes),
                rate_text(past.generation_rate),
                rate_text(past.prompt_rate),
            )
        )
    return rows
