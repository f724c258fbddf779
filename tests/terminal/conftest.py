"""The console itself in a real terminal, with settings under which nothing of this box counts."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.cli.session import usual_places
from app.config import folders
from app.config.state import StateFile

CONSOLE = (sys.executable, "-m", "app")


@pytest.fixture
def lonely(tmp_path: Path) -> dict[str, str]:
    """An environment in which the console knows no engine, no backend and no node."""
    config = folders.config_file()
    config.parent.mkdir(parents=True)
    config.write_text("nodes: []\nnetworks: [127.0.0.1]\n")
    StateFile(usual_places().state_file).update(lambda state: replace(state, welcome_skipped=True))
    return {**os.environ, "PATH": "/usr/bin:/bin"}
