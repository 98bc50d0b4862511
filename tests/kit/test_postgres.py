"""The embedded server: private, shared by its users, and unimpressed by kill -9."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from anhuan.cli import selfcheck
from anhuan.kit import binaries, db, postgres, roles

DEBIANS_OLD = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that the server's account may enter, gone afterwards with the servers in it."""
    folder = Path(tempfile.mkdtemp(prefix="anhuan-pg-"))
    folder.chmod(0o711)
    yield folder
    for home in folder.iterdir():
        if (home / "start.lock").exists():
            postgres.Embedded(home, testing=True).stop()
    shutil.rmtree(folder)


@pytest.fixture
def home(place: Path) -> Path:
    return place / "home"


def test_an_older_postgres_is_refused_by_name(tmp_path: Path) -> None:
    for program in ("initdb", "pg_ctl", "postgres"):
        script = tmp_path / program
        script.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 17.2'\n")
        script.chmod(0o755)
    with pytest.raises(binaries.TooOld, match=r"PostgreSQL 17 .*ANHUAN_PG_BIN.* needs PostgreSQL 18"):
        binaries.find(tmp_path)


@pytest.mark.skipif(not DEBIANS_OLD.is_dir(), reason="needs Debian 12's package postgresql-15")
def test_debians_own_postgres_is_refused_by_name(home: Path) -> None:
    with pytest.raises(binaries.TooOld, match="PostgreSQL 15"):
        postgres.Embedded(home, pg_bin=DEBIANS_OLD, testing=True).join()


def test_a_folder_without_the_programs_is_named(tmp_path: Path) -> None:
    with pytest.raises(binaries.NoPostgres, match="initdb, pg_ctl, postgres"):
        binaries.find(tmp_path)


def test_the_server_listens_on_no_network_and_trusts_nobody(home: Path) -> None:
    access = postgres.Embedded(home, testing=True).join()
    with psycopg.connect(access.owner) as admin:
        assert admin.execute("SHOW listen_addresses").fetchone() == ("",)
        methods = admin.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
    assert methods == [("scram-sha-256",)]


def test_secrets_and_socket_are_closed_to_others(home: Path) -> None:
    server = postgres.Embedded(home, testing=True)
    server.join()
    assert (home / "access.json").stat().st_mode & 0o777 == 0o600
    assert server.socket.stat().st_mode & 0o777 == 0o700


def test_rows_are_there_again_after_the_server_was_killed(home: Path) -> None:
    server = postgres.Embedded(home)  # fsync on: a test cluster may forget its last half second
    access = server.join()
    with psycopg.connect(access.owner) as admin:
        admin.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(postmaster(server), signal.SIGKILL)
    again = postgres.Embedded(home)
    with psycopg.connect(again.join().owner) as admin:
        assert admin.execute("SELECT answer FROM kept").fetchone() == (42,)
    again.leave()


def test_the_last_user_out_stops_the_server(home: Path) -> None:
    first, second = postgres.Embedded(home, testing=True), postgres.Embedded(home, testing=True)
    first.join()
    second.join()
    first.leave()
    assert second.running()
    second.leave()
    assert not second.running()


def test_a_server_that_is_kept_outlives_its_users(home: Path) -> None:
    keeper, user = postgres.Embedded(home, testing=True), postgres.Embedded(home, testing=True)
    keeper.keep()
    user.join()
    user.leave()
    assert keeper.running()
    assert keeper.stop()
    assert not keeper.running()


def test_a_server_survives_the_death_of_its_starter(home: Path) -> None:
    starter = begin(home, "server.join(); print('up', flush=True); sys.stdin.read()")
    assert starter.stdout is not None
    assert starter.stdout.readline() == "up\n"
    starter.kill()
    starter.communicate()
    server = postgres.Embedded(home, testing=True)
    assert server.running()
    server.join()
    server.leave()
    assert not server.running()


def test_starters_at_the_same_moment_share_one_server(home: Path) -> None:
    ask = "SELECT pg_postmaster_start_time()"
    act = f"print(psycopg.connect(server.join().owner).execute({ask!r}).fetchone(), flush=True); sys.stdin.read()"
    crowd = [begin(home, act) for _ in range(3)]
    said = {starter.stdout.readline() for starter in crowd if starter.stdout}
    for starter in crowd:
        starter.communicate("")
    assert len(said) == 1
    assert "datetime" in said.pop()


def test_a_cluster_without_fsync_is_not_opened_for_real_data(home: Path) -> None:
    postgres.Embedded(home, testing=True).join()
    with pytest.raises(postgres.NotOurs, match=postgres.TEST_MARKER):
        postgres.Embedded(home).join()


def test_real_data_are_not_opened_as_a_test_cluster(home: Path) -> None:
    server = postgres.Embedded(home, testing=True)
    server.join()
    (server.data / postgres.TEST_MARKER).unlink()
    with pytest.raises(postgres.NotOurs, match="holds real data"):
        postgres.Embedded(home, testing=True).join()
    (server.data / postgres.TEST_MARKER).touch()


def test_a_socket_folder_that_somebody_else_made_is_refused(home: Path) -> None:
    server = postgres.Embedded(home, testing=True)
    server.socket.mkdir()
    server.socket.chmod(0o755)
    try:
        with pytest.raises(postgres.NotOurs, match="not a private folder"):
            server.join()
    finally:
        server.socket.rmdir()


def test_a_start_that_was_cut_short_leaves_nothing_in_the_way(home: Path) -> None:
    half = home / "postgres.new"
    half.mkdir(parents=True)
    home.chmod(0o711)
    (half / "PG_VERSION").write_text("18\n")
    server = postgres.Embedded(home, testing=True)
    server.join()
    assert server.running()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run the server as somebody else")
def test_root_in_a_closed_folder_gets_a_server_that_runs_as_somebody_else(place: Path) -> None:
    place.chmod(0o700)
    server = postgres.Embedded(place / "home", testing=True)
    try:
        server.join()
        assert server.data.is_relative_to(binaries.SHARED_PLACE)
        assert server.data.stat().st_uid != 0
    finally:
        server.stop()
        shutil.rmtree(server.data.parent)


# Somebody's server, over TCP with a password


@dataclass(frozen=True)
class TcpServer:
    """A normal server on a port, and how its administrator gets in."""

    port: int
    psql: Callable[[str], None]

    def url(self, user: str) -> str:
        return f"postgresql://{user}:pw-{user}@127.0.0.1:{self.port}/anhuan"


@contextmanager
def listening(place: Path, folder: Path, account: binaries.Account | None) -> Iterator[TcpServer]:
    """A new cluster of these programs on a free TCP port, with a password."""
    data, password = place / "cluster", place / "password"
    password.write_text("pw-boss")
    if account:
        place.chmod(0o777)
        password.chmod(0o644)
    options = [
        "-U",
        "boss",
        "-A",
        "scram-sha-256",
        f"--pwfile={password}",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
    ]
    made = postgres._run([folder / "initdb", "-D", data, *options], account)
    assert made.returncode == 0, made.stderr
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    options = ["-o", f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"]
    control = [folder / "pg_ctl", "-D", data, "-w"]
    started = postgres._run([*control, "start", "-l", data / "log", *options], account)
    assert started.returncode == 0, started.stderr

    def psql(script: str) -> None:
        boss = f"postgresql://boss:pw-boss@127.0.0.1:{port}/postgres"
        values = [f"--set={role}_password=pw-anhuan_{role}" for role in ("app", "audit", "desk", "work", "migrator")]
        command = [str(folder / "psql"), "-qX", "--set=ON_ERROR_STOP=1", *values, boss]
        subprocess.run(command, input=script, text=True, check=True, cwd="/")

    yield TcpServer(port, psql)
    postgres._run([*control, "stop", "-m", "immediate"], account)


@pytest.fixture
def tcp_server(place: Path) -> Iterator[TcpServer]:
    """A second cluster from the programs we bring."""
    account = binaries.account_for(place / "none")
    with listening(place, binaries.find(None, account).folder, account) as made:
        yield made


@pytest.fixture
def settings_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Sets the environment of this test alone; the connections of the process are put back afterwards."""
    before = db.use(None)
    monkeypatch.setenv("ANHUAN_HOME", str(tmp_path))

    def given(**env: str) -> None:
        db.close()
        for name in ("DATABASE_URL", "ANHUAN_OWNER_URL"):
            monkeypatch.delenv(name, raising=False)
        for name, value in env.items():
            monkeypatch.setenv(name, value)

    yield given
    db.close()
    db.use(before)


def test_somebodys_server_is_set_up_by_our_sql_and_used_by_its_address(
    tcp_server: TcpServer, settings_of: Callable[..., None], tmp_path: Path
) -> None:
    tcp_server.psql(roles.script())
    app, migrator = tcp_server.url(roles.APP), tcp_server.url("anhuan_migrator")

    settings_of(DATABASE_URL=app)
    with pytest.raises(db.SchemaBehind):
        db.require_head()
    with pytest.raises(db.NotTheOwner):
        db.migrate()
    settings_of(DATABASE_URL=app, ANHUAN_OWNER_URL=migrator)
    assert db.migrate() == db.migrate() == db.head()

    settings_of(DATABASE_URL=app)
    checked = CliRunner().invoke(selfcheck.app)
    assert checked.exit_code == 0, checked.output
    with db.transaction() as session:
        assert session.scalar(text("SELECT current_user")) == roles.APP
    assert not (tmp_path / "postgres").exists(), "no server of ours was started"


@pytest.mark.scope("S2-42")
def test_a_login_with_too_many_rights_fails_the_selfcheck(
    tcp_server: TcpServer, settings_of: Callable[..., None]
) -> None:
    tcp_server.psql(roles.script())
    settings_of(DATABASE_URL=f"postgresql://boss:pw-boss@127.0.0.1:{tcp_server.port}/anhuan")
    checked = CliRunner().invoke(selfcheck.app)
    assert checked.exit_code == 1
    assert "boss is a superuser" in checked.output


def test_a_wrong_password_is_said_to_be_one(tcp_server: TcpServer, settings_of: Callable[..., None]) -> None:
    settings_of(DATABASE_URL=f"postgresql://boss:wrong@127.0.0.1:{tcp_server.port}/postgres")
    with pytest.raises(db.NoDatabase, match="password authentication failed"):
        db.access()


@pytest.mark.skipif(not DEBIANS_OLD.is_dir(), reason="needs Debian 12's package postgresql-15")
def test_a_server_with_debians_old_postgres_is_refused_by_name(place: Path, settings_of: Callable[..., None]) -> None:
    with listening(place, DEBIANS_OLD, binaries.account_for(place / "none")) as old:
        settings_of(DATABASE_URL=f"postgresql://boss:pw-boss@127.0.0.1:{old.port}/postgres")
        with pytest.raises(binaries.TooOld, match=r"PostgreSQL 15 at 127\.0\.0\.1 \(DATABASE_URL\)"):
            db.access()


def begin(home: Path, act: str) -> subprocess.Popen[str]:
    """Another process with `server` on the same folder; it lives until its standard input ends."""
    code = f"""
import sys, psycopg
from pathlib import Path
from anhuan.kit import postgres, terminal
terminal.log_to_stderr(verbose=False)
server = postgres.Embedded(Path({str(home)!r}), testing=True)
{act}
server.leave()
"""
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def postmaster(server: postgres.Embedded) -> int:
    return int((server.data / "postmaster.pid").read_text().split()[0])
