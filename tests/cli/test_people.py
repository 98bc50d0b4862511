"""`anhuan people`: the installer sees who lives here, invites, and helps back in; every act is written down."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from anhuan.identity import cli, recovery, sessions, signin, store_signin
from anhuan.identity.recovery import Stage
from anhuan.kit import clock, ids, wall
from anhuan.kit import db as database

NOW = datetime(2026, 11, 22, 1, 20, tzinfo=UTC)


def run(*words: str) -> str:
    done = CliRunner().invoke(cli.app, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def acts() -> list[str]:
    with database.sessions("audit").begin() as db:
        return list(db.scalars(text("SELECT act FROM audit_log ORDER BY number")))


def test_an_invitation_carries_the_roles_that_were_asked_for(own_database: Engine) -> None:
    link = run("invite", "--role", "auditor").strip()
    with database.transaction() as db:
        found = signin.invitation(db, link.rpartition("/")[2], now=clock.now())
        assert found.roles == ["auditor", "holder"]
    assert acts() == ["person.invited"]


@pytest.mark.parametrize("role", ["maker", "partner", "nonsense", ""])
def test_a_role_that_no_person_has_alone_is_refused(own_database: Engine, role: str) -> None:
    assert CliRunner().invoke(cli.app, ["invite", "--role", role]).exit_code == 2


def test_everybody_is_listed_and_a_lost_account_is_found_by_name_or_id(own_database: Engine) -> None:
    with database.transaction() as db:
        person = sessions.add_person(db, now=NOW, name="林晓")
    assert str(person) in run("list")
    for name in ("林晓", str(person)):
        token = run("recover", name).strip().rpartition("/")[2]
        with database.transaction() as db:
            assert recovery.look(db, token, now=clock.now()).stage is Stage.WAITING
            wall.enter(db, party=person, person=person)
            assert store_signin.notices(db, person)
    assert acts().count("recovery.began") == 2


def test_a_name_that_nobody_or_several_have_makes_no_link(own_database: Engine) -> None:
    for _ in range(2):
        with database.transaction() as db:
            sessions.add_person(db, now=NOW, name="林晓")
    for name in ("林晓", "莫言秋"):
        assert CliRunner().invoke(cli.app, ["recover", name]).exit_code == 1
    assert acts() == []


def test_the_welcome_link_is_for_a_house_where_nobody_lives_and_the_newest_alone_holds(own_database: Engine) -> None:
    first, second = cli.welcome(), cli.welcome()
    assert first
    assert second
    with database.transaction() as db:
        with pytest.raises(signin.LinkGone):
            signin.invitation(db, first.rpartition("/")[2], now=clock.now())
        assert signin.joining_id(db, second.rpartition("/")[2], now=clock.now()) == ids.LOCAL_USER
    with database.transaction() as db:
        sessions.add_person(db, now=NOW)
    assert cli.welcome() is None
