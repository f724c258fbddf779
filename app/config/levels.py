"""How much of what happens goes to a log file."""

from __future__ import annotations

from typing import Literal

LogLevel = Literal["off", "error", "warning", "info", "debug"]
"""Everything from this level on."""
