from __future__ import annotations

from pathlib import Path

import pytest

from app.config import folders


def test_the_folders_are_those_of_the_desktop_standard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tmp_path / "base"
    for kind in ("CONFIG", "STATE", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(base / kind))
    assert folders.config_file() == base / "CONFIG" / "synaptic-tui" / "config.yaml"
    assert folders.state_folder() == base / "STATE" / "synaptic-tui"
    assert folders.cache_folder() == base / "CACHE" / "synaptic-tui"
    assert folders.data_folder() == base / "DATA" / "synaptic-tui"
    assert not base.exists(), "asking makes nothing"
