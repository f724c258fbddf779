"""The line over a part of a sheet."""

from __future__ import annotations

from textual.content import Content


def heading(title: str, remark: str = "") -> Content:
    """A title, and what is to be said of all that is under it."""
    return Content.assemble((title, "bold"), (f"  {remark}" if remark else "", "$text-muted"))
