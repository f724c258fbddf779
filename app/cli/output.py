"""What commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def say(text: str) -> None:
    """A line beside the answer: progress, notes, warnings; goes to standard error."""
    click.echo(text, err=True)


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table with as much width as its cells need; nothing at all where there are no rows."""
    if not rows:
        return
    widths = [max(len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]

    def line(cells: Sequence[str]) -> str:
        return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()

    emphasised(line([column.upper() for column in columns]), bold=True)
    for row in rows:
        click.echo(line(row))


def emphasised(text: str, **style: Any) -> None:  # noqa: ANN401  the styles of click
    """A line with a style; plain where standard output is no terminal or NO_COLOR is set."""
    click.echo(click.style(text, **style), color=False if os.environ.get("NO_COLOR") else None)
