"""Run a program that the kernel kills when its owner dies: `python leash.py OWNER-PID PROGRAM ARGUMENT…`.

It becomes that program, with the same process number. It is run by its path and imports nothing of ours.
"""

from __future__ import annotations

import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""linux/prctl.h; it holds across execve, for all but programs with privileges of their own."""


def main() -> None:
    """Ask the kernel for the signal, then become the program, unless the owner has died meanwhile."""
    # Not above: whoever starts us imports this for its path.
    import ctypes

    owner, program, *arguments = sys.argv[1:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(owner):
        return
    try:
        os.execv(program, [program, *arguments])  # noqa: S606  an argument list, no shell
    except OSError as error:
        sys.exit(f"{program}: {error.strerror}")


if __name__ == "__main__":
    main()
