from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.demo.store import add_to_store
from app.gguf.writer import Tensor, write_gguf
from app.ollama.names import parse_name
from tests.cli.conftest import Run
from tests.support.engine import RpcServerFactory

Configured = Callable[..., Path]


def test_models_shows_what_the_store_holds(
    run: Run, configured: Configured, tiny_model: Path, tmp_path: Path
) -> None:
    blob = add_to_store(tmp_path / "store", parse_name("llama3.1:405b"), tiny_model)
    configured(f"models: {{store: {tmp_path / 'store'}}}")
    [model] = run("models", "--json").json["models"]
    assert model["name"] == "llama3.1:405b"
    assert model["path"] == str(blob)
    assert model["parameters"] < 10**6
    assert (model["architecture"], model["layers"], model["problem"]) == ("llama", 4, None)
    table = run("models")
    assert "llama3.1:405b" in table.out


def test_models_and_route_say_what_llama_cpp_makes_of_them(
    run: Run, configured: Configured, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    weight = Tensor("token_embd.weight", (32, 8), 0)
    write_gguf(folder / "foreign.gguf", {"general.architecture": "gptoss"}, [weight])
    write_gguf(folder / "mute.gguf", {"general.architecture": "llama"}, [weight])
    configured(f"models: {{folders: [{folder}]}}")
    listed = {model["name"]: model for model in run("models", "--json").json["models"]}
    assert "'gptoss'" in listed["foreign"]["problem"]
    assert (listed["mute"]["problem"], listed["foreign"]["cautions"]) == (None, [])
    [caution] = listed["mute"]["cautions"]
    table = run("models")
    assert listed["foreign"]["problem"] in table.out
    assert f"mute: {caution}" in table.err
    assert run("route", "mute", "--json").json["cautions"] == [caution]
    assert caution in run("route", "mute").out
    refused = run("route", "foreign", "--json")
    assert (refused.code, refused.json["cautions"]) == (1, [])
    assert f"No coordinator can load it. {listed['foreign']['problem']}" in refused.json["reasons"]


def test_route_says_why(
    run: Run, configured: Configured, tiny_model: Path, rpc_server: RpcServerFactory
) -> None:
    configured()
    worker = rpc_server()
    route = run("route", str(tiny_model), "--rpc-backend", str(worker.address), "--json").json
    assert route["target"] == "coordinator"
    assert route["backends"] == [str(worker.address)]
    assert len(route["reasons"]) >= 3
    alone = run("route", str(tiny_model), "--json").json
    assert alone["backends"] == []
    assert any("Distribution is off" in reason for reason in alone["reasons"])


def test_doctor_tells_every_fault_with_its_remedy(run: Run, configured: Configured) -> None:
    configured("models: {store: /no/such/store}")
    found = run("doctor", "--json", "--rpc-backend", "127.0.0.9:50999")
    assert found.code == 1
    findings = {f["topic"]: f for f in found.json["findings"]}
    assert findings["backends"]["verdict"] == "fault"
    assert findings["backends"]["remedy"] == "Start the RPC server there."
    assert findings["models"]["verdict"] == "fault"
    assert findings["engine"]["verdict"] == "good"
    assert all(
        f["remedy"] or f["verdict"] != "fault" or "/no/such/store" in f["text"] for f in findings.values()
    )


def test_without_an_engine_everything_else_still_works(
    run: Run, configured: Configured, tiny_model: Path, tmp_path: Path
) -> None:
    config = configured()
    config.write_text("nodes: []\n")
    nowhere = {"PATH": "/nonexistent"}
    assert run("engine", **nowhere).code == 1
    assert "synaptic-tui engine get" in run("engine", **nowhere).err
    assert run("status", "--json", **nowhere).code == 0
    route = run("route", str(tiny_model), "--json", **nowhere)
    assert (route.code, route.json["target"]) == (1, None)
    assert any("No llama-server is found" in reason for reason in route.json["reasons"])


def test_an_unknown_key_names_file_line_and_the_right_one(run: Run, configured: Configured) -> None:
    config = configured("", "routing:", "  pool_upto: 13B")
    wrong = run("status")
    assert wrong.code == 1
    assert (
        f"{config}, line 5: 'routing.pool_upto' is no setting. Did you mean 'routing.pool_up_to'?"
        in wrong.err
    )
