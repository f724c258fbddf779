"""Programs that are run to their end, or ended."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from app.llama.tool import Ended, ToolProblem, run_to_end, tool_lines, tool_output
from tests.support.programs import write_program
from tests.support.waiting import until

WITH_GRANDCHILD = "sleep 600 & echo $! > {file}; "


def gone(file: Path) -> bool:
    """Whether the process whose number is in the file has ended."""
    try:
        return psutil.Process(int(file.read_text())).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def has_number(file: Path) -> bool:
    return file.exists() and file.read_text().endswith("\n")


def hold_up_the_loop() -> None:
    time.sleep(0.1)


async def shell(script: str, deadline_s: float = 60, **environment: str) -> Ended:
    return await run_to_end(["/bin/sh", "-c", script], environment, deadline_s=deadline_s)


async def test_exit_code_and_both_outputs() -> None:
    assert await shell("echo one; echo two >&2; exit 3") == Ended(3, "one\ntwo")
    assert await shell("kill -ABRT $$") == Ended(-6, "")


async def test_last_words() -> None:
    ended = await shell("for i in 1 2 3 4 5 6; do echo $i; echo; done")
    assert ended.ending == "(exit code 0): 4 | 5 | 6."
    assert Ended(-6, "\n\n").ending == "(exit code -6)."
    assert len(Ended(1, "x" * 1000).ending) < 500


@pytest.mark.parametrize("line", ["E: Unable to locate it.", "a.cpp:3:1: error: no such thing", "ERROR: no"])
def test_errors_are_told_rather_than_what_comes_after_them(line: str) -> None:
    output = f"Reading lists\n{line}\n\nE2: go on\nmake: 4 terrors left\n\n"
    assert Ended(100, output).ending == f"(exit code 100): {line.rstrip('.')}."


async def test_environment_and_input_are_what_is_given() -> None:
    assert await shell('echo "$A-$HOME-"; cat', A="b") == Ended(0, "b--")


async def test_what_is_no_text_is_read_all_the_same() -> None:
    assert (await shell(r"printf 'a\377\n'")).output == "a\ufffd"


async def test_no_such_program(tmp_path: Path) -> None:
    with pytest.raises(ToolProblem, match=r"^/no/such/program is not there\.$"):
        await run_to_end(["/no/such/program"], {}, deadline_s=60)
    program = tmp_path / "program"
    program.write_text("#!/no/such/loader\n")
    program.chmod(0o755)
    with pytest.raises(ToolProblem, match=r"program cannot be run: the loader that it names is not there\.$"):
        await run_to_end([program], {}, deadline_s=60)


async def test_what_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ToolProblem, match=r"text cannot be run: Permission denied\.$"):
        await run_to_end([tmp_path / "text"], {}, deadline_s=60)
    (tmp_path / "text").chmod(0o755)
    with pytest.raises(ToolProblem, match=r"text cannot be run: Exec format error\.$"):
        await run_to_end([tmp_path / "text"], {}, deadline_s=60)


@pytest.mark.parametrize("then", ["sleep 600", "exec >&- 2>&-; sleep 600", "exit 0"])
async def test_a_deadline_ends_all_of_it(then: str, tmp_path: Path) -> None:
    file = tmp_path / "pid"
    with pytest.raises(ToolProblem, match=r"^sh took longer than 500 ms\.$"):
        await shell(WITH_GRANDCHILD.format(file=file) + then, deadline_s=0.5)
    await until(lambda: gone(file))


async def test_a_deadline_of_a_program_that_prints() -> None:
    with pytest.raises(ToolProblem, match="took longer"):
        await shell("while sleep 0.01; do echo; done", deadline_s=0.5)


async def test_a_line_without_end() -> None:
    with pytest.raises(ToolProblem, match=r"^cat prints without end\.$"):
        async with aclosing(tool_lines(["cat", "/dev/zero"], deadline_s=60)) as lines:
            assert [line async for line in lines] == []


@pytest.mark.parametrize("script", ["yes", "cat /dev/zero"])
async def test_output_without_end(script: str, tmp_path: Path) -> None:
    file = tmp_path / "pid"
    with pytest.raises(ToolProblem, match=r"^sh prints without end\.$"):
        await shell(WITH_GRANDCHILD.format(file=file) + script)
    await until(lambda: gone(file))


async def test_cancelling_ends_all_of_it(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    running = asyncio.create_task(shell(WITH_GRANDCHILD.format(file=file) + "sleep 600"))
    await until(lambda: has_number(file))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: gone(file))


async def test_cancelling_while_it_starts_ends_all_of_it(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    running = asyncio.create_task(shell(WITH_GRANDCHILD.format(file=file) + "sleep 600"))
    while not has_number(file):
        # So slowly that the program is further than the loop knows.
        await asyncio.sleep(0)
        hold_up_the_loop()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: gone(file))


async def test_a_tool_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    tool = write_program(tmp_path / "tool", "echo $LC_ALL; echo 'no such thing' >&2; exit 2")
    with pytest.raises(ToolProblem, match=r"^tool failed \(exit code 2\): C \| no such thing\.$"):
        await tool_output([tool], deadline_s=60)
    with pytest.raises(ToolProblem, match=r"^tool failed \(exit code 2\): C \| no such thing\.$"):
        async with aclosing(tool_lines([tool], deadline_s=60)) as lines:
            assert [line async for line in lines] == ["C", "no such thing"]
    with pytest.raises(ToolProblem, match=r"^false failed \(exit code 1\)\.$"):
        await tool_output(["false"], deadline_s=60)


async def test_lines_come_as_they_are_printed(tmp_path: Path) -> None:
    go, file = tmp_path / "go", tmp_path / "pid"
    wait = f"until test -e {go}; do sleep 0.01; done"
    script = f"echo one; {wait}; {WITH_GRANDCHILD.format(file=file)} echo two; wait"
    async with aclosing(tool_lines(["sh", "-c", script], deadline_s=60)) as lines:
        assert await anext(lines) == "one"
        go.touch()
        assert await anext(lines) == "two"
        assert not gone(file)
    await until(lambda: gone(file))
