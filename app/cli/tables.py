"""How backends, nodes, models and placements look as tables."""

from __future__ import annotations

from collections.abc import Iterable

from app.cli.output import print_table
from app.core.backends import Backend
from app.core.models import Model
from app.core.placement import Placement
from app.core.plan import PlannedDevice
from app.core.pool import Node
from app.text.units import UNKNOWN, bytes_text, count_text, milliseconds_text


def print_backends(backends: Iterable[Backend]) -> None:
    """One line a backend, as last seen."""
    print_table(
        ("backend", "state", "protocol", "devices", "free", "total", "ms", "origin", "name", "detail"),
        [
            (
                str(b.address),
                b.word or UNKNOWN,
                str(b.protocol or UNKNOWN),
                str(len(b.devices) or UNKNOWN),
                bytes_text(b.free_bytes),
                bytes_text(b.total_bytes),
                milliseconds_text(b.latency_ms),
                b.origin,
                b.remark.name or UNKNOWN,
                b.remark.note or b.detail,
            )
            for b in backends
        ],
    )


def print_nodes(nodes: Iterable[Node]) -> None:
    """One line a node, as last seen."""
    print_table(
        ("node", "state", "version", "models", "loaded", "ms", "origin", "detail"),
        [
            (
                n.url,
                {True: "up", False: "down", None: UNKNOWN}[n.up],
                n.version or UNKNOWN,
                str(len(n.models)) if n.up else UNKNOWN,
                ", ".join(m.name for m in n.loaded) or UNKNOWN,
                milliseconds_text(n.latency_ms),
                n.origin,
                n.detail,
            )
            for n in nodes
        ],
    )


def print_models(models: Iterable[Model]) -> None:
    """One line a model."""
    print_table(
        (
            "model",
            "source",
            "arch",
            "params",
            "active",
            "quant",
            "size",
            "layers",
            "context",
            "nodes",
            "problem",
        ),
        [
            (
                m.name,
                str(m.source),
                m.facts.architecture or UNKNOWN,
                count_text(m.facts.parameters),
                count_text(m.facts.active_parameters),
                m.facts.quantization or UNKNOWN,
                bytes_text(m.facts.size),
                str(m.facts.layers or UNKNOWN),
                str(m.facts.context or UNKNOWN),
                str(len(m.nodes)),
                m.problem or "",
            )
            for m in models
        ],
    )


def print_placement(placement: Iterable[Placement]) -> None:
    """One line a device: what it holds."""
    print_table(
        ("backend", "device", "layers", "weights", "kv", "compute"),
        [
            (
                p.where,
                p.device,
                str(p.layers if p.layers is not None else UNKNOWN),
                bytes_text(p.model_bytes),
                bytes_text(p.kv_bytes),
                bytes_text(p.compute_bytes),
            )
            for p in placement
        ],
    )


def print_plan(rows: Iterable[PlannedDevice]) -> None:
    """One line a device: what it is to hold, and what is left free."""
    print_table(
        ("backend", "device", "layers", "weights", "kv", "compute", "learnt", "free", "left free"),
        [
            (
                str(row.backend),
                str(row.device),
                str(row.layers),
                bytes_text(row.weights_bytes),
                bytes_text(row.cache_bytes),
                bytes_text(row.compute_bytes),
                bytes_text(row.learnt_bytes),
                bytes_text(row.free_before),
                bytes_text(row.free_after),
            )
            for row in rows
        ],
    )
