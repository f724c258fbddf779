"""Stylesheets: there, packed, and without a colour of their own."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from app.ui import styles
from app.ui.styles import STYLESHEETS, styles_folder

ROOT = Path(__file__).parents[2]
LITERAL = re.compile(r"#[0-9a-fA-F]{3,8}\b(?=[^{]*;)|\brgba?\(|\bhsla?\(|\bansi_")


def test_every_stylesheet_is_read() -> None:
    assert sorted(STYLESHEETS) == sorted(path.name for path in styles_folder().glob("*.tcss"))


def test_they_are_packed_where_they_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert packed["styles"] == "app/styles"
    installed = tmp_path / "app"
    (installed / "styles").mkdir(parents=True)
    monkeypatch.setattr(styles, "__file__", str(installed / "ui" / "styles.py"))
    assert styles_folder.__wrapped__() == installed / "styles"


SOURCES = [*styles_folder().glob("*.tcss"), *(ROOT / "app" / "ui").rglob("*.py")]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_colours_come_from_the_theme(path: Path) -> None:
    text = path.read_text()
    css = text if path.suffix == ".tcss" else "".join(re.findall(r'CSS = """(.*?)"""', text, re.DOTALL))
    assert not LITERAL.findall(css)
