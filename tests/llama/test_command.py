"""Command lines and environments of llama.cpp's programs."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from app.llama.command import (
    command_text,
    coordinator_command,
    coordinator_environment,
    rpc_server_command,
    tied_to_us,
    worker_command_text,
)
from app.text.address import Address

NEW = frozenset({"--rpc", "--fit", "--metrics", "--no-ui", "--offline", "--cors-origins", "--log-jsonl"})
OLD = frozenset({"--rpc", "--metrics"})


def command(
    options: Collection[str] = NEW,
    backends: tuple[Address, ...] = (),
    context: int | None = None,
    split: tuple[int, ...] = (),
    caches: tuple[str, str] = ("f16", "f16"),
    extra: tuple[str, ...] = (),
) -> list[str]:
    return coordinator_command(
        options,
        server=Path("/engine/llama-server"),
        model=Path("/models/a b.gguf"),
        backends=backends,
        port=18080,
        alias="llama3.1:405b",
        context=context,
        threads=3,
        split=split,
        caches=caches,
        extra=extra,
    )


def test_a_coordinator_over_backends() -> None:
    assert command(backends=(Address("10.0.0.11", 50052), Address("box", 50053)), context=4096) == [
        *("/engine/llama-server", "-m", "/models/a b.gguf", "--rpc", "10.0.0.11:50052,box:50053"),
        *("--host", "127.0.0.1", "--port", "18080", "--alias", "llama3.1:405b"),
        *("-np", "1", "-t", "3", "-b", "512", "-lv", "4", "-c", "4096"),
        *("--metrics", "--no-ui", "--offline", "--cors-origins", "localhost", "--log-jsonl"),
    ]


def test_a_planned_division_and_small_caches_are_said() -> None:
    planned = command(split=(3, 0, 2), caches=("q8_0", "f16"))
    assert planned[planned.index("-ts") + 1] == "3,0,2"
    assert planned[planned.index("-ctk") + 1] == "q8_0"
    assert "-ctv" not in planned
    assert "-ts" not in command(split=(5,))


def test_a_local_coordinator_connects_to_nobody() -> None:
    assert "--rpc" not in command()


def test_the_context_is_left_to_the_engine_unless_told() -> None:
    assert "-c" not in command()


def test_an_older_build_gets_no_option_that_it_does_not_know() -> None:
    assert set(NEW - OLD).isdisjoint(command(OLD))
    assert "--metrics" in command(OLD)


def test_all_layers_are_offloaded_by_number_where_nothing_fits_them() -> None:
    older = command(OLD)
    assert older[older.index("-ngl") + 1] == "999"
    assert "-ngl" not in command(NEW)


def test_extra_arguments_have_the_last_word() -> None:
    assert command(extra=("-ts", "3,1"))[-2:] == ["-ts", "3,1"]


def test_the_environment_carries_the_key_and_nothing_taken_for_an_option() -> None:
    environment = coordinator_environment(
        {
            "PATH": "/bin",
            "HOME": "/home/me",
            "CUDA_VISIBLE_DEVICES": "1",
            "LLAMA_ARG_RPC": "evil:1",
            "LLAMA_SERVER_ROUTER_PORT": "1",
            "LLAMA_API_KEY": "somebody else's",
            "HF_TOKEN": "secret",
            "GGML_RPC_DEBUG": "1",
        },
        "fresh",
    )
    assert environment == {
        "PATH": "/bin",
        "HOME": "/home/me",
        "CUDA_VISIBLE_DEVICES": "1",
        "GGML_NO_BACKTRACE": "1",
        "LLAMA_API_KEY": "fresh",
    }


def test_an_rpc_server() -> None:
    assert rpc_server_command(Path("/engine/rpc-server"), Address("127.0.0.2", 50052), threads=1) == [
        *("/engine/rpc-server", "--host", "127.0.0.2", "--port", "50052", "--threads", "1")
    ]


def test_what_a_person_types_on_another_box() -> None:
    assert worker_command_text("10.0.0.11") == "ggml-rpc-server --host 10.0.0.11 --port 50052"
    assert worker_command_text("THIS-HOST-IP", 50053) == "ggml-rpc-server --host THIS-HOST-IP --port 50053"


def test_a_command_to_copy_runs_and_tells_no_secret() -> None:
    argv = ["/opt/llama-server", "-m", "/models/a b.gguf", "--api-key", "secret", "--port", "1"]
    words = "-m '/models/a b.gguf' --api-key '****' --port 1"
    text = f"GGML_NO_BACKTRACE=1 LLAMA_API_KEY=**** /opt/llama-server {words}"
    assert command_text(argv) == text
    assert command_text(tied_to_us(argv)) == text
