"""The clock: it can be held for all processes of a throw-away town, and nowhere else."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from anhuan.kit import clock

THEN = datetime(2027, 2, 5, 1, 30, tzinfo=UTC)


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a throw-away town, whose clock file the environment names."""
    (tmp_path / clock.MARK).touch()
    monkeypatch.setenv("ANHUAN_HOME", str(tmp_path))
    monkeypatch.setenv(clock.HELD_BY, str(tmp_path / "clock"))
    return tmp_path


def test_a_town_holds_the_clock_of_its_processes(town: Path) -> None:
    clock.hold(town / "clock", THEN)
    assert timedelta(0) <= clock.now() - THEN < timedelta(seconds=5)
    assert clock.today().isoformat() == "2027-02-05"


def test_two_moments_of_a_held_clock_are_not_one(town: Path) -> None:
    clock.hold(town / "clock", THEN)
    assert clock.now() < clock.now() + timedelta(microseconds=1)
    first = clock.now()
    assert clock.now() >= first


def test_a_real_installation_refuses_a_held_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANHUAN_HOME", str(tmp_path))
    monkeypatch.setenv(clock.HELD_BY, str(tmp_path / "clock"))
    clock.hold(tmp_path / "clock", THEN)
    with pytest.raises(clock.NotATown):
        clock.now()


def test_the_clock_of_a_town_is_not_believed_in_another_home(
    town: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.hold(town / "clock", THEN)
    monkeypatch.setenv("ANHUAN_HOME", str(tmp_path_factory.mktemp("real")))
    with pytest.raises(clock.NotATown):
        clock.now()


def test_a_town_on_a_server_of_others_is_no_town(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock.hold(town / "clock", THEN)
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody@example.com/real")
    with pytest.raises(clock.NotATown):
        clock.now()


def test_without_the_setting_the_clock_is_the_machines() -> None:
    assert not clock.is_held()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
