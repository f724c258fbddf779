"""Where the stylesheets are: in the package when installed, beside it in a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path

STYLESHEETS = (
    "theme.tcss",
    "main.tcss",
    "chat.tcss",
    "backends.tcss",
    "nodes.tcss",
    "coordinator.tcss",
    "modals.tcss",
    "plan.tcss",
)
"""In the order in which they are read: a later rule wins over an earlier one as specific."""


@cache
def styles_folder() -> Path:
    """The folder of the stylesheets.

    Raises:
        FileNotFoundError: this installation has none.
    """
    packaged = Path(__file__).parents[1] / "styles"
    checkout = Path(__file__).resolve().parents[2]
    if packaged.is_dir():
        return packaged
    if (checkout / "pyproject.toml").is_file() and (checkout / "styles").is_dir():
        return checkout / "styles"
    raise FileNotFoundError("The stylesheets are missing from this installation.")
