"""Attacks on the books: what a login that fell into other hands could make the database's own functions do."""

from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from tests.people import as_party

from anhuan import ledger
from anhuan.kit import db as database
from anhuan.kit import ids
from anhuan.ledger import AccountKind, AccountName, Code

TRACKED: Final = "CNY/tracked"
TRANSIT: Final = AccountName(TRACKED, AccountKind.TRANSIT, None, "simbank")
FIELDS: Final = {
    "ids": "uuid[]", "kinds": "smallint[]", "srcs": "bigint[]", "dsts": "bigint[]", "amounts": "bigint[]",
    "codes": "smallint[]", "parents": "uuid[]", "groups": "uuid[]", "refs": "uuid[]", "events": "timestamptz[]",
    "expires": "timestamptz[]",
}  # fmt: skip
POST: Final = (
    f"SELECT ledger.post(CAST(:lane AS smallint), {', '.join(f'CAST(:{n} AS {t})' for n, t in FIELDS.items())})"
)
ACCOUNTS: Final = (
    "SELECT ledger.accounts(CAST(:lane AS smallint), CAST(:units AS text[]), CAST(:kinds AS smallint[]),"
    " CAST(:owners AS uuid[]), CAST(:subs AS text[]))"
)
BOUNDS: Final = (
    "SELECT ledger.set_bounds(CAST(:lane AS smallint), :number, CAST(:floor AS bigint), CAST(:ceil AS bigint),"
    " :out, false, 'why', :by, :by)"
)


def bank(owner: UUID) -> AccountName:
    """The bank account of a person."""
    return AccountName(TRACKED, AccountKind.BANK, owner, "debit")


def told(db: Session, asked: str, **facts: Any) -> Any:
    """What a function answers, in a savepoint of its own."""
    with db.begin_nested():
        return db.scalar(text(asked), facts)


def lines(**written: str) -> dict[str, str]:
    """Two honest lines as the text of arrays, with what an attacker wrote instead."""
    honest = {name: "{NULL,NULL}" for name in FIELDS}
    return honest | {"ids": f"{{{ids.new_id()},{ids.new_id()}}}", "kinds": "{1,1}", "codes": "{1,1}"} | written


def paid(db: Session, owner: UUID, amount: int = 100) -> tuple[int, int, int]:
    """A repayment taken from this person; lane, number of the bank account, number of the house's account."""
    as_party(db, owner)
    db.info.clear()
    made = ids.new_id()
    ledger.transfer(db, id=made, src=bank(owner), dst=TRANSIT, amount=amount, code=Code.REPAY_TAKEN)
    row = db.execute(text("SELECT shard, src, dst FROM ledger.posting WHERE id = :id"), {"id": made}).one()
    return row.shard, row.src, row.dst


def neighbour(owner: UUID) -> UUID:
    """Somebody else in the same lane."""
    return UUID(int=ids.new_id().int & ~0xFF | owner.int & 0xFF)


@pytest.mark.parametrize("written", [
    {"srcs": "[2:3]={%(theirs)s,%(mine)s}"}, {"srcs": "[0:1]={%(mine)s,%(theirs)s}"},
    {"srcs": "{{%(mine)s,%(mine)s}}"}, {"dsts": "[2:3]={%(house)s,%(house)s}"}, {"amounts": "[0:1]={55,0}"},
    {"kinds": "[0:1]={1,1}"}, {"ids": "[2:3]={%(fresh)s,%(other)s}"}, {"events": "{NULL}"}, {"refs": "{}"},
])  # fmt: skip
def test_arrays_that_begin_elsewhere(db: Session, user_id: UUID, written: dict[str, str]) -> None:
    """Tried: arrays whose first subscript is not 1, so that an entry names another's account and moves one's own.
    Must: refused as a whole; the other's account and entries stay as they were.
    Control: the same lines in plain arrays are judged one by one, the first refused for its amount, the second taken.
    """
    other = neighbour(user_id)
    _, theirs, _ = paid(db, other)
    lane, mine, house = paid(db, user_id)
    facts = {"theirs": theirs, "mine": mine, "house": house, "fresh": ids.new_id(), "other": ids.new_id()}
    plain = {"srcs": f"{{{mine},{mine}}}", "dsts": f"{{{house},{house}}}", "amounts": "{0,55}"}
    said = lines(**plain | {name: text % facts for name, text in written.items()})
    with pytest.raises(DBAPIError, match="arrays of one length"):
        told(db, POST, lane=lane, **said)
    assert told(db, POST, lane=lane, **lines(**plain)) == [23, 0]
    as_party(db, other)
    db.info.clear()
    assert [one.balance for one in ledger.entries(db, bank(other), at_most=9)] == [-100]


@pytest.mark.parametrize("field", ["events", "expires"])
@pytest.mark.parametrize("moment", ["infinity", "-infinity", "20000-01-01", "0044-03-15 BC"])
def test_moments_that_no_reader_can_hold(db: Session, user_id: UUID, field: str, moment: str) -> None:
    """Tried: an entry or hold at a moment beyond every calendar, over which each reader of the books would fall.
    Must: refused before anything is written.
    Control: the same lines at a moment of this year are taken.
    """
    lane, mine, house = paid(db, user_id)
    plain = {"srcs": f"{{{mine},{mine}}}", "dsts": f"{{{house},{house}}}", "amounts": "{5,5}", "kinds": "{2,2}"}
    with pytest.raises(DBAPIError, match="no calendar"):
        told(db, POST, lane=lane, **lines(**plain, **{field: f'{{NULL,"{moment}"}}'}))
    assert told(db, POST, lane=lane, **lines(**plain, **{field: '{NULL,"2026-12-01"}'})) == [0, 0]


def test_lifting_the_own_bounds(db: Session, user_id: UUID) -> None:
    """Tried: by the web's login, lifting a freeze, lowering the own floor, raising the own ceiling, freeing the house.
    Must: refused, whoever is named as approver; nobody approves the bounds of the own account even to tighten them.
    Control: tightening by somebody else's word is taken, and the worker's login may lift what the web's may not.
    """
    lane, mine, house = paid(db, user_id)
    boss = ids.new_id()

    def bound(number: int, floor: int | None, ceil: int | None, *, out: bool, by: UUID = boss) -> None:
        told(db, BOUNDS, lane=lane, number=number, floor=floor, ceil=ceil, out=out, by=by)

    with pytest.raises(DBAPIError, match="the own account"):
        bound(mine, -500, 500, out=True, by=user_id)
    bound(mine, -500, 500, out=True)
    for floor, ceil, out in ((-500, 500, False), (-501, 500, True), (None, 500, True), (-500, 501, True),
                             (-500, None, True)):  # fmt: skip
        with pytest.raises(DBAPIError, match="only tightens"):
            bound(mine, floor, ceil, out=out)
    with pytest.raises(DBAPIError, match="only tightens"):
        bound(house, None, None, out=True)
    bound(mine, -400, 400, out=True)
    state = ledger.balance(db, bank(user_id))
    assert state is not None
    assert (state.floor, state.ceil, state.frozen_out) == (-400, 400, True)


def test_lifting_bounds_is_the_workers(own_database: Engine) -> None:
    """Tried: lifting a freeze by the worker's login, for one party that it has opened.
    Must: done, and written down with the login that did it.
    Control: test_lifting_the_own_bounds refuses the web's login the same act.
    """
    person, boss = ids.new_id(), ids.new_id()
    with Session(own_database) as db, db.begin():
        lane, mine, _ = paid(db, person)
        told(db, BOUNDS, lane=lane, number=mine, floor=None, ceil=None, out=True, by=boss)
    with database.sessions("work").begin() as db:
        as_party(db, person)
        told(db, BOUNDS, lane=lane, number=mine, floor=None, ceil=None, out=False, by=boss)
        logins = db.scalars(text("SELECT login FROM ledger.account_change ORDER BY no")).all()
    assert logins == ["anhuan_app", "anhuan_work"]


def test_rows_for_strangers(db: Session, user_id: UUID) -> None:
    """Tried: asking for the lane and the accounts of people who do not exist, so that rows are made for each.
    Must: an answer without a row; no account for a stranger, none in a lane that is not there, none with a long name.
    Control: the same for the own party makes the row and the account.
    """
    strangers = [ids.new_id() for _ in range(20)]
    for one in strangers:
        assert 0 <= told(db, "SELECT ledger.shard_of(:who)", who=one) < 16
        as_party(db, one)
        assert db.scalar(text("SELECT count(*) FROM ledger.owner")) == 0
        as_party(db, user_id)
    lane = told(db, "SELECT ledger.shard_of(:who)", who=user_id)
    assert db.scalar(text("SELECT count(*) FROM ledger.owner")) == 1

    def opened(at: int, owner: UUID | None, sub: str) -> Any:
        owners = "{NULL}" if owner is None else f"{{{owner}}}"
        return told(db, ACCOUNTS, lane=at, units=f"{{{TRACKED}}}", kinds="{1}", owners=owners, subs=f"{{{sub}}}")

    assert opened(lane, strangers[0], "x") == [None]
    with pytest.raises(DBAPIError, match="no lane"):
        opened(99, None, "x")
    with pytest.raises(DBAPIError, match="sub_short"):
        opened(lane, user_id, "x" * 201)
    with pytest.raises(DBAPIError, match="2,000 accounts"):
        told(db, ACCOUNTS, lane=lane, units=f"{{{','.join([TRACKED] * 2001)}}}", kinds="{}", owners="{}", subs="{}")
    assert opened(lane, user_id, "x") != [None]


def test_functions_of_the_owner_and_names_of_others(own_database: Engine) -> None:
    """Tried: a table, function or operator of the caller's own in front of what the owner's functions use.
    Must: every function with the owner's rights names its search path, the temporary schema last, and nobody but the
    owner may make anything where it looks.
    Control: there are such functions, in the books and in public.
    """
    with Session(own_database) as db:
        held = db.execute(text(
            "SELECT p.oid::regprocedure::text, p.proconfig FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
            " WHERE p.prosecdef AND n.nspname IN ('ledger', 'public')"
        )).all()  # fmt: skip
        makers = db.execute(text(
            "SELECT r.rolname, n.nspname FROM pg_roles r CROSS JOIN pg_namespace n"
            " WHERE n.nspname IN ('ledger', 'public')"
            " AND r.rolname IN ('anhuan_app', 'anhuan_work', 'anhuan_desk', 'anhuan_audit')"
            " AND has_schema_privilege(r.oid, n.oid, 'CREATE')"
        )).all()  # fmt: skip
    names = {name.split("(")[0] for name, _ in held}
    assert {"ledger.post", "ledger.accounts", "ledger.set_bounds", "ledger.root_keep", "anhuan_heard"} <= names
    for name, settings in held:
        path = [one for one in settings or () if one.startswith("search_path=")]
        assert path, name
        assert path[0].endswith("pg_temp"), name
    assert makers == []


@pytest.mark.parametrize("login", ["app", "work", "desk", "audit"])
def test_writing_the_books_by_hand(own_database: Engine, login: str) -> None:
    """Tried: by each login, writing or emptying tables of the books and reading a month's rows beside the wall.
    Must: no right to any of it.
    Control: each login may read the table of all postings, through its wall.
    """
    rights = text(
        "SELECT c.relname, has_table_privilege(c.oid, 'SELECT') FROM pg_class c"
        " WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind IN ('r', 'p', 'v')"
        " AND (has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES')"
        " OR has_any_column_privilege(c.oid, 'INSERT, UPDATE')"
        " OR c.relname LIKE 'posting\\_%' AND has_table_privilege(c.oid, 'SELECT'))"
    )
    with database.sessions(login).begin() as db:
        assert db.execute(rights).all() == []
        assert db.scalar(text("SELECT has_table_privilege('ledger.posting', 'SELECT')"))
