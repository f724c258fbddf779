"""The JSON that `--json` prints. These forms are stable: keys may be added, never renamed or removed."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from app.core.backends import Backend
from app.core.chat import Answered, ChatPart, Measured, Routed
from app.core.cluster import Cluster
from app.core.coordinator_status import CoordinatorStatus
from app.core.discovery import Sweep
from app.core.loading import LoadProgress
from app.core.memory import memory_together
from app.core.models import Model
from app.core.plan import Misfit, Plan
from app.core.planning import Planned
from app.core.pool import Node
from app.core.routing import Route
from app.text.answer import Delta, PromptProgress, Thinking

Form = dict[str, Any]


def backend_form(backend: Backend) -> Form:
    """One backend, as last seen."""
    return {
        "address": str(backend.address),
        "state": backend.state and str(backend.state),
        "protocol": backend.protocol and str(backend.protocol),
        "devices": [
            {"index": d.index, "total_bytes": d.total_bytes, "free_bytes": d.free_bytes}
            for d in backend.devices
        ],
        "latency_ms": None if backend.latency_ms is None else round(backend.latency_ms, 3),
        "detail": backend.detail,
    }


def known_backend_form(backend: Backend) -> Form:
    """One backend, with who named it."""
    remark = backend.remark
    said = {"name": remark.name, "note": remark.note, "enabled": backend.enabled}
    return {**backend_form(backend), "origin": backend.origin, **said}


def sweep_form(sweep: Sweep) -> Form:
    """What one sweep found."""
    return {
        "elapsed_s": round(sweep.elapsed_s, 3),
        "candidates": sweep.candidates,
        "networks": list(sweep.networks),
        "backends": [backend_form(backend) for backend in sweep.backends],
    }


def node_form(node: Node) -> Form:
    """One Ollama node, as last seen."""
    return {
        "url": node.url,
        "origin": node.origin,
        "up": node.up,
        "version": node.version,
        "latency_ms": None if node.latency_ms is None else round(node.latency_ms, 3),
        "models": [m.name for m in node.models],
        "loaded": [
            {"name": m.name, "vram_bytes": m.vram_bytes, "expires": m.expires and m.expires.isoformat()}
            for m in node.loaded
        ],
        "detail": node.detail,
    }


def model_form(model: Model) -> Form:
    """One model of the catalogue."""
    facts = model.facts
    return {
        "name": model.name,
        "source": str(model.source),
        "architecture": facts.architecture,
        "parameters": facts.parameters,
        "active_parameters": facts.active_parameters,
        "bytes": facts.size,
        "quantization": facts.quantization,
        "layers": facts.layers,
        "context": facts.context,
        "path": model.path and str(model.path),
        "nodes": list(model.nodes),
        "problem": model.problem,
        "cautions": list(facts.cautions),
    }


def route_form(route: Route) -> Form:
    """One route, with its reasons."""
    return {
        "model": route.model.name,
        "target": route.target and str(route.target),
        "node": route.node,
        "backends": [str(address) for address in route.backends],
        "reasons": list(route.reasons),
        "placement": route.placement and plan_form(route.model.name, route.placement),
        "stops": list(route.stops),
        "cautions": list(route.cautions),
    }


def plan_form(model: str, planned: Planned) -> Form:
    """Where the layers of a model would go; what is missing, where they have no place."""
    common: Form = {
        "model": model,
        "fits": isinstance(planned, Plan) and not planned.short_by,
        "short_by_bytes": planned.short_by,
        "devices": [
            asdict(row) | {"backend": str(row.backend), "free_after": row.free_after} for row in planned.rows
        ],
        "excluded": [{"backend": str(each.address), "reason": each.reason} for each in planned.excluded],
        "reasons": list(planned.reasons),
        "context": planned.context,
        "cache_k": planned.k,
        "cache_v": planned.v,
        "host_bytes": planned.host_bytes,
    }
    if isinstance(planned, Misfit):
        return common | {"nearest": list(map(str, planned.nearest))}
    return common | {
        "rpc": ",".join(map(str, planned.backends)),
        "tensor_split": ",".join(map(str, planned.tensor_split)),
        "round_trips_ms": planned.round_trips_ms,
        "past_rate": planned.past_rate,
    }


def coordinator_form(status: CoordinatorStatus) -> Form:
    """The coordinator, with its actual placement."""
    return {
        "state": str(status.state),
        "model": status.model,
        "pid": status.pid,
        "port": status.port,
        "backends": [str(address) for address in status.backends],
        "placement": [
            {"backend": p.where, "device": p.device, "layers": p.layers, "bytes": p.held_bytes}
            for p in status.placement
        ],
    }


def load_form(load: LoadProgress) -> Form:
    """A load that is under way; rates in bytes per second."""
    return {
        "phase": str(load.phase),
        "elapsed_s": round(load.elapsed_s, 3),
        "left_s": None if load.left_s is None else round(load.left_s, 3),
        "share": load.share,
        "bottleneck": load.bottleneck and str(load.bottleneck),
        "backends": [
            {"backend": str(s.backend), "sent_bytes": s.sent, "planned_bytes": s.whole, "rate": s.rate}
            for s in load.shares
        ],
    }


def status_form(cluster: Cluster) -> Form:
    """The whole cluster at a glance."""
    running = cluster.coordinators.running
    nodes = cluster.pool.nodes
    memory = memory_together(cluster.backends.known)
    return {
        "mode": cluster.choices.now.mode,
        "model": cluster.choices.now.model,
        "distributed": cluster.choices.now.distributed,
        "coordinator": running and coordinator_form(running.status),
        "coordinators": [
            coordinator_form(each.status) | {"load": each.load and load_form(each.load)}
            for each in cluster.coordinators.present
        ],
        "load": running and running.load and load_form(running.load),
        "backends": {
            "total": len(cluster.backends.known),
            "by_state": dict(Counter(str(b.state) for b in cluster.backends.known if b.state)),
            "memory": memory and {"free_bytes": memory.free_bytes, "total_bytes": memory.total_bytes},
        },
        "nodes": {"total": len(nodes), "healthy": sum(node.up is True for node in nodes)},
    }


def measured_form(measured: Measured) -> Form:
    """The numbers of one answer."""
    return {
        "ttft_s": measured.ttft_s,
        "tokens": measured.tokens,
        "tokens_per_s": measured.tokens_per_s,
        "prompt_tokens": measured.prompt_tokens,
        "prompt_per_s": measured.prompt_per_s,
    }


def part_form(part: ChatPart, route: Route | None) -> Form:
    """One line of `chat --json`; the last one has `done`."""
    match part:
        case Routed(chosen):
            return {"route": route_form(chosen)}
        case Delta(text):
            return {"delta": text}
        case Thinking(text):
            return {"thinking": text}
        case PromptProgress(processed, total):
            return {"prompt_progress": {"processed": processed, "total": total}}
        case Answered(measured, finish):
            return {
                "done": True,
                "finish": str(finish),
                "route": route and route_form(route),
                "timings": measured_form(measured),
            }
    raise AssertionError(part)
