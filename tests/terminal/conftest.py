"""The console itself in a real terminal, with settings under which nothing of this box counts."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from app.config import folders

CONSOLE = (sys.executable, "-m", "app")


@pytest.fixture
def lonely(tmp_path: Path) -> dict[str, str]:
    """An environment in which the console knows no engine, no backend and no node."""
    config = folders.config_file()
    config.parent.mkdir(parents=True)
    config.write_text("nodes: []\nnetworks: [127.0.0.1]\n")
    return {**os.environ, "PATH": "/usr/bin:/bin"}
