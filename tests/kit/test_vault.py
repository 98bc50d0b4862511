"""The vault: what is sealed opens again, in its own column, with its own key, and nowhere else."""

import os
import threading
import timeit
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from time import process_time
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Column, Connection, Engine, Integer, MetaData, Table, create_engine, make_url, select, text
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from anhuan.kit import db as database
from anhuan.kit import keys, postgres, store_keys, vault
from anhuan.kit.settings import BadSetting
from anhuan.kit.vault import Sealed, keyed_hash, keyed_number

PLACE = "things.label"


@pytest.fixture(params=["aes", "sm4"])
def cipher(request: pytest.FixtureRequest, db: Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Each cipher in turn, with a ring that was loaded under it."""
    monkeypatch.setenv("ANHUAN_CIPHER", request.param)
    vault.forget()
    yield request.param
    vault.forget()


@pytest.mark.parametrize("value", [
    "", "王小明", "a" * 10_000, 0, -1, 2**62, -(2**63), 2**70, b"", b"\x00\xff", True, date(2026, 2, 28),
    datetime(2026, 2, 28, 23, 59, 59, 999_999, UTC), Decimal("0.0500"), UUID(int=7), [1, "二", None], {"总额": 1.5},
])  # fmt: skip
def test_what_is_sealed_opens_as_it_was(cipher: str, value: Any) -> None:
    opened = vault.open_(PLACE, vault.seal(PLACE, value))
    assert opened == value
    assert type(opened) is type(value)


def test_the_same_value_is_never_sealed_alike(cipher: str) -> None:
    assert len({vault.seal(PLACE, 100) for _ in range(3_000)}) == 3_000


def test_a_sealed_value_shows_nothing_but_its_format_its_key_and_its_length(cipher: str) -> None:
    sealed = vault.seal(PLACE, "王小明")
    assert sealed[:5] == bytes([vault.FORMATS[cipher], 0, 0, 0, 1])
    assert "王小明".encode() not in sealed
    assert {len(vault.seal(PLACE, amount)) for amount in (0, 1, 99_999_999_99, -5)} == {5 + 12 + 1 + 8 + 16}


def test_a_value_moved_to_another_column_does_not_open(cipher: str) -> None:
    with pytest.raises(vault.CannotOpen, match=r"things\.limit"):
        vault.open_("things.limit", vault.seal(PLACE, 12_345))


def test_no_changed_bit_goes_unnoticed_and_no_value_is_told(cipher: str) -> None:
    sealed = vault.seal(PLACE, "6222021234567890128")
    for at in range(len(sealed)):
        altered = sealed[:at] + bytes([sealed[at] ^ 0x10]) + sealed[at + 1 :]
        with pytest.raises(vault.CannotOpen) as told:
            vault.open_(PLACE, altered)
        assert told.value.message == "a value of things.label does not open"
    for short in (b"", sealed[:4], sealed[:20], sealed[:-1]):
        with pytest.raises(vault.CannotOpen):
            vault.open_(PLACE, short)


def test_both_ciphers_are_read_side_by_side(db: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = []
    for name in ("aes", "sm4", "aes"):
        monkeypatch.setenv("ANHUAN_CIPHER", name)
        vault.forget()
        sealed.append(vault.seal(PLACE, name))
    assert [one[0] for one in sealed] == [1, 2, 1]
    assert [vault.open_(PLACE, one) for one in sealed] == ["aes", "sm4", "aes"]


def test_an_unknown_cipher_is_refused_by_its_setting(db: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANHUAN_CIPHER", "rot13")
    vault.forget()
    with pytest.raises(BadSetting, match="ANHUAN_CIPHER must be one of aes, sm4"):
        vault.seal(PLACE, 1)
    monkeypatch.delenv("ANHUAN_CIPHER")
    assert vault.open_(PLACE, vault.seal(PLACE, 1)) == 1


@pytest.fixture
def things(own_database: Engine, server: postgres.Access) -> Iterator[tuple[Table, Connection]]:
    """A table with sealed columns, and a connection that may create it."""
    table = Table(
        "things", MetaData(), Column("id", Integer, primary_key=True), Column("label", Sealed(str)),
        Column("amount", Sealed(int)), Column("note", Sealed(dict)),
    )  # fmt: skip
    url = make_url(database.driver_url(server.owner)).set(database=own_database.url.database)
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        table.create(connection)
        yield table, connection


def test_a_column_seals_on_the_way_in_and_opens_on_the_way_out(things: tuple[Table, Connection]) -> None:
    table, connection = things
    connection.execute(table.insert(), {"id": 1, "label": "房租", "amount": 350_000, "note": {"月": 1}})
    connection.execute(table.insert(), {"id": 2})
    found = connection.execute(select(table).order_by(table.c.id)).all()
    assert [tuple(row) for row in found] == [(1, "房租", 350_000, {"月": 1}), (2, None, None, None)]
    kept = connection.execute(text("SELECT label FROM things WHERE id = 1")).scalar_one()
    assert vault.open_("things.label", kept) == "房租"
    assert "房租".encode() not in kept


def test_a_value_copied_into_another_column_is_found_out_when_it_is_read(things: tuple[Table, Connection]) -> None:
    table, connection = things
    connection.execute(table.insert(), {"id": 1, "label": "房租", "amount": 350_000})
    connection.execute(text("UPDATE things SET amount = label"))
    with pytest.raises(vault.CannotOpen, match=r"things\.amount"):
        connection.execute(select(table.c.amount)).all()


def test_a_column_refuses_a_value_of_another_type_before_it_is_written(things: tuple[Table, Connection]) -> None:
    table, connection = things
    with pytest.raises(StatementError, match=r"things\.amount holds int, not str"):
        connection.execute(table.insert(), {"id": 1, "amount": "12.50"})


def test_one_type_object_in_two_columns_still_knows_each_column() -> None:
    shared = Sealed(str)
    table = Table("things", MetaData(), Column("a", shared), Column("b", shared))
    places = [column.type.place for column in table.columns if isinstance(column.type, Sealed)]
    assert places == ["things.a", "things.b"]


def test_a_keyed_hash_finds_the_same_value_and_tells_nothing_else(db: Session) -> None:
    mine, other = uuid4(), uuid4()
    made = {
        keyed_hash("phone", "13800138000"), keyed_hash("phone", "13800138001"), keyed_hash("mail", "13800138000"),
        keyed_hash("phone", "13800138000", party=mine), keyed_hash("phone", "13800138000", party=other),
    }  # fmt: skip
    assert len(made) == 5
    assert {len(one) for one in made} == {16}
    assert keyed_hash("phone", "13800138000", party=mine) in made
    assert keyed_hash("phone", b"13800138000") in made
    assert keyed_number("phone", "1") == int.from_bytes(keyed_hash("phone", "1")[:8], "big", signed=True)


def test_a_hash_cannot_be_made_without_the_index_key(db: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    before = keyed_hash("phone", "13800138000")
    held = keys.unlock

    def another(*told: Any, **more: Any) -> Any:
        return [keys.DataKey(key.number, key.purpose, bytes(32), key.retired) for key in held(*told, **more)]

    monkeypatch.setattr(keys, "unlock", another)
    vault.forget()
    assert keyed_hash("phone", "13800138000") != before
    vault.forget()


def test_seals_are_counted_before_they_are_made(own_database: object) -> None:
    vault.seal(PLACE, 1)
    first = reserved()
    for _ in range(first):
        vault.seal(PLACE, 1)
    assert first < reserved() <= 4 * first
    vault.forget()  # a process that ends, or is killed, takes the rest of its block with it
    vault.seal(PLACE, 1)
    assert reserved() >= 4 * first


def test_a_worn_out_key_seals_nothing_more_but_opens(own_database: object, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = vault.seal(PLACE, 1)
    monkeypatch.setattr(vault, "MOST_SEALS", reserved())
    with pytest.raises(vault.KeyWornOut, match="anhuan keys rotate"):
        list(map(vault.seal, [PLACE] * 1_000, range(1_000)))
    assert vault.open_(PLACE, sealed) == 1


def test_many_threads_never_share_a_nonce(own_database: object) -> None:
    made: list[list[bytes]] = [[] for _ in range(8)]

    def work(mine: list[bytes]) -> None:
        mine.extend(vault.seal(PLACE, 1)[:17] for _ in range(2_000))

    threads = [threading.Thread(target=work, args=(mine,)) for mine in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one for mine in made for one in mine}) == 16_000
    assert reserved() >= 16_000


def test_a_forked_process_draws_nonces_of_its_own(own_database: object) -> None:
    vault.seal(PLACE, 1)
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(into, vault.seal(PLACE, 1)[:17])
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(out, 17)
    os.close(out)
    os.close(into)
    mine = [vault.seal(PLACE, 1)[:17] for _ in range(2_000)]
    assert len(theirs) == 17
    assert theirs not in mine


def test_a_value_is_sealed_and_opened_in_microseconds(db: Session) -> None:
    sealed = vault.seal(PLACE, 123_456)
    many = 20_000

    def took(work: Callable[[], object]) -> float:
        return min(timeit.repeat(work, timer=process_time, number=many, repeat=3)) / many

    seal, opened = took(lambda: vault.seal(PLACE, 123_456)), took(lambda: vault.open_(PLACE, sealed))
    assert seal < 15e-6, "about 2.5 on a quiet machine; this bound finds a key schedule or a query in each call"
    assert opened < 15e-6


def reserved() -> int:
    """How many seals the database has counted for its newest key."""
    with database.transaction() as session:
        rows = store_keys.keys(session.connection())
    return max(row.seals_reserved for row in rows)
