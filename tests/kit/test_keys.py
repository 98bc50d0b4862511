"""Keys in an envelope: where the master key comes from, and how keys are changed while the house serves."""

import base64
import multiprocessing
import os
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, create_engine, event, make_url, select, text, update
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool
from typer.testing import CliRunner

from anhuan.cards.tables import OwnAccountRow
from anhuan.cli import keys as commands
from anhuan.kit import clock, keys, postgres, resealing, store_keys, vault, wall
from anhuan.kit import db as database
from anhuan.kit.errors import Bad
from anhuan.kit.ids import LOCAL_USER, new_id
from anhuan.kit.settings import BadSetting

KEY = base64.b64encode(bytes(range(32))).decode()


def env(home: Path, **more: str) -> dict[str, str]:
    return {"ANHUAN_HOME": str(home)} | more


def test_the_first_start_makes_a_master_key_that_only_its_owner_may_read(tmp_path: Path) -> None:
    made = keys.master(env(tmp_path), make=True)
    place = tmp_path / "keys" / "master.key"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    assert keys.master(env(tmp_path)).name == made.name
    assert keys.master(env(tmp_path), make=True).name == made.name, "a second start makes no second key"


def test_a_missing_master_key_is_never_replaced_behind_ones_back(tmp_path: Path) -> None:
    with pytest.raises(keys.NoMasterKey, match="bring it back from its backup"):
        keys.master(env(tmp_path))
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622, 0o660])
def test_a_master_key_that_others_can_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    keys.master(env(tmp_path), make=True)
    keys.master_file(env(tmp_path)).chmod(mode)
    with pytest.raises(keys.OpenToOthers, match="chmod 600"):
        keys.master(env(tmp_path))


def test_a_folder_in_which_others_may_swap_the_key_is_refused(tmp_path: Path) -> None:
    keys.master(env(tmp_path), make=True)
    (tmp_path / "keys").chmod(0o777)
    with pytest.raises(keys.OpenToOthers, match="chmod 700"):
        keys.master(env(tmp_path))


def test_a_link_in_the_place_of_the_key_is_not_followed(tmp_path: Path) -> None:
    keys.master(env(tmp_path), make=True)
    place = keys.master_file(env(tmp_path))
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        keys.master(env(tmp_path))


def test_two_first_starts_at_once_agree_on_one_key(tmp_path: Path) -> None:
    names: list[str] = []
    threads = [
        threading.Thread(target=lambda: names.append(keys.master(env(tmp_path), make=True).name)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names) == 8
    assert len(set(names)) == 1
    assert [file.name for file in (tmp_path / "keys").iterdir()] == ["master.key"]


@pytest.mark.parametrize("text", ["", "short", KEY[:-4], KEY + "AAAA", "ä" * 44, "!" * 44])
def test_a_master_key_of_the_environment_is_checked_and_not_repeated(tmp_path: Path, text: str) -> None:
    with pytest.raises(Bad) as told:
        keys.master(env(tmp_path, ANHUAN_MASTER_KEY=text or " "))
    assert isinstance(told.value, BadSetting)
    assert told.value.message == "ANHUAN_MASTER_KEY must be 32 bytes in base64"


def test_a_key_opens_only_with_its_master_and_in_its_place(tmp_path: Path) -> None:
    holder, other = keys.master(env(tmp_path, ANHUAN_MASTER_KEY=KEY)), keys.master(env(tmp_path), make=True)
    wrapped = holder.wrap(b"k" * 32, "data_keys/1/data")
    assert holder.unwrap(wrapped, "data_keys/1/data") == b"k" * 32
    altered = wrapped[:-1] + bytes([wrapped[-1] ^ 1])
    wrong = [(other, wrapped, "data_keys/1/data"), (holder, wrapped, "data_keys/1/index"),
             (holder, altered, "data_keys/1/data")]  # fmt: skip
    for who, what, where in wrong:
        with pytest.raises(keys.WrongMasterKey):
            who.unwrap(what, where)
    assert "k" * 32 not in repr(keys.DataKey(1, store_keys.Purpose.DATA, b"k" * 32, retired=False))
    assert KEY not in repr(holder)
    assert repr(bytes(range(32)))[2:-1] not in repr(holder)


KMS = '''
"""A key service for tests: it keeps its master key to itself and locks what it is given, bound to its context."""
import base64, json, os, sys
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

asked = json.load(sys.stdin)
assert "ANHUAN_MASTER_KEY" not in os.environ
master = AESGCM(bytes.fromhex(sys.argv[1]))
with open(sys.argv[2], "a") as log:
    log.write(asked["act"] + "\\n")
if asked["act"] == "name":
    print(json.dumps({"name": "test-" + sys.argv[1][:4]}))
elif asked["act"] == "wrap":
    nonce = os.urandom(12)
    locked = nonce + master.encrypt(nonce, base64.b64decode(asked["key"]), asked["context"].encode())
    print(json.dumps({"wrapped": base64.b64encode(locked).decode()}))
else:
    locked = base64.b64decode(asked["wrapped"])
    key = master.decrypt(locked[:12], locked[12:], asked["context"].encode())
    print(json.dumps({"key": base64.b64encode(key).decode()}))
'''


@pytest.fixture
def kms(tmp_path: Path) -> str:
    """The command line of a key service that really runs, with its log beside it."""
    program = tmp_path / "kms.py"
    program.write_text(KMS)
    return f"{sys.executable} {program} {'ab' * 32} {tmp_path / 'asked'}"


def test_a_key_service_locks_and_unlocks_without_showing_its_master_key(tmp_path: Path, kms: str) -> None:
    holder = keys.master(env(tmp_path, ANHUAN_KMS_COMMAND=kms))
    wrapped = holder.wrap(b"k" * 32, "data_keys/1/data")
    assert b"k" * 32 not in wrapped
    assert holder.name == "test-abab"
    assert holder.unwrap(wrapped, "data_keys/1/data") == b"k" * 32
    with pytest.raises(keys.KeyServiceSilent):  # the service refuses, and says no more
        holder.unwrap(wrapped, "data_keys/2/data")


@pytest.mark.parametrize("command", [
    "/nowhere/kms", f"{sys.executable} -c 'raise SystemExit(3)'", f"{sys.executable} -c 'print(1)'",
    f"{sys.executable} -c 'print(chr(123))'",
])  # fmt: skip
def test_a_key_service_that_fails_is_told_without_its_words(tmp_path: Path, command: str) -> None:
    with pytest.raises(keys.KeyServiceSilent, match="did not do 'wrap'") as told:
        keys.master(env(tmp_path, ANHUAN_KMS_COMMAND=command)).wrap(b"k" * 32, "x")
    assert base64.b64encode(b"k" * 32).decode() not in told.value.message


def test_a_key_service_and_a_master_key_at_once_are_refused(tmp_path: Path, kms: str) -> None:
    with pytest.raises(BadSetting, match="not both"):
        keys.master(env(tmp_path, ANHUAN_KMS_COMMAND=kms, ANHUAN_MASTER_KEY=KEY))


# Keys of a whole database


@pytest.fixture
def owner(own_database: Engine, server: postgres.Access, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The test's database as its owner; processes learn of new keys at once."""
    commands.import_tables()
    monkeypatch.setattr(vault, "LEASE_SECONDS", 0.2)
    monkeypatch.setattr(resealing, "MARGIN_SECONDS", 0.1)
    url = make_url(database.driver_url(server.owner)).set(database=own_database.url.database)
    engine = create_engine(url, poolclass=NullPool)
    event.listen(engine, "begin", database._become_owner)
    vault.forget()
    yield engine
    vault.forget()
    engine.dispose()


@pytest.fixture
def command(owner: Engine, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`anhuan keys` on the test's database."""
    url = owner.url.render_as_string(hide_password=False)
    access = postgres.Access(url, url, url, url, url, found="the test")
    monkeypatch.setattr(database, "access", lambda: access)

    def call(*args: str) -> str:
        done = CliRunner().invoke(commands.app, list(args))
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.output

    return call


def fill(app: Engine, count: int, *, party: UUID = LOCAL_USER, label: str = "工资卡") -> None:
    with Session(app) as db, db.begin():
        wall.enter(db, party=party)
        db.add_all(
            OwnAccountRow(user_id=party, id=new_id(), bank="cmb", last_digits=str(1000 + n), label=f"{label}{n}",
                          currency="CNY", balance_minor=n, reserve_minor=0)
            for n in range(count)
        )  # fmt: skip


def balances(app: Engine, party: UUID = LOCAL_USER) -> list[tuple[str, int]]:
    with Session(app) as db, db.begin():
        wall.enter(db, party=party)
        asked = select(OwnAccountRow.label, OwnAccountRow.balance_minor).order_by(OwnAccountRow.last_digits)
        return [(label, balance) for label, balance in db.execute(asked)]


def headers(owner: Engine) -> set[tuple[int, int]]:
    """Format and key number of every sealed value of own accounts."""
    with owner.begin() as connection:
        found = connection.execute(text("SELECT label, balance_minor, reserve_minor FROM own_accounts"))
        return {(value[0], int.from_bytes(value[1:5], "big")) for row in found for value in row}


def numbers(owner: Engine) -> dict[int, str]:
    with owner.begin() as connection:
        rows = store_keys.keys(connection)
    return {
        row.id: "destroyed" if row.destroyed_at else "retired" if row.retired_at else "in use"
        for row in rows
        if row.purpose == "data"
    }


@pytest.mark.scope("S2-42")
def test_a_rotation_seals_every_row_of_every_party_anew(own_database: Engine, owner: Engine) -> None:
    other = new_id()
    fill(own_database, 1_203)
    fill(own_database, 3, party=other, label="别人")
    before = balances(own_database), balances(own_database, other)
    done = resealing.rotate(owner)
    assert (done.rows, done.retired, done.destroyed) == (1_206, (1,), ())
    assert headers(owner) == {(1, done.number)}
    assert (balances(own_database), balances(own_database, other)) == before
    assert numbers(owner) == {1: "retired", done.number: "in use"}


def test_a_second_rotation_goes_on_from_the_first_and_forgets_on_request(own_database: Engine, owner: Engine) -> None:
    fill(own_database, 5)
    first = resealing.rotate(owner)
    second = resealing.rotate(owner, forget=True)
    assert second.number > first.number
    assert second.destroyed == (1, first.number)
    assert numbers(owner) == {1: "destroyed", first.number: "destroyed", second.number: "in use"}
    vault.forget()
    assert len(balances(own_database)) == 5


def test_a_value_whose_key_was_destroyed_stays_closed(own_database: Engine, owner: Engine) -> None:
    kept = vault.seal("own_accounts.label", "an old backup")
    resealing.rotate(owner, forget=True)
    vault.forget()
    with pytest.raises(vault.CannotOpen):
        vault.open_("own_accounts.label", kept)


def test_a_rotation_changes_the_cipher_where_the_setting_changed(
    own_database: Engine, owner: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(own_database, 4)
    monkeypatch.setenv("ANHUAN_CIPHER", "sm4")
    done = resealing.rotate(owner)
    assert headers(owner) == {(vault.SM4, done.number)}
    assert len(balances(own_database)) == 4


def _killed_midway(url: str) -> None:
    """A process that starts a rotation and dies, as by SIGKILL, after its first batch."""
    vault.LEASE_SECONDS, resealing.MARGIN_SECONDS, resealing.BATCH = 0.1, 0.1, 50  # type: ignore[misc]
    owner = create_engine(url, poolclass=NullPool)
    event.listen(owner, "begin", database._become_owner)
    database.use(owner)

    def told(what: str, done: int, of: int) -> None:
        if what == "own_accounts" and done >= 100:
            os._exit(9)

    resealing.rotate(owner, told=told)


def test_a_killed_rotation_goes_on_with_the_key_it_had_made(own_database: Engine, owner: Engine) -> None:
    fill(own_database, 300)
    before = balances(own_database)
    url = owner.url.render_as_string(hide_password=False)
    child = multiprocessing.get_context("spawn").Process(target=_killed_midway, args=(url,))
    child.start()
    child.join(60)
    assert child.exitcode == 9
    assert len(headers(owner)) == 2, "the kill came too late or too early to prove anything"
    vault.forget()
    assert balances(own_database) == before, "half sealed anew, all of it opens"
    made = max(numbers(owner))
    done = resealing.rotate(owner)
    assert done.number == made
    assert done.rows == 200
    assert headers(owner) == {(1, made)}
    assert balances(own_database) == before


def test_rows_written_and_changed_during_a_rotation_are_not_lost(own_database: Engine, owner: Engine) -> None:
    fill(own_database, 400)
    stop, written, faults = threading.Event(), [], []

    def serve() -> None:
        """Somebody's balance changes all the time, and new accounts come."""
        count = 0
        while not stop.is_set():
            count += 1
            try:
                with Session(own_database) as db, db.begin():
                    wall.enter(db, party=LOCAL_USER)
                    db.execute(
                        update(OwnAccountRow)
                        .where(OwnAccountRow.last_digits == str(1000 + count % 400))
                        .values(balance_minor=count)
                    )
                    db.add(
                        OwnAccountRow(user_id=LOCAL_USER, id=new_id(), bank="icbc", last_digits=str(5000 + count),
                                      label="新", currency="CNY", balance_minor=count, reserve_minor=0)
                    )  # fmt: skip
                written.append(count)
            except Exception as fault:  # whatever it is, the test tells it
                faults.append(fault)

    server = threading.Thread(target=serve)
    server.start()
    done = resealing.rotate(owner, forget=True)
    stop.set()
    server.join()
    assert faults == []
    assert len(written) > 10
    vault.forget()
    assert headers(owner) == {(1, done.number)}
    last = {1000 + count % 400: count for count in written}
    kept = balances(own_database)
    assert len(kept) == 400 + len(written)
    assert [kept[at - 1000][1] for at in sorted(last)] == [last[at] for at in sorted(last)]


def test_a_process_that_holds_the_old_key_learns_of_the_new_one_before_it_matters(owner: Engine) -> None:
    assert vault.seal("t.c", 1)[1:5] == b"\0\0\0\1"
    with owner.begin() as connection:
        number = keys.add_key(connection, keys.master(), store_keys.Purpose.DATA, now=clock.now())
    time.sleep(vault.LEASE_SECONDS + 0.05)
    assert vault.seal("t.c", 1)[1:5] == number.to_bytes(4, "big")


def test_a_value_under_a_key_made_elsewhere_opens_at_once(owner: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "LEASE_SECONDS", 600.0)
    vault.forget()
    vault.seal("t.c", 1)
    mine = vault._held, dict(vault._rings)
    with owner.begin() as connection:
        keys.add_key(connection, keys.master(), store_keys.Purpose.DATA, now=clock.now())
    vault.forget()
    theirs = vault.seal("t.c", "of another process")
    vault._held = mine[0]
    vault._rings.update(mine[1])
    mine[0].ring._loaded -= 2  # a key is looked for at most once a second
    assert vault.open_("t.c", theirs) == "of another process"


def test_a_transaction_that_never_ends_keeps_the_old_key_alive(
    own_database: Engine, owner: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resealing, "PATIENCE_SECONDS", 0.3)
    with Session(own_database) as open_one, open_one.begin():
        wall.enter(open_one, party=LOCAL_USER)
        open_one.add(
            OwnAccountRow(user_id=LOCAL_USER, id=new_id(), bank="cmb", last_digits="1", label="", currency="CNY",
                          balance_minor=1, reserve_minor=0)
        )  # fmt: skip
        open_one.flush()
        with pytest.raises(resealing.StillBusy):
            resealing.rotate(owner, forget=True)
    made = max(numbers(owner))
    assert numbers(owner) == {1: "in use", made: "in use"}
    assert resealing.rotate(owner).number == made
    assert headers(owner) == {(1, made)}


def test_a_table_that_the_program_does_not_know_saves_the_old_key(own_database: Engine, owner: Engine) -> None:
    with owner.begin() as connection:
        connection.execute(text("CREATE TABLE of_a_later_version (sealed bytea)"))
    with pytest.raises(resealing.NotAllSealedAnew, match="of_a_later_version"):
        resealing.rotate(owner, forget=True)
    assert "destroyed" not in numbers(owner).values()


def test_nobody_but_the_owner_makes_or_retires_keys_and_the_auditor_sees_none(
    own_database: Engine, owner: Engine
) -> None:
    statements = {
        "SELECT wrapped FROM data_keys": {"app", "desk", "work"},
        "UPDATE data_keys SET seals_reserved = seals_reserved + 1": {"app", "desk", "work"},
        "UPDATE data_keys SET wrapped = NULL": set(),
        "UPDATE data_keys SET retired_at = now()": set(),
        "DELETE FROM data_keys": set(),
        "INSERT INTO data_keys (id, purpose, algorithm, master, made_at) VALUES (9, 'data', '', '', now())": set(),
    }
    for statement, allowed in statements.items():
        for login in ("app", "desk", "work", "audit"):
            with database.sessions(login)() as session:
                refused = None if login in allowed else pytest.raises(ProgrammingError, match="permission denied")
                with refused or nullcontext():
                    session.execute(text(statement))


# The command line


def test_the_status_tells_keys_wear_and_what_is_left(own_database: Engine, command: Callable[..., str]) -> None:
    fill(own_database, 2)
    said = command("status")
    assert "key 1: data, in use" in said
    assert "of 4,294,967,296 seals" in said
    assert "under older keys or ciphers: nothing" in said
    vault.forget()
    os.environ["ANHUAN_CIPHER"] = "sm4"
    try:
        assert "own_accounts 2" in command("status")
    finally:
        del os.environ["ANHUAN_CIPHER"]


def test_the_command_rotates_and_destroys_only_when_asked_twice(
    own_database: Engine, owner: Engine, command: Callable[..., str]
) -> None:
    fill(own_database, 2)
    with pytest.raises(commands.NotSure):
        command("rotate", "--forget")
    assert numbers(owner) == {1: "in use"}
    assert "retired: data key 1" in command("rotate")
    assert "destroyed: data key 1" in command("rotate", "--forget", "--yes")
    assert len(balances(own_database)) == 2


def test_another_master_key_is_put_over_the_same_data_keys(
    own_database: Engine, owner: Engine, command: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(own_database, 2)
    before, place = keys.master().name, tmp_path / "next.key"
    said = command("rewrap", "--to", str(place))
    assert f"2 keys are under the master key {keys.held_in(place).name}" in said
    monkeypatch.setenv("ANHUAN_MASTER_KEY", place.read_text())
    vault.forget()
    assert len(balances(own_database)) == 2
    assert keys.master().name != before
    monkeypatch.setenv("ANHUAN_MASTER_KEY", KEY)
    vault.forget()
    with pytest.raises(keys.NoMasterKey, match="here is"):
        balances(own_database)


def test_the_master_key_moves_into_a_key_service(
    own_database: Engine, owner: Engine, command: Callable[..., str], kms: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    fill(own_database, 2)
    assert "test-abab" in command("rewrap", "--to-kms", kms)
    monkeypatch.delenv("ANHUAN_MASTER_KEY")
    monkeypatch.setenv("ANHUAN_KMS_COMMAND", kms)
    vault.forget()
    asked = tmp_path / "asked"
    asked.unlink()
    assert len(balances(own_database)) == 2
    assert len(balances(own_database)) == 2
    time.sleep(vault.LEASE_SECONDS + 0.1)
    vault.seal("t.c", 1)
    assert asked.read_text().split() == ["unwrap", "unwrap"], "once for each key, not once for each renewal"
