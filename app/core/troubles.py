"""What went wrong with one backend, out of all that was told."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.core.events import Incident, LifecycleLine, Severity
from app.text.address import Address

_BAD = frozenset({Severity.WARNING, Severity.ERROR})


def troubles_of(backend: Address, told: Iterable[LifecycleLine]) -> tuple[LifecycleLine, ...]:
    """The warnings and errors about a backend: told of it, naming it, or suspecting it; oldest first."""
    named = re.compile(rf"(?<![\w.-]){re.escape(str(backend))}(?!\d)")
    return tuple(line for line in told if line.severity in _BAD and _is_about(line, backend, named))


def _is_about(line: LifecycleLine, backend: Address, named: re.Pattern[str]) -> bool:
    if isinstance(line, Incident) and line.failure.suspect == backend:
        return True
    return line.source == str(backend) or named.search(line.text) is not None
