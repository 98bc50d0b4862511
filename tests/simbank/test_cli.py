"""`anhuan simbank`: its commands against the running process, its page, and the database that is its own alone."""

import json
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.bank import SimBank
from typer.testing import CliRunner

from anhuan.cli import simbank
from anhuan.kit import fetch, postgres, roles
from anhuan.kit.errors import Refused
from anhuan.simbank import founding, store
from anhuan.simbank.model import AlreadyRuns, BadOrder, NoBankDatabase, NotThisDatabase


@pytest.fixture(autouse=True)
def home(process: SimBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an installation in which this bank has left its token."""
    monkeypatch.setenv("ANHUAN_HOME", str(tmp_path))
    founding.keep_token(process.token)
    return tmp_path


@pytest.fixture
def partner(bank: SimBank) -> SimBank:
    """Another partner, whom the bank does not know yet."""
    return replace(bank, key=Ed25519PrivateKey.generate(), partner="shop")


def run(*args: str) -> str:
    """The output of a command that ends well."""
    done = CliRunner().invoke(simbank.app, args, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_clock_is_shown_and_moved_from_the_command_line(bank: SimBank) -> None:
    assert run("clock", "--url", bank.url).startswith("2026-03-02T10:00:00+08:00  (held)\n")
    assert "day_end" in run("clock", "--url", bank.url)
    assert run("clock", "2026-03-03T09:30", "--url", bank.url).startswith("2026-03-03T09:30:00+08:00")
    for moment in ("tomorrow", "2026-03-03T09:29"):
        with pytest.raises(Refused):
            run("clock", moment, "--url", bank.url)


def test_a_partner_is_trusted_by_the_file_of_its_public_key(partner: SimBank, tmp_path: Path) -> None:
    file = tmp_path / "partner.pem"
    file.write_bytes(partner.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert partner.ask("k1").status == 401
    assert run("trust", "shop", str(file), "--url", partner.url) == "trusted: shop\n"
    assert partner.ask("k1").status == 404
    file.write_text("no key at all")
    with pytest.raises(BadOrder):
        run("trust", "shop", str(file), "--url", partner.url)


def test_the_scenarios_are_listed_and_told_with_their_oracle() -> None:
    assert len(run("scenarios").splitlines()) == 35
    assert json.loads(run("scenarios", "17"))["oracle"]["event"] == "returned"


def test_the_page_explains_the_bank_and_switches_with_the_token_alone(bank: SimBank) -> None:
    page = fetch.fetch_here(bank.url + "/").body.decode()
    assert "模拟银行" in page
    assert page.count("/switch/") == 35
    assert bank.token not in page
    wrong = fetch.fetch_here(bank.url + "/switch/33", method="POST", body=b"token=guess&on=1")
    assert wrong.status == 401
    assert not bank.control("GET", "/sim/scenarios")["scenarios"][32]["on"]
    with pytest.raises(fetch.NoAnswer, match="leads elsewhere"):  # back to the page, as a browser follows
        fetch.fetch_here(bank.url + "/switch/33", method="POST", body=f"token={bank.token}&on=1".encode())
    assert bank.control("GET", "/sim/scenarios")["scenarios"][32]["on"]


@pytest.mark.parametrize("token", ["", "Bearer ", "Bearer guess", "Bearer ключ"])
def test_the_control_interface_wants_its_token(bank: SimBank, token: str) -> None:
    head = {"authorization": token.encode().decode("latin-1")}
    for method, path in (("GET", "/sim/books"), ("PUT", "/sim/clock"), ("POST", "/sim/reset")):
        answer = fetch.fetch_here(bank.url + path, method=method, body=None, headers=head)
        assert (answer.status, json.loads(answer.body)["code"]) == (401, "no_control_token")


def test_the_token_lies_in_a_file_closed_to_others(bank: SimBank, home: Path) -> None:
    place = home / "simbank" / "control-token"
    assert place.read_text().strip() == bank.token
    assert place.stat().st_mode & 0o077 == 0


def test_nobody_but_the_bank_enters_its_database(bank: SimBank, server: postgres.Access) -> None:
    name = str(psycopg.conninfo.conninfo_to_dict(bank.database)["dbname"])
    for url in (server.app, server.desk, server.work, server.audit):
        assert url is not None
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(url, dbname=name)
    with psycopg.connect(bank.database) as own:
        row = own.execute("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user").fetchone()
        assert row == (False,)
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(bank.database, dbname=roles.DATABASE)


def test_a_second_bank_on_the_same_books_is_refused(bank: SimBank) -> None:
    with store.connect(bank.database) as db, pytest.raises(AlreadyRuns):
        store.stand_alone(db)


def test_tables_of_another_version_are_refused(bank: SimBank) -> None:
    with store.connect(bank.database) as db, db.transaction(force_rollback=True):
        db.execute("UPDATE bank.version SET version = 99")
        with pytest.raises(NotThisDatabase):
            store.prepare(db)


def test_tables_of_the_version_before_are_brought_to_this_one(bank: SimBank) -> None:
    with store.connect(bank.database) as db, db.transaction(force_rollback=True):
        db.execute("ALTER TABLE bank.payment DROP COLUMN service_fee")
        db.execute("DROP INDEX bank.one_service_fee")
        db.execute("UPDATE bank.version SET version = 1")
        assert not store.prepare(db)
        assert db.execute("SELECT version FROM bank.version").fetchall() == [{"version": store.VERSION}]
        assert db.execute("SELECT service_fee FROM bank.payment").fetchall() == []


def test_with_a_server_of_ones_own_the_database_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere/anhuan")
    with pytest.raises(NoBankDatabase):
        founding.database()
    monkeypatch.setenv("ANHUAN_SIMBANK_DATABASE", "postgresql://somewhere/bank")
    assert founding.database() == "postgresql://somewhere/bank"
