"""Where settings, state, caches and fetched programs are kept: the XDG folders of the user."""

from __future__ import annotations

from pathlib import Path

import platformdirs

_NAME = "synaptic-tui"


def config_file() -> Path:
    """The configuration file that is read where no other is named."""
    return platformdirs.user_config_path(_NAME) / "config.yaml"


def state_folder() -> Path:
    """What the program keeps by itself."""
    return platformdirs.user_state_path(_NAME)


def cache_folder() -> Path:
    """What may be deleted at any time."""
    return platformdirs.user_cache_path(_NAME)


def data_folder() -> Path:
    """What was fetched."""
    return platformdirs.user_data_path(_NAME)
