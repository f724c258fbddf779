"""Why a folder cannot be read by this user, and how to open it."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path

_EFFECTIVE = os.access in os.supports_effective_ids
"""Whether the system can be asked about the user that file accesses really count for."""


def closed_folder(path: Path) -> Path | None:
    """The first folder on the way to `path`, or that folder itself, which this user may not read.

    None: nothing is closed, or there is nothing at `path`.
    """
    real = Path(os.path.realpath(path))
    for parent in reversed(real.parents):
        if not os.access(parent, os.X_OK, effective_ids=_EFFECTIVE):
            return parent if os.path.lexists(parent) else None
    readable = os.access(real, os.R_OK | os.X_OK, effective_ids=_EFFECTIVE)
    return real if os.path.lexists(real) and not readable else None


def user_name() -> str:
    """Who we are to the file system, by name where there is one."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def opening_remedy(closed: Path, path: Path) -> str:
    """What opens `path` to this user, where `closed` is the folder on the way that does not let them in."""
    user, status = user_name(), closed.stat()
    grant = f"'{_grant(closed, Path(os.path.realpath(path)), user)}'"
    if not status.st_mode & stat.S_IXGRP or _in_group(status.st_gid):
        return f"Run {grant}."
    group = _group_name(status.st_gid)
    if user in _members(status.st_gid):
        return f"Log in again or run 'newgrp {group}': {user} has joined that group since this login."
    return f"Run 'sudo usermod -aG {group} {user}' and log in again, or run {grant}."


def _grant(closed: Path, path: Path, user: str) -> str:
    if closed == path:
        return f"sudo setfacl -m u:{user}:rx {path}"
    way = [str(parent) for parent in reversed(path.parents) if parent.is_relative_to(closed)]
    return f"sudo setfacl -m u:{user}:x {' '.join(way)}"


def _in_group(group_id: int) -> bool:
    return group_id == os.getegid() or group_id in os.getgroups()


def _group_name(group_id: int) -> str:
    try:
        return grp.getgrgid(group_id).gr_name
    except KeyError:
        return str(group_id)


def _members(group_id: int) -> list[str]:
    try:
        return grp.getgrgid(group_id).gr_mem
    except KeyError:
        return []
