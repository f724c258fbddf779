"""What the commands of the backends pane do, by key and by word."""

from __future__ import annotations

from app.rpc.probe import BackendState, Probe
from app.text.address import Address
from tests.support.console import NARROW, OpenConsole, free
from tests.support.engine import RpcServerFactory
from tests.support.waiting import until

FIRST, SECOND, THIRD = (Address(f"127.0.0.{n}", 9) for n in (7, 8, 9))


async def test_marked_backends_are_removed_at_once_and_come_back_with_their_names(
    open_console: OpenConsole, rpc_server: RpcServerFactory
) -> None:
    workers = [rpc_server(host=f"127.0.0.{n}") for n in (2, 3)]
    async with open_console() as console:
        for worker in workers:
            await console.cluster.members.add_backend(str(worker.address))
        await console.cluster.members.rename(str(workers[0].address), "attic")
        await console.press("escape", "2", "asterisk")
        await console.shows("2 marked")
        await console.press("x")
        await until(lambda: not console.cluster.backends.known)
        await console.shows("No backend is known yet.")
        await until(lambda: console.main.undo.what is not None)
        await console.press("u")
        await until(lambda: len(console.cluster.backends.usable) == len(workers))
        back = console.cluster.backends.get(workers[0].address)
        assert back is not None
        assert back.remark.name == "attic"


async def test_disabled_is_a_state_and_enabling_ends_it(open_console: OpenConsole) -> None:
    async with open_console(size=NARROW) as console:
        await console.cluster.members.add_backend(str(FIRST))
        await console.press("escape", "2", "X")
        await console.shows("disabled")
        await console.press("E")
        await console.shows("refused")


async def test_a_name_and_a_note_are_shown_and_found_by_the_filter(open_console: OpenConsole) -> None:
    async with open_console(size=NARROW) as console:
        for address in (FIRST, SECOND):
            await console.cluster.members.add_backend(str(address))
        await console.command(f"rename {FIRST} attic")
        await console.command(f"note {FIRST} loud fan")
        await console.press("2")
        await console.shows("note: loud fan")
        await console.press("slash")
        await console.type("LOUD")
        await until(lambda: str(SECOND) not in console.text)
        assert str(FIRST) in console.text
        await console.press("escape")
        await console.shows(str(SECOND))


async def test_another_column_sorts_and_another_key_turns_it_round(open_console: OpenConsole) -> None:
    async with open_console() as console:
        console.cluster.backends.take(Probe(FIRST, BackendState.REFUSED), "sweep")
        console.cluster.backends.take(free(SECOND), "sweep")
        await console.press("escape", "2")
        await console.shows(str(SECOND))
        ledger = console.main.backends.ledger
        assert ledger.get_row_index(str(FIRST)) == 0
        await console.press("o")
        await console.shows("state▲")
        assert ledger.get_row_index(str(SECOND)) == 0
        await console.press("O")
        await console.shows("state▼")
        assert ledger.get_row_index(str(FIRST)) == 0


async def test_ports_of_one_host_stand_under_it(open_console: OpenConsole) -> None:
    async with open_console() as console:
        for port in (50052, 50053):
            console.cluster.backends.take(free(Address("127.0.1.1", port)), "sweep")
        await console.shows("127.0.1.1:50052")
        await console.shows("└ :50053")


async def test_addresses_the_rpc_list_and_the_worker_command_are_copied(open_console: OpenConsole) -> None:
    async with open_console() as console:
        for address in (FIRST, SECOND):
            console.cluster.backends.take(free(address), "sweep")
        await console.press("escape", "2")
        await console.shows(str(SECOND))
        await console.press("y")
        assert console.app.clipboard == str(FIRST)
        await console.press("space", "space", "Y")
        assert console.app.clipboard == f"--rpc {FIRST},{SECOND}"
        await console.press("c")
        assert console.app.clipboard == "ggml-rpc-server --host 127.0.0.7 --port 9"


async def test_enter_shows_what_probes_saw_and_what_to_run_there(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.cluster.members.add_backend(str(THIRD))
        await console.press("escape", "2", "enter")
        await console.shows("ggml-rpc-server --host 127.0.0.9 --port 9")
        await console.shows("refused")


async def test_what_will_be_done_is_said_while_an_address_is_typed(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.press("escape", "2", "a")
        await console.type("10.0.0.1")
        await console.shows("will probe 10.0.0.1:50052")
        assert not console.cluster.backends.known
