"""Paths are completed as they are typed, and reading a folder holds nothing up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.console import OpenConsole
from tests.support.waiting import until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with something in it."""
    folder = tmp_path / "papers"
    (folder / "drafts").mkdir(parents=True)
    for name in ("notes.md", "numbers.txt", ".hidden"):
        (folder / name).write_text("text")
    (folder / "drafts" / "one.txt").write_text("text")
    return folder


async def test_a_path_is_completed_on_the_command_line(open_console: OpenConsole, folder: Path) -> None:
    async with open_console(welcomed=False) as console:
        await console.press("escape", "colon")
        await console.type(f"attach {folder}/")
        await console.shows("drafts/")
        await console.shows("numbers.txt")
        assert ".hidden" not in console.text
        await console.type("no")
        await until(lambda: "numbers.txt" not in console.text)
        await console.press("tab", "enter")
        await until(lambda: "notes.md (4 B) goes with the next prompt." in console.toasts)


async def test_a_path_is_completed_folder_by_folder_in_the_prompt(
    open_console: OpenConsole, folder: Path
) -> None:
    async with open_console(welcomed=False) as console:
        prompt = console.main.chat.prompt
        await console.type(f"/attach {folder}/dr")
        await console.shows("drafts/")
        await console.press("tab")
        assert prompt.text == f"/attach {folder}/drafts/"
        await console.shows("one.txt")
        await console.press("tab")
        assert prompt.text == f"/attach {folder}/drafts/one.txt"


async def test_what_is_hidden_is_offered_to_who_asks_for_it(open_console: OpenConsole, folder: Path) -> None:
    async with open_console(welcomed=False) as console:
        await console.press("escape", "colon")
        await console.type(f"attach {folder}/.h")
        await console.shows(".hidden")


async def test_a_folder_that_is_none_offers_nothing(open_console: OpenConsole, tmp_path: Path) -> None:
    async with open_console(welcomed=False) as console:
        await console.press("escape", "colon")
        await console.type(f"attach {tmp_path}/nowhere/x")
        await until(lambda: not any(worker.name == "folder" for worker in console.main.workers))
        await console.press("enter")
        await until(lambda: any("nowhere/x" in told for told in console.toasts))
