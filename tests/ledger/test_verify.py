"""The check of the books: nothing to find in honest ones; every way of tampering that we could think of is found."""

import struct
from typing import Any
from uuid import UUID

import pytest
from tests.ledger.books import SUSPENSE, TRANSIT, Books, arrive, bank, take

from anhuan import ledger
from anhuan.kit import db as database
from anhuan.kit import ids, wall
from anhuan.ledger import Code, Kind, Line, store_proof, verify, verify_rows
from anhuan.ledger.verify_words import SENTENCES, Finding

LAST = "(SELECT max(batch_no) FROM ledger.seal WHERE shard = 3)"

# What the superuser does, triggers and keys put aside; and what must be found (kinds, all of them).
TAMPERING: dict[str, tuple[list[str], set[str]]] = {
    "an amount": (
        ["UPDATE ledger.posting SET amount = amount + 1 WHERE shard = 3 AND batch_no = 4 AND line = 1"],
        {"batch_changed", "running_balance", "reversal_wrong"},
    ),
    "a byte of a reference": (
        ["UPDATE ledger.posting SET ref = gen_random_uuid() WHERE shard = 3 AND batch_no = 4 AND line = 1"],
        {"batch_changed"},
    ),
    "the value date of a posting": (
        ["UPDATE ledger.posting SET event_at = now() WHERE shard = 3 AND batch_no = 4 AND line = 1"],
        {"batch_changed"},
    ),
    "the moment of a posting": (
        ["UPDATE ledger.posting SET ts = ts - interval '1 hour' WHERE shard = 3 AND batch_no = 4 AND line = 1"],
        {"batch_changed"},
    ),
    "a whole batch taken out, rows and seal": (
        [
            "DELETE FROM ledger.posting WHERE shard = 3 AND batch_no = 4",
            "DELETE FROM ledger.seal WHERE shard = 3 AND batch_no = 4",
        ],
        {"seals_missing", "entry_missing", "running_balance", "reversal_wrong"},
    ),
    "one row of a batch taken out": (
        ["DELETE FROM ledger.posting WHERE shard = 3 AND batch_no = 4 AND line = 2"],
        {"batch_rows", "batch_changed", "entry_missing", "running_balance"},
    ),
    "two batches swapped": (
        [
            "UPDATE ledger.posting SET batch_no = -batch_no WHERE shard = 3 AND batch_no IN (4, 7)",
            "UPDATE ledger.posting SET batch_no = 11 + batch_no WHERE shard = 3 AND batch_no < 0",
        ],
        {"batch_changed", "entry_missing", "running_balance"},
    ),
    "two seals swapped": (
        [
            "UPDATE ledger.seal SET batch_no = -batch_no WHERE shard = 3 AND batch_no IN (4, 7)",
            "UPDATE ledger.seal SET batch_no = 11 + batch_no WHERE shard = 3 AND batch_no < 0",
        ],
        {"batch_changed", "seal_order", "time_reversed"},
    ),
    "the hash of a seal": (
        ["UPDATE ledger.seal SET hash = sha256('x') WHERE shard = 3 AND batch_no = 4"],
        {"batch_changed", "seal_order"},
    ),
    "a hash of another length": (
        ["UPDATE ledger.seal SET hash = 'x' WHERE shard = 3 AND batch_no = 4"],
        {"batch_changed", "seal_order"},
    ),
    "the tail cut off": (
        [
            f"DELETE FROM ledger.posting WHERE shard = 3 AND batch_no = {LAST}",
            f"DELETE FROM ledger.seal WHERE shard = 3 AND batch_no = {LAST}",
        ],
        {"head_differs", "entries_differ", "balance_differs"},
    ),
    "a row slipped in beside the function": (
        [
            "INSERT INTO ledger.posting SELECT src, dst, amount, src_seq + 500, dst_seq + 500, src_bal, dst_bal,"
            " 900, ts, event_at, unit, shard, line, kind, code, gen_random_uuid_v7() FROM ledger.posting LIMIT 0",
            "INSERT INTO ledger.posting SELECT src, dst, amount, src_seq + 500, dst_seq + 500, src_bal, dst_bal, 900,"
            " ts + interval '1 second', event_at, unit, shard, line, kind, code, uuidv7(), parent_id, group_id, ref"
            " FROM ledger.posting WHERE shard = 3 AND batch_no = 4 AND line = 1",
        ],
        {"rows_unsealed"},
    ),
    "a balance": (
        ["UPDATE ledger.account SET posted = posted + 100 WHERE shard = 3 AND kind = 1 AND id = (SELECT min(id) FROM"
         " ledger.account WHERE shard = 3 AND kind = 1)"],
        {"balance_differs", "sum_not_zero"},
    ),
    "a balance with its number raised, as a direct change that slips past the trigger": (
        ["UPDATE ledger.account SET posted = posted + 100, seq = seq + 1 WHERE shard = 3 AND kind = 1"
         " AND id = (SELECT min(id) FROM ledger.account WHERE shard = 3 AND kind = 1)"],
        {"balance_differs", "entries_differ", "sum_not_zero"},
    ),
    "two balances, so that the sum stays zero": (
        ["UPDATE ledger.account SET posted = posted + CASE id WHEN (SELECT min(id) FROM ledger.account WHERE shard = 3)"
         " THEN 5 ELSE -5 END WHERE shard = 3 AND id IN (SELECT id FROM ledger.account WHERE shard = 3 ORDER BY id"
         " LIMIT 2)"],
        {"balance_differs"},
    ),
    "what is held": (
        ["UPDATE ledger.account SET held = held + 1 WHERE shard = 3 AND held > 0"],
        {"held_differs"},
    ),
    "an open hold taken out": (
        ["DELETE FROM ledger.hold WHERE id = (SELECT id FROM ledger.hold WHERE shard = 3 ORDER BY id LIMIT 1)"],
        {"hold_lost"},
    ),
    "an open hold put in": (
        ["INSERT INTO ledger.hold SELECT shard, uuidv7(), src, dst, unit, amount, expires_at FROM ledger.hold"
         " WHERE shard = 3 LIMIT 1"],
        {"hold_stray"},
    ),
    "the amount of an open hold": (
        ["UPDATE ledger.hold SET amount = amount + 1 WHERE shard = 3"],
        {"hold_stray"},
    ),
    "an account taken out": (
        ["DELETE FROM ledger.account WHERE shard = 7 AND kind = 2"],
        {"account_unknown", "sum_not_zero"},
    ),
    "a floor above what is there": (
        ["ALTER TABLE ledger.account DROP CONSTRAINT floor_holds",
         "UPDATE ledger.account SET floor = 0 WHERE shard = 3 AND kind = 1"],
        {"below_floor"},
    ),
    "the mark of being out of bounds": (
        ["UPDATE ledger.account SET over = true WHERE shard = 3 AND kind = 1"],
        {"over_unexplained"},
    ),
    "a unit of client money without a licence": (
        ["ALTER TABLE ledger.unit DROP CONSTRAINT custody_needs_a_licence",
         "INSERT INTO ledger.unit (code, book, scale) VALUES ('CNY/custody', 'custody', 2)"],
        {"unit_unlicensed"},
    ),
    "a head": (
        ["UPDATE ledger.shard_head SET batch_no = batch_no + 1 WHERE shard = 3"],
        {"head_differs"},
    ),
    "everything of a shard": (
        ["DELETE FROM ledger.posting WHERE shard = 7", "DELETE FROM ledger.seal WHERE shard = 7"],
        {"head_differs", "truncated", "balance_differs", "entries_differ", "hold_stray", "held_differs"},
    ),
}  # fmt: skip
del TAMPERING["a row slipped in beside the function"][0][0]


def test_honest_books_have_nothing_to_find(books: Books) -> None:
    report = books.verify()
    assert report.findings == []
    assert (report.postings, report.batches) == (78, 42)
    assert (report.shards, report.roots, report.open_holds, report.from_root) == (16, 1, 6, None)
    assert report.covered == 21


@pytest.mark.parametrize("size", [1, 3, 7, 40])
def test_the_size_of_a_window_does_not_matter(books: Books, size: int) -> None:
    report = books.verify(window=size)
    assert (report.findings, report.postings, report.batches) == ([], 78, 42)


def test_empty_books_have_nothing_to_find(own_books: Books) -> None:
    report = own_books.verify()
    assert (report.findings, report.postings, report.accounts) == ([], 0, 0)


@pytest.mark.parametrize("what", TAMPERING)
def test_whoever_tampers_is_found(books: Books, what: str) -> None:
    statements, expected = TAMPERING[what]
    for statement in statements:
        books.sql(statement)
    try:
        assert books.kinds() == expected
        if "swapped" in what or "taken out" in what:  # where it matters which window a row or seal falls into
            assert expected <= books.kinds(window=3)
    finally:
        put_constraints_back(books)


def put_constraints_back(books: Books) -> None:
    """What a case dropped stands again in the template's copy for the next one."""
    for table, name, check in (
        ("unit", "custody_needs_a_licence", "book <> 'custody' OR licence_id IS NOT NULL"),
        ("account", "floor_holds", "over OR floor IS NULL OR posted - held >= floor"),
    ):
        if not books.sql("SELECT 1 FROM pg_constraint WHERE conname = %s", name):
            books.sql(f"ALTER TABLE ledger.{table} ADD CONSTRAINT {name} CHECK ({check}) NOT VALID")


def forge(books: Books, shard: int, *, after: int) -> None:
    """Reckon the chain anew behind a batch, as somebody with all rights over the database and this code would."""
    row = books.sql("SELECT hash FROM ledger.seal WHERE shard = %s AND batch_no = %s", shard, after)
    link = row[0] if row else bytes(32)
    for (number,) in books.admin.execute(
        "SELECT batch_no FROM ledger.seal WHERE shard = %s AND batch_no > %s ORDER BY 1", (shard, after)
    ).fetchall():
        made = books.sql(
            f"UPDATE ledger.seal s SET prev = %s, hash = sha256(%s || (SELECT string_agg({store_proof.ROW_BYTES},"
            " ''::bytea ORDER BY line) FROM ledger.posting p WHERE p.shard = s.shard AND p.batch_no = s.batch_no)),"
            " n = (SELECT count(*) FROM ledger.posting p WHERE p.shard = s.shard AND p.batch_no = s.batch_no)"
            " WHERE shard = %s AND batch_no = %s RETURNING hash", link, link, shard, number,
        )  # fmt: skip
        link = made[0]
    books.sql("UPDATE ledger.shard_head SET hash = %s WHERE shard = %s", link, shard)


@pytest.mark.scope("S2-36")
def test_a_chain_rewritten_whole_is_found_by_the_signed_root_alone(books: Books) -> None:
    books.sql("UPDATE ledger.posting SET ref = uuidv7() WHERE shard = 3 AND batch_no = 4 AND line = 1")
    forge(books, 3, after=3)
    (finding,) = books.verify().findings
    assert (finding.kind, dict(finding.facts)) == ("rewritten", {"shard": 3, "batch": 14, "root": 1})


def test_what_is_younger_than_the_last_root_is_guarded_by_the_chain_alone(books: Books) -> None:
    """The honest limit: who rewrites batches after the last root, and chain and head with them, is not found."""
    books.sql("UPDATE ledger.posting SET ref = uuidv7() WHERE shard = 3 AND batch_no = 20 AND line = 1")
    assert books.kinds() == {"batch_changed"}
    forge(books, 3, after=19)
    assert books.kinds() == set()
    books.sign()
    assert books.kinds() == set()


def test_a_tail_cut_off_with_its_head_is_found_by_the_signed_root(books: Books) -> None:
    books.sql("DELETE FROM ledger.posting WHERE shard = 3 AND batch_no > 12")
    books.sql("DELETE FROM ledger.seal WHERE shard = 3 AND batch_no > 12")
    books.sql("UPDATE ledger.shard_head SET batch_no = 12, hash = (SELECT hash FROM ledger.seal WHERE shard = 3"
              " AND batch_no = 12) WHERE shard = 3")  # fmt: skip
    found = [one for one in books.verify().findings if one.law == "root"]
    assert [(one.kind, dict(one.facts)) for one in found] == [
        ("truncated", {"shard": 3, "expected": 14, "found": 12, "root": 1})
    ]


# Rows that `post` would never write, sealed as if it had: the chain is content, the laws are not.
UNLAWFUL: dict[str, tuple[str, str]] = {
    "a code that joins other kinds of accounts": ("code = 2", "outside_chart"),
    "a code of another book": ("code = 10", "outside_chart"),
    "a code that nobody knows": ("code = 999", "outside_chart"),
    "a kind that nobody knows": ("kind = 9", "outside_chart"),
    "another unit": ("unit = (SELECT id FROM ledger.unit WHERE code = 'quota')", "units_mixed"),
    "an amount beyond what JSON carries": ("amount = 9007199254740992", "amount_wrong"),
    "an account of another lane": (
        "src = (SELECT id FROM ledger.account WHERE shard = 7 AND kind = 1 LIMIT 1)", "units_mixed"),
    "an account that does not exist": ("dst = 999999", "account_unknown"),
    "a running balance": ("src_bal = src_bal + 1", "running_balance"),
    "a gap in the numbers": ("src_seq = src_seq + 1", "entry_missing"),
}  # fmt: skip


@pytest.mark.parametrize("what", UNLAWFUL)
def test_a_row_against_the_laws_is_found_even_in_a_chain_made_to_fit(books: Books, what: str) -> None:
    change, kind = UNLAWFUL[what]
    books.sql(f"UPDATE ledger.posting SET {change} WHERE shard = 3 AND batch_no = {LAST} AND line = 2")
    forge(books, 3, after=20)
    found = books.verify().findings
    assert kind in {one.kind for one in found}
    assert not {"batch_changed", "seal_order", "head_differs", "rewritten"} & {one.kind for one in found}


def resolution(books: Books, kind: int) -> Any:
    """Batch, line and parent of a resolution behind the root."""
    return books.sql(
        "SELECT batch_no, line, parent_id FROM ledger.posting WHERE shard = 3 AND batch_no > 20 AND kind = %s LIMIT 1",
        kind,
    )


def test_a_capture_of_more_than_was_held_is_found(books: Books) -> None:
    batch, line, _ = resolution(books, Kind.CAPTURE)
    books.sql("UPDATE ledger.posting SET amount = 5000 WHERE shard = 3 AND batch_no = %s AND line = %s", batch, line)
    forge(books, 3, after=batch - 1)
    assert "hold_other" in books.kinds()


def test_a_second_resolution_and_one_of_no_hold_are_found(books: Books) -> None:
    batch, line, _ = resolution(books, Kind.CAPTURE)
    other = resolution(books, Kind.VOID)
    at = "WHERE shard = 3 AND batch_no = %s AND line = %s"
    books.sql(f"UPDATE ledger.posting SET parent_id = %s {at}", other[2], batch, line)
    forge(books, 3, after=batch - 1)
    assert {"hold_unknown", "id_wrong", "hold_lost"} <= books.kinds()
    books.sql(f"UPDATE ledger.posting SET parent_id = uuidv7() {at}", batch, line)
    forge(books, 3, after=batch - 1)
    assert {"hold_unknown", "id_wrong"} <= books.kinds()


def test_a_reversal_that_is_no_mirror_is_found(books: Books) -> None:
    batch, line, _ = resolution(books, Kind.REVERSE)
    books.sql("UPDATE ledger.posting SET amount = 999 WHERE shard = 3 AND batch_no = %s AND line = %s", batch, line)
    forge(books, 3, after=batch - 1)
    assert "reversal_wrong" in books.kinds()


def test_a_check_may_begin_at_a_signed_root(books: Books) -> None:
    report = books.verify(from_root=verify.NEWEST)
    assert (report.findings, report.postings, report.batches, report.from_root) == ([], 39, 21, 1)
    assert books.verify(from_root=1, window=3).findings == []
    with pytest.raises(verify.NoSuchRoot):
        books.verify(from_root=2)


def test_from_a_root_on_what_came_before_is_trusted_and_what_accounts_had_is_looked_up(books: Books) -> None:
    with database.transaction() as db:  # holds older than the root are resolved behind it
        older = db.connection().exec_driver_sql("SELECT 1").scalar()
    assert older == 1
    hold = books.sql("SELECT id FROM ledger.hold WHERE shard = 3 ORDER BY id LIMIT 1")[0]
    books.post(books.people[0], Line(Kind.CAPTURE, parent=hold, amount=3))
    assert books.kinds(from_root=1) == set()
    books.sql("UPDATE ledger.posting SET ref = uuidv7() WHERE shard = 3 AND batch_no = 4 AND line = 1")
    assert books.kinds(from_root=1) == set()  # before the root: trusted
    assert books.kinds() == {"batch_changed"}
    books.sql("UPDATE ledger.account SET posted = posted + 1, seq = seq + 1 WHERE shard = 7 AND kind = 2")
    assert {"entries_differ", "sum_not_zero"} <= books.kinds(from_root=1)


def test_from_a_root_on_an_account_that_did_not_move_is_compared_with_its_last_entry(own_books: Books) -> None:
    quiet, busy = own_books.people
    own_books.live(quiet)
    own_books.sign()
    own_books.live(busy)
    assert own_books.kinds(from_root=1) == set()
    own_books.sql("UPDATE ledger.account SET posted = posted + 1 WHERE shard = 3 AND kind = 1")
    assert own_books.kinds(from_root=1) == {"balance_differs", "sum_not_zero"}
    own_books.sql("UPDATE ledger.account SET posted = posted - 1, seq = seq + 1 WHERE shard = 3 AND kind = 1")
    assert own_books.kinds(from_root=1) == {"entry_missing"}


def test_bounds_are_those_that_were_put_on_record(books: Books) -> None:
    person = books.people[0]
    with database.transaction() as db:
        wall.enter(db, party=person, person=person)
        ledger.set_bounds(db, bank(person), floor=-10, ceil=None, reason="a test", decision_id=ids.new_id(),
                          approver=ids.new_id())  # fmt: skip
    assert books.kinds() == set()  # below the floor, and marked so
    books.sql("UPDATE ledger.account SET floor = -20 WHERE floor = -10")
    assert books.kinds() == {"bounds_unexplained"}


def test_many_findings_of_one_kind_are_counted_and_not_all_told(books: Books) -> None:
    books.sql("UPDATE ledger.posting SET ref = uuidv7()")
    report = books.verify()
    assert report.counts["batch_changed"] == 42
    books.sql("UPDATE ledger.posting SET code = 999")
    report = books.verify()
    assert report.counts["outside_chart"] == 78
    assert report.untold == 28


def test_every_finding_has_its_sentence_in_both_languages() -> None:
    class Anything(dict[str, Any]):
        def __missing__(self, key: str) -> int:
            return 1

    for kind, (_, zh, en) in SENTENCES.items():
        assert zh.format_map(Anything()) != en.format_map(Anything()), kind
    finding = Finding("batch_changed", {"shard": 3, "batch": 4})
    assert finding.sentence("en") == (
        "[10] Batch 4 of shard 3 was changed: its rows no longer have the hash that was sealed."
    )


def test_the_bytes_are_the_same_in_sql_in_the_window_and_in_python(books: Books) -> None:
    """Three ways to the 156 bytes of ledger.md section 8: the database's function, verify's window, struct.pack."""
    columns = (
        "shard, batch_no, line, id, kind, code, unit, src, dst, amount, src_seq, dst_seq, src_bal, dst_bal, ts,"
        " event_at, parent_id, group_id, ref"
    )
    with database.sessions("audit").begin() as session:
        raw = store_proof.freeze(session)
        window = store_proof.window(raw, None, None)
        rows = raw.execute(f"SELECT ledger.row_bytes({columns}), {columns} FROM ledger.posting".encode()).fetchall()
    assert {bytes(row[0]) for row in rows} == {bytes(row[0]) for row in zip(*[iter(cut(window))], strict=True)}
    for row in rows:
        assert bytes(row[0]) == packed(row[1:])
    read = verify_rows.read(verify_rows.POSTING, window)
    assert sorted(read["amount"].tolist()) == sorted(row[10] for row in rows)


def cut(data: bytes) -> list[bytes]:
    """Rows of 156 bytes."""
    return [data[at : at + 156] for at in range(0, len(data), 156)]


def packed(row: tuple[Any, ...]) -> bytes:
    """The bytes as the page of the design says them."""
    *first, ts, event_at, parent, group, ref = row
    first[3] = first[3].bytes
    moments = [store_proof.micros(ts), -(2**63) if event_at is None else store_proof.micros(event_at)]
    return struct.pack(
        ">hqh16shhi7qqq16s16s16s", *first, *moments, *((one or UUID(int=0)).bytes for one in (parent, group, ref))
    )


def test_a_posting_of_any_month_and_moment_is_found_in_some_window(own_books: Books) -> None:
    """A row that claims to be older than the first seal, or endlessly young, is told as one without a seal."""
    own_books.live(own_books.people[0])
    copy = (
        "INSERT INTO ledger.posting SELECT src, dst, amount, src_seq + {n}, dst_seq + {n}, src_bal, dst_bal, 900 + {n},"
        " '{ts}'::timestamptz, event_at, unit, shard, line, kind, code, uuidv7(), parent_id, group_id, ref"
        " FROM ledger.posting WHERE batch_no = 1 AND line = 1"
    )
    for number, ts in enumerate(("-infinity", "0001-01-01", "infinity", "9999-12-31"), 100):
        own_books.sql(copy.format(n=number, ts=ts))
    told = [one.facts["batch"] for one in own_books.verify(window=2).findings if one.kind == "rows_unsealed"]
    assert sorted(told) == [1000, 1001, 1002, 1003]


def test_the_house_and_suspense_are_checked_like_everybody(own_books: Books) -> None:
    person = own_books.people[0]
    line = Line(Kind.POST, id=ids.new_id(), src=bank(person), dst=SUSPENSE, amount=5, code=Code.SUSPENSE_FROM_BANK)
    own_books.post(person, line, take(person, 7), arrive(person, 7))
    assert own_books.verify().accounts == 4
    assert own_books.kinds() == set()
    assert TRANSIT.owner is None
