"""Why a coordinator cannot be, or is not any more: the backends are asked, as its log seldom tells."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from app.core.backends import Backends
from app.core.coordinator_status import CoordinatorFailed
from app.llama.failure import Failure, explain
from app.llama.log import read_log
from app.rpc.probe import BackendState
from app.text.address import Address
from app.text.units import duration_text


async def check(backends: Backends, chosen: Sequence[Address]) -> None:
    """Probe every chosen backend now.

    Raises:
        CoordinatorFailed: one of them cannot be used.
    """
    for backend in await backends.check(chosen):
        if backend.state is not BackendState.FREE:
            why = f": {backend.detail}" if backend.detail else ""
            raise CoordinatorFailed(
                Failure(
                    f"Backend {backend.address} is {backend.state}{why}.",
                    f"Free it, or remove it with 'rpc remove {backend.address}'.",
                    suspect=backend.address,
                )
            )


async def why_ended(
    backends: Backends, chosen: Sequence[Address], log: Path, exit_code: int | None
) -> Failure:
    """Why a process ended by itself; nothing of ours may hold its backends any more."""
    seen = await backends.check(chosen)
    gone = [backend.address for backend in seen if backend.state is not BackendState.FREE]
    lines = await asyncio.to_thread(read_log, log)
    return explain(lines, exit_code, gone=gone)


async def why_silent(backends: Backends, chosen: Sequence[Address], waited_s: float) -> Failure:
    """Why a process, now ended, has not opened its port in time."""
    silent = [b for b in await backends.check(chosen) if b.state is not BackendState.FREE]
    named = ", ".join(f"{b.address} ({b.state})" for b in silent) or "one of its backends"
    return Failure(
        f"llama-server was silent for {duration_text(waited_s)}: {named} does not answer.",
        "Restart the RPC server there, or remove it with 'rpc remove HOST:PORT'.",
        suspect=silent[0].address if silent else None,
    )


def why_slow(model: str) -> Failure:
    """Why a load was given up."""
    return Failure(
        f"{model} did not finish loading within its deadline.",
        "Raise coordinator.load_deadline_s_per_gib, or look at the log for what is slow.",
    )
