"""Where stores are looked for, and what is said of one that is closed."""

from __future__ import annotations

import grp
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.ollama import access
from app.ollama.access import opening_remedy
from app.ollama.store import StoreFolder, candidate_stores, read_store

NOBODY = 65534
IS_ROOT = os.geteuid() == 0


def make_store(path: Path) -> Path:
    for folder in ("manifests", "blobs"):
        (path / folder).mkdir(parents=True)
    return path


def places(stores: list[StoreFolder]) -> list[tuple[str, Path, bool]]:
    return [(store.origin, store.path, store.problem is None) for store in stores]


def test_a_named_store_is_the_only_one(tmp_path: Path) -> None:
    named, other = make_store(tmp_path / "named"), make_store(tmp_path / ".ollama" / "models")
    stores = candidate_stores(
        named, environment={"OLLAMA_MODELS": str(other)}, home=tmp_path, system=[("service", other)]
    )
    assert places(stores) == [("settings", named, True)]


def test_a_store_that_was_named_and_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for named, said in (
        ("none", "does not exist"),
        ("empty", "is no store of Ollama: it has no folder 'manifests'"),
    ):
        [store] = candidate_stores(tmp_path / named, environment={}, home=tmp_path, system=[])
        assert store.problem is not None
        assert store.problem.sentence == f"The folder {tmp_path / named}, named by settings, {said}."
        assert "'blobs' and 'manifests'" in store.problem.remedy
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("form", ["{}", ' "{}" ', "'{}'"])
def test_the_usual_stores_in_their_order(tmp_path: Path, form: str) -> None:
    variable, home = make_store(tmp_path / "variable"), make_store(tmp_path / "home" / ".ollama" / "models")
    service, package = make_store(tmp_path / "service"), make_store(tmp_path / "package")
    stores = candidate_stores(
        None,
        environment={"OLLAMA_MODELS": form.format(variable)},
        home=tmp_path / "home",
        system=[("service", service), ("package", tmp_path / "none"), ("package", package)],
    )
    assert places(stores) == [
        ("OLLAMA_MODELS", variable, True),
        ("home", home, True),
        ("service", service, True),
        ("package", package, True),
    ]


def test_the_variable_names_what_has_to_be_there(tmp_path: Path) -> None:
    [store] = candidate_stores(None, environment={"OLLAMA_MODELS": "/none"}, home=tmp_path, system=[])
    assert store.problem is not None
    assert store.problem.sentence == "The folder /none, named by OLLAMA_MODELS, does not exist."


def test_one_store_by_two_ways_is_one(tmp_path: Path) -> None:
    service = make_store(tmp_path / "service")
    package = make_store(tmp_path / "package")
    (tmp_path / ".ollama").mkdir()
    (tmp_path / ".ollama" / "models").symlink_to(service)
    stores = candidate_stores(
        None, environment={}, home=tmp_path, system=[("package", package), ("service", service)]
    )
    assert places(stores) == [("home", tmp_path / ".ollama" / "models", True), ("package", package, True)]


def test_nothing_usual_is_no_problem_and_nothing_is_made(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert (
        candidate_stores(None, environment={}, home=tmp_path, system=[("package", tmp_path / "models")]) == []
    )
    assert sorted(tmp_path.rglob("*")) == before


@contextmanager
def nobody() -> Iterator[None]:
    """As a user who owns nothing, where the tests run as root."""
    if not IS_ROOT:
        yield
        return
    group, groups = os.getegid(), os.getgroups()
    os.setgroups([])
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that every user may enter, unlike those that pytest makes."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name).resolve()


@pytest.mark.parametrize("closed", [".", ".ollama", ".ollama/models", ".ollama/models/manifests"])
@pytest.mark.parametrize("named", [True, False])
def test_a_closed_folder_is_named_with_what_opens_it(outside: Path, closed: str, named: bool) -> None:
    store = make_store(outside / "service" / ".ollama" / "models")
    folder = outside / "service" / closed
    folder.chmod(0)
    with nobody():
        user = access.user_name()
        [found] = candidate_stores(
            store if named else None, environment={}, home=outside / "home", system=[("service", store)]
        )
    folder.chmod(0o755)
    assert found.path == store
    assert found.problem is not None
    assert (
        found.problem.sentence == f"The store {store} cannot be read, because {user} may not enter {folder}."
    )
    way = [f for f in (outside / "service", outside / "service/.ollama", store) if f.is_relative_to(folder)]
    if way:
        opened = f"sudo setfacl -m u:{user}:x {' '.join(map(str, way))}"
    else:
        opened = f"sudo setfacl -m u:{user}:rx {folder}"
    assert found.problem.remedy == f"Run '{opened}'."


def test_a_link_into_a_closed_folder_names_the_folder(outside: Path) -> None:
    store = make_store(outside / "service" / "models")
    (outside / "link").symlink_to(store)
    (outside / "service").chmod(0)
    with nobody():
        [found] = candidate_stores(outside / "link", environment={}, home=outside, system=[])
    (outside / "service").chmod(0o755)
    assert found.problem is not None
    assert found.problem.sentence.endswith(f"may not enter {outside / 'service'}.")


def test_a_closed_folder_within_the_manifests_hides_nothing_else(outside: Path) -> None:
    store = make_store(outside / "models")
    for host in ("closed", "open"):
        manifest = store / "manifests" / host / "ns" / "m" / "t"
        manifest.parent.mkdir(parents=True)
        manifest.write_text("{}")
    (store / "manifests" / "closed").chmod(0)
    with nobody():
        contents = read_store(store)
    (store / "manifests" / "closed").chmod(0o755)
    assert [model.name.host for model in contents.models] == ["open"]
    assert [str(problem) for problem in contents.problems] == [
        f"{store}/manifests/closed cannot be read: Permission denied. Check its permissions."
    ]


@pytest.mark.parametrize(
    ("mode", "members", "joined", "remedy"),
    [
        (0o700, [], False, "Run '{acl}'."),
        (0o750, [], False, "Run 'sudo usermod -aG ollama me' and log in again, or run '{acl}'."),
        (
            0o750,
            ["me"],
            False,
            "Log in again or run 'newgrp ollama': me has joined that group since this login.",
        ),
        (0o740, ["me"], True, "Run '{acl}'."),
    ],
    ids=["closed to all", "open to a group", "group joined after login", "closed to the group"],
)
def test_the_remedy_fits_the_mode_of_the_folder(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: int,
    members: list[str],
    joined: bool,
    remedy: str,
) -> None:
    store = make_store(tmp_path / "ollama" / "models")
    closed = tmp_path / "ollama"
    closed.chmod(mode)
    group_id = closed.stat().st_gid
    monkeypatch.setattr(grp, "getgrgid", lambda _: grp.struct_group(("ollama", "x", group_id, members)))
    monkeypatch.setattr(os, "getegid", lambda: group_id + 1)
    monkeypatch.setattr(os, "getgroups", lambda: [group_id] if joined else [])
    monkeypatch.setattr(access, "user_name", lambda: "me")
    acl = f"sudo setfacl -m u:me:x {closed} {store}"
    assert opening_remedy(closed, store / "manifests") == remedy.format(acl=acl)


def test_users_and_groups_without_a_name_are_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(number: int) -> None:
        raise KeyError(number)

    closed = tmp_path / "closed"
    closed.mkdir(mode=0o750)
    group_id = closed.stat().st_gid
    monkeypatch.setattr("pwd.getpwuid", unknown)
    monkeypatch.setattr(grp, "getgrgid", unknown)
    monkeypatch.setattr(os, "getegid", lambda: group_id + 1)
    monkeypatch.setattr(os, "getgroups", list)
    said = opening_remedy(closed, closed)
    assert said.startswith(f"Run 'sudo usermod -aG {group_id} {os.geteuid()}' and log in again")
