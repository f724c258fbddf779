"""One supervised process: started in a session of its own, or adopted from one of ours that is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from app.text.problem import Problem

SECOND_GRACE_S = 1.0
"""After the second SIGTERM, at which llama-server drops everything."""
KILL_S = 5.0
"""After SIGKILL; only a process that the kernel itself holds up takes longer."""
POLL_S = 0.1
SAME_START_S = 2.0
"""Two readings of one start differ by less, as the system tells its boot time in whole seconds."""


class StartProblem(Problem):
    """A program that cannot be started."""


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """What tells a process from a later one with the same number."""

    pid: int
    started: float
    """Seconds from the start of the box to its own: setting the clock does not change them."""
    argv: tuple[str, ...]

    @property
    def started_at(self) -> datetime:
        """By the wall clock as it is now."""
        return datetime.fromtimestamp(psutil.boot_time() + self.started, UTC)

    @property
    def age_s(self) -> float:
        """Seconds since its start."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) - self.started


class Child:
    """One process, whose standard output and error go to one log file.

    It holds no descriptor and no task: dropping it leaves the process running.
    """

    def __init__(self, identity: ProcessIdentity, *, is_ours: bool) -> None:
        self.identity = identity
        self._is_ours = is_ours
        """Whether the system tells us how it ends."""
        self._has_ended = False
        self._exit_code: int | None = None
        self._stopping = asyncio.Lock()

    @classmethod
    async def start(cls, argv: Sequence[str], *, environment: Mapping[str, str], log: Path) -> Child:
        """Start a program, by its path, in a session of its own; it outlives us.

        Everybody on this box can read `argv`: no secrets there.

        Raises:
            StartProblem: the log cannot be written, or the program cannot be run.
        """
        try:
            await asyncio.to_thread(_create_private, log)
        except OSError as error:
            raise StartProblem(
                f"The log {log} cannot be written: {error.strerror}.", "Make room, or make it writable."
            ) from None
        try:
            # In this thread, not in a passing one: what is tied to us is tied to the thread that starts it.
            pid = _spawn(argv, environment, log)
        except OSError as error:
            raise StartProblem(
                f"{argv[0]} cannot be started: {error.strerror}.",
                "See what 'synaptic-tui engine' says of the programs.",
            ) from None
        return cls(ProcessIdentity(pid, _started(psutil.Process(pid)), tuple(argv)), is_ours=True)

    @classmethod
    def adopt(cls, identity: ProcessIdentity) -> Child | None:
        """The running process of that identity, whoever started it; None where it has ended.

        Number, time of start and arguments must all match.
        """
        if not (_is_running(identity) and _runs_command(identity.pid, identity.argv)):
            return None
        return cls(identity, is_ours=_is_child_of_ours(identity.pid))

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        if not self._has_ended:
            self._has_ended = self._reap() if self._is_ours else not _is_running(self.identity)
        return not self._has_ended

    async def wait(self) -> int | None:
        """Wait for its end.

        Returns its exit code, negative for a signal; None where it was adopted: only a parent is told.
        """
        while self.running:
            try:
                descriptor = os.pidfd_open(self.identity.pid)
            except ProcessLookupError:
                continue
            except OSError:  # a kernel or a sandbox without the call
                await asyncio.sleep(POLL_S)
                continue
            try:
                # Only now is it certain that the descriptor is not of a later process with this number.
                if self.running:
                    await _readable(descriptor)
            finally:
                os.close(descriptor)
        return self._exit_code

    async def stop(self, grace_s: float) -> int | None:
        """End it and everything in its group, and wait until it is gone; at any time, and as often as wanted.

        SIGTERM, after the grace another one, at last SIGKILL, which a cancelled stop sends at once. Returns
        what `wait` does.
        """
        async with self._stopping:
            try:
                for sign, patience_s in (
                    (signal.SIGTERM, grace_s),
                    (signal.SIGTERM, SECOND_GRACE_S),
                    (signal.SIGKILL, KILL_S),
                ):
                    if self.running:
                        self._send(sign)
                        with suppress(TimeoutError):
                            async with asyncio.timeout(patience_s):
                                await self.wait()
            except asyncio.CancelledError:
                if self.running:
                    self._send(signal.SIGKILL)
                raise
        return self._exit_code

    def _send(self, sign: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            if sign is signal.SIGKILL:
                os.killpg(self.identity.pid, sign)
            else:
                os.kill(self.identity.pid, sign)

    def _reap(self) -> bool:
        """Whether it has ended; if so, what it left in its group is ended too, and its exit code taken."""
        pid = self.identity.pid
        try:
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                return False
            # Until it is reaped, nobody else can have this number.
            self._send(signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
        except ChildProcessError:
            return True
        self._exit_code = os.waitstatus_to_exitcode(status)
        return True


def find_process(argv: Sequence[str]) -> ProcessIdentity | None:
    """The running process with these arguments; takes some milliseconds, as it looks at every one."""
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess):
            if _runs_command(process.pid, argv):
                return ProcessIdentity(process.pid, _started(process), tuple(argv))
    return None


def _spawn(argv: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
    # Not by subprocess or asyncio: they complain about a process that is to outlive us, or kill it. SIGPIPE
    # stays ignored, as in every Python program: an RPC server would die of a client that leaves too early.
    return os.posix_spawn(
        argv[0],
        list(argv),
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.fspath(log), os.O_WRONLY | os.O_APPEND, 0),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=(),
    )


def _create_private(log: Path) -> None:
    os.close(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


def _is_running(identity: ProcessIdentity) -> bool:
    """Whether the process has not ended, and no later one has its number."""
    try:
        process = psutil.Process(identity.pid)
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return False
        return abs(_started(process) - identity.started) < SAME_START_S
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _is_child_of_ours(pid: int) -> bool:
    """Whether this very process started it, and let go of it."""
    try:
        return psutil.Process(pid).ppid() == os.getpid()
    except psutil.NoSuchProcess:
        return False


def _runs_command(pid: int, argv: Sequence[str]) -> bool:
    try:
        return _is_same_command(psutil.Process(pid).cmdline(), argv)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _is_same_command(argv: Sequence[str], expected: Sequence[str]) -> bool:
    """Whether the arguments are the same; a program behind a wrapper script goes by another name."""
    arguments = list(expected[1:])
    return bool(argv) and (
        list(argv[-len(arguments) :]) == arguments if arguments else argv == list(expected)
    )


def _started(process: psutil.Process) -> float:
    return process.create_time() - psutil.boot_time()
