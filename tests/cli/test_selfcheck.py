"""`anhuan selfcheck`: one line for each thing, words for people and JSON for machines, and every check can fail."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, text
from tests.identity.twins import Twins
from typer.testing import CliRunner

from anhuan.cli import checks, selfcheck
from anhuan.kit import clock, db, postgres, roles, store_checks
from anhuan.kit.errors import Broken

pytestmark = pytest.mark.scope("S2-42")
THERE = {"settings", "clock", "database", "rights", "tables", "logins", "keys", "key files", "audit chain",
         "installation", "origin", "worker", "watcher", "mail", "calendar", "books", "ledger roots"}  # fmt: skip


def told(*words: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(selfcheck.app, ["--json", *words])
    return done.exit_code, json.loads(done.output)


def test_machines_are_told_what_people_are_told(own_database: Engine) -> None:
    exit_code, said = told()
    assert {one["name"] for one in said["checks"]} == THERE
    assert exit_code == (0 if said["ok"] else 1)
    lines = CliRunner().invoke(selfcheck.app).output.splitlines()
    assert [line[:4].strip().lower() for line in lines] == [one["state"] for one in said["checks"]]


def test_the_logins_of_a_sound_house_do_their_own_work_alone(own_database: Engine, server: postgres.Access) -> None:
    house = Twins(str(own_database.url.database), server, ())
    for name, expected in checks.LOGINS.items():
        with psycopg.connect(house.url(name)) as login:
            assert store_checks.beyond_its_work(login, expected) == []


def test_a_login_that_may_more_than_its_work_is_told(own_database: Engine, server: postgres.Access) -> None:
    house = Twins(str(own_database.url.database), server, ())
    with psycopg.connect(house.url("owner"), autocommit=True) as owner:
        owner.execute("GRANT SELECT ON passkeys TO anhuan_desk")
        owner.execute("GRANT DELETE ON cards TO anhuan_audit")
    for name, table in (("desk", "passkeys"), ("audit", "cards")):
        with psycopg.connect(house.url(name)) as login:
            assert any(table in line for line in store_checks.beyond_its_work(login, checks.LOGINS[name]))
    with psycopg.connect(house.url("app")) as login:
        assert store_checks.beyond_its_work(login, roles.DESK) == ["anhuan_app logs in where anhuan_desk should"]


def test_a_silent_worker_is_a_warning_and_no_failure(own_database: Engine) -> None:
    with pytest.raises(checks.Worry, match="none was ever seen"):
        checks.check_worker()
    with db.sessions("work").begin() as session:
        session.execute(text("INSERT INTO procrastinate_workers DEFAULT VALUES"))
    assert "seconds ago" in checks.check_worker()
    with db.sessions("work").begin() as session:
        session.execute(text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '6 minutes'"))
    with pytest.raises(checks.Worry, match="silent since"):
        checks.check_worker()
    assert next(one for one in told()[1]["checks"] if one["name"] == "worker")["state"] == "warn"


def test_records_that_wait_too_long_for_the_chain_are_told(
    own_database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from anhuan.kit import audit
    from anhuan.kit.actors import Actor, ActorKind

    now = clock.now()
    with db.transaction() as session:
        audit.write(session, Actor(ActorKind.COMMAND), "installation.mode_set", "installation:1", {}, now=now)
    with pytest.raises(checks.Worry, match="no root was signed yet"):
        checks.check_chain()
    later: datetime = clock.now() + timedelta(minutes=11)
    monkeypatch.setattr(clock, "now", lambda: later)
    with pytest.raises(checks.Worry, match="wait for the chain since"):
        checks.check_chain()


def test_keys_that_others_may_read_are_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANHUAN_HOME", str(tmp_path))
    assert checks.check_files() == "no keys here yet"
    (tmp_path / "keys").mkdir(mode=0o700)
    key = tmp_path / "keys" / "master.key"
    key.write_bytes(b"x")
    key.chmod(0o600)
    (tmp_path / "keys" / "audit-ed25519.x.pub.pem").write_bytes(b"open to all")
    assert "for this user alone" in checks.check_files()
    key.chmod(0o640)
    with pytest.raises(Broken, match=r"master\.key"):
        checks.check_files()
