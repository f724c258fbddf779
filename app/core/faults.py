"""A fault of this program itself: told to the log, and written down for whoever can mend it."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from app.config.crashes import Circumstances, write_report
from app.core.cluster import Cluster

LINES = 100
"""Of what had happened, so many lines are in a report."""

_LOG = logging.getLogger(__name__)


async def keep_fault(cluster: Cluster, error: BaseException) -> Path:
    """Write a crash report of `error`; returns where it is.

    Raises:
        Problem: it cannot be written.
    """
    _LOG.error("fault of this program", exc_info=error)
    so_far = Circumstances(
        tuple(cluster.resolved.values()), tuple(str(line) for line in cluster.bus.told[-LINES:])
    )
    return await asyncio.to_thread(write_report, cluster.places.lasting, error, so_far)
