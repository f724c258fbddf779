"""What the coordinator pane can show."""

from __future__ import annotations

from enum import StrEnum


class View(StrEnum):
    """What is under the summary."""

    EVENTS = "events"
    LOG = "log"
    REQUESTS = "requests"
