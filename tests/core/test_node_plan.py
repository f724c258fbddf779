"""Plans for models that only an Ollama node has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.facts import ModelFacts
from app.core.node_plan import plan_of_node
from app.core.plan import Plan
from app.core.planning import AS_SET, Change
from app.gguf.memory import NeedsUnknown
from app.text.address import Address
from app.text.problem import Problem
from tests.core.conftest import OpenCluster
from tests.support.console import free
from tests.support.ollama.models import FakeModel
from tests.support.ollama_server import OllamaStandIn

KNOWN = FakeModel("llama3.2:latest", layers=3)
STRANGE = FakeModel("strange:latest", family="strange")


async def test_it_is_planned_by_what_the_node_tells(open_cluster: OpenCluster) -> None:
    async with (
        OllamaStandIn([KNOWN, STRANGE]) as node,
        open_cluster("mode: distributed", f"nodes: [{node.url}]") as cluster,
    ):
        cluster.backends.take(free(Address("127.0.1.11", 50052)), "sweep")
        planned = await cluster.dispatcher.plan(KNOWN.name, Change(context=4096))
        assert isinstance(planned, Plan)
        assert sum(planned.tensor_split) == KNOWN.layers + 1
        assert sum(row.weights_bytes for row in planned.rows) == KNOWN.size
        assert planned.reasons[-2].startswith(f"Estimated from what {node.url} tells")
        assert planned.reasons[-1].endswith(f"'ollama pull {KNOWN.name}'.")
        with pytest.raises(NeedsUnknown, match="strange"):
            await cluster.dispatcher.plan(STRANGE.name)
        model = await cluster.catalogue.find(KNOWN.name, cluster.pool.nodes)
        sizeless = replace(model, facts=ModelFacts())
        with pytest.raises(Problem, match=f"{node.url} does not tell what {KNOWN.name} needs"):
            await plan_of_node(sizeless, cluster.pool, cluster.planning, (), AS_SET)
