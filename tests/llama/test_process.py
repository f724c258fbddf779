"""Processes: started, watched, ended in steps, adopted, tied to us."""

from __future__ import annotations

import asyncio
import errno
import gc
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from app.llama.command import tied_to_us
from app.llama.process import Child, ProcessIdentity, StartProblem, find_process
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
SLEEP = "print('ready', flush=True); time.sleep(600)"
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN);" + SLEEP
STUBBORN = "signal.signal(signal.SIGTERM, lambda *_: print('again', flush=True));" + SLEEP.replace(
    "time.sleep(600)", "[time.sleep(1) for _ in range(600)]"
)
AT_THE_SECOND = (
    "asked = [];"
    "signal.signal(signal.SIGTERM, lambda *_: (asked.append(1), len(asked) == 2 and os._exit(7)));"
    + STUBBORN.partition(";")[2]
)
WITH_GRANDCHILD = (
    "other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print('grandchild', other.pid, flush=True);"
)

Start = Callable[..., Awaitable[Child]]


def python(code: str) -> list[str]:
    return [sys.executable, "-c", f"import os, signal, subprocess, sys, time; {code}"]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "process.log"


@pytest.fixture
async def start(log: Path) -> AsyncIterator[Start]:
    started: list[Child] = []

    async def start(code: str, *, ready: str = "") -> Child:
        child = await Child.start(python(code), environment={"SOME": "thing"}, log=log)
        started.append(child)
        await until(lambda: ready in text(log), f"'{ready}' in the log")
        return child

    yield start
    for child in started:
        await child.stop(0)


def text(log: Path) -> str:
    return log.read_text()


def mode(log: Path) -> int:
    return log.stat().st_mode & 0o777


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def grandchild(log: Path) -> int:
    return int(text(log).partition("grandchild ")[2].split()[0])


async def test_a_process_has_its_own_session_and_environment_and_one_private_log(
    start: Start, log: Path
) -> None:
    child = await start(
        "print(os.getsid(0), dict(os.environ).get('SOME'), 'HOME' in os.environ, sys.stdin.read() == '');"
        "print('to stderr', file=sys.stderr)"
    )
    assert await child.wait() == 0
    assert f"{child.identity.pid} thing False True\n" in text(log)
    assert "to stderr\n" in text(log)
    assert mode(log) == 0o600


async def test_a_log_is_appended_to(start: Start, log: Path) -> None:
    await (await start("print('first')")).wait()
    await (await start("print('second')")).wait()
    assert text(log) == "first\nsecond\n"


@pytest.mark.parametrize(
    ("code", "exit_code"), [("pass", 0), ("sys.exit(3)", 3), ("os.kill(os.getpid(), signal.SIGABRT)", -6)]
)
async def test_the_end_is_told_to_everybody_who_waits(start: Start, code: str, exit_code: int) -> None:
    child = await start(code)
    for told in await asyncio.gather(child.wait(), child.wait(), child.wait()):
        assert told == exit_code
    assert not child.running
    assert await child.wait() == exit_code
    assert await child.stop(1) == exit_code
    assert not psutil.pid_exists(child.identity.pid)


async def test_waiting_can_be_given_up(start: Start) -> None:
    child = await start(SLEEP, ready="ready")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await child.wait()
    assert child.running


async def test_waiting_without_a_process_descriptor(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int) -> int:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(os, "pidfd_open", refuse)
    assert await (await start("sys.exit(4)")).wait() == 4


async def test_stop_asks_first(start: Start, log: Path) -> None:
    child = await start("signal.signal(signal.SIGTERM, lambda *_: sys.exit(5));" + SLEEP, ready="ready")
    codes = await asyncio.gather(child.stop(60), child.stop(60))
    assert set(codes) == {5}
    assert not psutil.pid_exists(child.identity.pid)


async def test_stop_asks_a_second_time(start: Start, log: Path) -> None:
    child = await start(AT_THE_SECOND, ready="ready")
    assert await child.stop(0.05) == 7


async def test_stop_kills_in_the_end_and_with_it_the_whole_group(start: Start, log: Path) -> None:
    child = await start(WITH_GRANDCHILD + STUBBORN, ready="ready")
    assert await child.stop(0.05) == -signal.SIGKILL
    assert text(log).count("again") == 2
    await until(lambda: not is_alive(grandchild(log)))


async def test_what_a_process_leaves_in_its_group_ends_with_it(start: Start, log: Path) -> None:
    child = await start(WITH_GRANDCHILD)
    assert await child.wait() == 0
    await until(lambda: not is_alive(grandchild(log)))


async def test_a_cancelled_stop_kills_at_once(start: Start) -> None:
    child = await start(DEAF, ready="ready")
    stopping = asyncio.create_task(child.stop(600))
    await asyncio.sleep(0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert await child.wait() == -signal.SIGKILL


async def test_a_dropped_process_runs_on(log: Path) -> None:
    identity = (await Child.start(python(SLEEP), environment={}, log=log)).identity
    gc.collect()
    again = Child.adopt(identity)
    assert again is not None
    assert await again.stop(60) == -signal.SIGTERM
    assert not psutil.pid_exists(identity.pid)


async def test_no_such_program(log: Path) -> None:
    with pytest.raises(StartProblem, match="/no/such/program cannot be started: No such file"):
        await Child.start(["/no/such/program"], environment={}, log=log)


async def test_no_such_log(tmp_path: Path) -> None:
    with pytest.raises(StartProblem, match="cannot be written: No such file"):
        await Child.start(python("pass"), environment={}, log=tmp_path / "no" / "log")


async def start_elsewhere(log: Path, command: str, then: str) -> asyncio.subprocess.Process:
    """Another process that starts a program, prints its identity, and goes on as told."""
    code = f"""
import asyncio, json, time
from pathlib import Path
from app.llama.command import tied_to_us
from app.llama.process import Child
identity = asyncio.run(Child.start({command}, environment={{}}, log=Path({str(log)!r}))).identity
print(json.dumps([identity.pid, identity.started, identity.argv]), flush=True)
{then}
"""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )


async def identity_told_by(starter: asyncio.subprocess.Process) -> ProcessIdentity:
    assert starter.stdout is not None
    pid, started, argv = json.loads(await starter.stdout.readline())
    return ProcessIdentity(pid, started, tuple(argv))


@pytest.fixture
async def orphan(log: Path) -> AsyncIterator[ProcessIdentity]:
    """A process whose starter, another process of ours, is gone."""
    starter = await start_elsewhere(log, repr(python(SLEEP)), then="")
    identity = await identity_told_by(starter)
    assert await starter.wait() == 0
    await until(lambda: "ready" in text(log), "the program")
    yield identity
    if adopted := Child.adopt(identity):
        await adopted.stop(0)


async def test_an_adopted_process_is_watched_and_stopped(orphan: ProcessIdentity) -> None:
    child = Child.adopt(orphan)
    assert child is not None
    end = asyncio.create_task(child.wait())
    await asyncio.sleep(0)
    assert not end.done()
    assert await child.stop(60) is None
    assert await end is None
    assert not child.running
    assert await child.stop(60) is None
    assert not is_alive(orphan.pid)
    assert Child.adopt(orphan) is None


async def test_an_adopted_process_that_is_deaf_is_killed(orphan: ProcessIdentity) -> None:
    os.kill(orphan.pid, signal.SIGSTOP)
    child = Child.adopt(orphan)
    assert child is not None
    await child.stop(0.05)
    assert not is_alive(orphan.pid)


async def test_only_the_very_same_process_is_adopted(orphan: ProcessIdentity) -> None:
    assert Child.adopt(replace(orphan, started=orphan.started - 60)) is None
    assert Child.adopt(replace(orphan, argv=(*orphan.argv, "--port"))) is None
    assert Child.adopt(replace(orphan, argv=(orphan.argv[0],))) is None
    assert Child.adopt(replace(orphan, pid=os.getpid())) is None
    assert Child.adopt(replace(orphan, argv=("/usr/bin/wrapper", *orphan.argv[1:]))) is not None


async def test_a_zombie_is_not_adopted(start: Start) -> None:
    child = await start("pass")
    await until(lambda: psutil.Process(child.identity.pid).status() == psutil.STATUS_ZOMBIE)
    assert Child.adopt(child.identity) is None


@pytest.mark.parametrize(("command", "survives"), [("tied_to_us({})", False), ("{}", True)])
async def test_only_what_is_tied_to_us_dies_with_us(log: Path, command: str, survives: bool) -> None:
    starter = await start_elsewhere(log, command.format(python(SLEEP)), then="time.sleep(600)")
    identity = await identity_told_by(starter)
    await until(lambda: "ready" in text(log), "the program")
    starter.kill()
    await starter.wait()
    if survives:
        adopted = Child.adopt(identity)
        assert adopted is not None
        await adopted.stop(60)
    await until(lambda: not is_alive(identity.pid), "its end")


async def test_what_is_tied_to_us_is_the_program_itself(log: Path) -> None:
    child = await Child.start(tied_to_us(python(SLEEP)), environment={}, log=log)
    try:
        await until(lambda: "ready" in text(log), "the program")
        assert psutil.Process(child.identity.pid).cmdline() == python(SLEEP)
    finally:
        assert await child.stop(60) == -signal.SIGTERM


async def test_what_is_tied_to_somebody_gone_does_not_start(log: Path) -> None:
    command = tied_to_us(python(SLEEP))
    command[4] = str(os.getppid())
    child = await Child.start(command, environment={}, log=log)
    assert await child.wait() == 0
    assert text(log) == ""


async def test_a_process_is_found_by_its_command(start: Start) -> None:
    child = await start(SLEEP + "#found", ready="ready")
    assert find_process(child.identity.argv) == child.identity
    assert find_process(["/usr/bin/wrapper", *child.identity.argv[1:]]) is not None
    assert find_process(python(SLEEP + "#not found")) is None
