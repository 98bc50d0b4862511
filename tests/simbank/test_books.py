"""The books keep their own laws: the database refuses what would break them, the proof sees what it cannot refuse."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from tests.bank import STARTS, SimBank

from anhuan.simbank import books, house, store
from anhuan.simbank.dice import Dice
from anhuan.simbank.house import Act
from anhuan.simbank.model import BadOrder


@contextmanager
def acting(bank: SimBank) -> Iterator[Act]:
    """An act on the bank's own rows, of which nothing stays."""
    with store.connect(bank.database) as db, db.transaction(force_rollback=True):
        yield Act(db, STARTS, Dice(1), house.profile_of({}), None)


def test_the_database_refuses_to_debit_a_key_twice(bank: SimBank) -> None:
    bank.pay("k1")
    with acting(bank) as act, pytest.raises(psycopg.errors.UniqueViolation, match="one_debit"):
        books.move(act, "debit", "client:lin", books.TRANSIT, 50_000, key="k1")


@pytest.mark.parametrize(("code", "law"), [("book", "one_booking"), ("give_back", "one_return")])
def test_it_refuses_to_book_or_give_back_twice(bank: SimBank, code: str, law: str) -> None:
    with acting(bank) as act:
        books.move(act, code, books.WORLD, "client:lin", 1, key="k1")
        with pytest.raises(psycopg.errors.UniqueViolation, match=law):
            books.move(act, code, books.WORLD, "client:lin", 1, key="k1")


@pytest.mark.parametrize("source", ["client:lin", books.TRANSIT])
def test_nobodys_money_goes_below_zero(bank: SimBank, source: str) -> None:
    with acting(bank) as act, pytest.raises(psycopg.errors.CheckViolation):
        books.move(act, "debit", source, books.SUSPENSE, 1_000_001)


@pytest.mark.parametrize("amount", [0, -1])
def test_a_movement_moves_something(bank: SimBank, amount: int) -> None:
    with acting(bank) as act, pytest.raises(BadOrder):
        books.move(act, "deposit", books.WORLD, "client:lin", amount)


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE bank.account SET balance = balance + 1 WHERE name = 'client:lin'",
        "UPDATE bank.leg SET amount = amount + 1 WHERE account = 'card:card-1'",
        "DELETE FROM bank.leg WHERE account = 'card:card-1'",
        "UPDATE bank.payment SET booked_on = NULL",
    ],
)
def test_the_proof_sees_what_does_not_fit(bank: SimBank, harm: str) -> None:
    bank.pay("k1")
    with acting(bank) as act:
        assert books.proof(act)["sound"]
        act.db.execute(harm.encode())
        assert not books.proof(act)["sound"]
