"""Every way of tampering that we could think of, done as the superuser in a database of its own, and what is found."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, make_url

from anhuan.kit import audit, audit_bytes, audit_key, audit_roots, audit_verify, clock, ids, postgres
from anhuan.kit import db as database
from anhuan.kit.actors import Actor, ActorKind, Strength

RECORDS = 12


@dataclass
class Log:
    """A sealed log of twelve records under test, and the superuser who tampers with it."""

    admin: psycopg.Connection
    home: Path

    def sql(self, statement: str, *values: Any) -> None:
        """Do as the superuser."""
        self.admin.execute(statement.encode(), values)

    def findings(self, *, roots: Path | None = None, since: int = 1) -> list[tuple[str, dict[str, Any]]]:
        """What verify says, as the auditor's login."""
        with database.sessions("audit").begin() as session:
            report = audit_verify.verify(
                session,
                file_roots=audit_roots.in_file(roots or audit_roots.roots_file(self.home)),
                keys=audit_key.known_keys(self.home),
                since=since,
            )
        return [(one.kind, dict(one.facts)) for one in report.findings]


def write(count: int) -> None:
    """Records of one operator."""
    actor = Actor(ActorKind.PERSON, person_id=ids.new_id(), strength=Strength.PASSKEY, roles=frozenset({"support"}))
    with database.transaction() as session:
        for number in range(count):
            audit.write(session, actor, "person.read", f"person:{ids.new_id()}", {"fields": number}, now=clock.now())


@pytest.fixture
def log(own_database: Engine, server: postgres.Access, tmp_path: Path) -> Iterator[Log]:
    write(RECORDS)
    audit_roots.seal_due(now=clock.now(), home=tmp_path, today_too=True)
    name = own_database.url.database
    url = make_url(server.owner).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as admin:
        yield Log(admin, tmp_path)


def test_an_untouched_log_has_nothing_to_find(log: Log) -> None:
    assert log.findings() == []
    write(3)
    assert log.findings() == []
    audit_roots.link_waiting()
    assert log.findings() == []


TAMPERING: dict[str, tuple[list[str], list[tuple[str, dict[str, Any]]]]] = {
    "a word of a record": (
        ["UPDATE audit_log SET payload = replace(payload, 'person.read', 'person.frozen') WHERE number = 5"],
        [("row_changed", {"number": 5, "place": 5})],
    ),
    "the moment of a record": (
        ["UPDATE audit_log SET written_at = written_at - interval '1 microsecond' WHERE number = 5"],
        [("row_changed", {"number": 5, "place": 5})],
    ),
    "the login of a record": (
        ["UPDATE audit_log SET login = 'anhuan_desk' WHERE number = 5"],
        [("row_changed", {"number": 5, "place": 5})],
    ),
    "a record that is no JSON any more": (
        ["UPDATE audit_log SET payload = 'gone' WHERE number = 5"],
        [("row_changed", {"number": 5, "place": 5})],
    ),
    "a column by which records are found": (
        ["UPDATE audit_log SET person_id = NULL WHERE number = 5"],
        [("column_changed", {"number": 5, "place": 5})],
    ),
    "one record taken out": (
        ["DELETE FROM audit_log WHERE number = 5"],
        [("row_missing", {"number": 5, "place": 5})],
    ),
    "one record and its link taken out": (
        ["DELETE FROM audit_log WHERE number = 5", "DELETE FROM audit_chain WHERE number = 5"],
        [("links_missing", {"place": 5, "other": 5})],
    ),
    "a stretch taken out, the rest moved up": (
        [
            "DELETE FROM audit_log WHERE number BETWEEN 5 AND 6",
            "DELETE FROM audit_chain WHERE number BETWEEN 5 AND 6",
            "UPDATE audit_chain SET place = place - 2 WHERE place > 6",
            "UPDATE audit_head SET place = place - 2",
        ],
        [
            *(("link_changed", {"place": place}) for place in range(5, 11)),
            ("truncated", {"place": 10, "other": 12, "root": 1}),
        ],
    ),
    "two records swapped": (
        [
            "UPDATE audit_log a SET payload = b.payload, act = b.act, subject = b.subject, login = b.login,"
            " actor_id = b.actor_id, person_id = b.person_id, written_at = b.written_at"
            " FROM audit_log b WHERE (a.number, b.number) IN ((3, 9), (9, 3))"
        ],
        [("rows_swapped", {"number": 3, "other": 9, "place": 3})],
    ),
    "what two records say swapped, their moments kept": (
        ["UPDATE audit_log a SET payload = b.payload FROM audit_log b WHERE (a.number, b.number) IN ((3, 9), (9, 3))"],
        [("rows_swapped", {"number": 3, "other": 9, "place": 3})],
    ),
    "two links swapped": (
        [
            "UPDATE audit_chain SET place = -place WHERE place IN (3, 9)",
            "UPDATE audit_chain SET place = 12 + place WHERE place < 0",
        ],
        [("links_swapped", {"place": 3, "other": 9})],
    ),
    "two neighbouring links swapped": (
        [
            "UPDATE audit_chain SET place = -place WHERE place IN (6, 7)",
            "UPDATE audit_chain SET place = 13 + place WHERE place < 0",
        ],
        [("links_swapped", {"place": 6, "other": 7})],
    ),
    "the hash of a record, in the chain alone": (
        ["UPDATE audit_chain SET row_hash = sha256('x') WHERE place = 5"],
        [("link_changed", {"place": 5}), ("row_changed", {"number": 5, "place": 5})],
    ),
    "the time of a link": (
        ["UPDATE audit_chain SET linked_at = linked_at - interval '1 day' WHERE place = 5"],
        [("link_changed", {"place": 5}), ("time_reversed", {"place": 5})],
    ),
    "the last link itself": (
        ["UPDATE audit_chain SET link = sha256('x') WHERE place = 12"],
        [
            ("link_changed", {"place": 12}),
            ("head_differs", {"place": 12, "other": 12}),
            ("rewritten", {"place": 1, "other": 12, "root": 1}),
        ],
    ),
    "the end of the log cut off": (
        ["DELETE FROM audit_log WHERE number > 9", "DELETE FROM audit_chain WHERE place > 9"],
        [("head_differs", {"place": 9, "other": 12}), ("truncated", {"place": 9, "other": 12, "root": 1})],
    ),
    "the end cut off, and the head made to fit": (
        [
            "DELETE FROM audit_log WHERE number > 9",
            "DELETE FROM audit_chain WHERE place > 9",
            "UPDATE audit_head SET place = 9, link = (SELECT link FROM audit_chain WHERE place = 9)",
        ],
        [("truncated", {"place": 9, "other": 12, "root": 1})],
    ),
    "a record slipped in beside the function": (
        [
            "INSERT INTO audit_log SELECT 500, written_at, login, payload, act, subject, actor_id, person_id"
            " FROM audit_log WHERE number = 5"
        ],
        [("row_inserted", {"number": 500})],
    ),
    "everything emptied": (
        ["TRUNCATE audit_log, audit_chain, audit_waiting"],
        [("head_differs", {"place": 0, "other": 12}), ("truncated", {"place": 0, "other": 12, "root": 1})],
    ),
    "a root in the table": (
        ["UPDATE audit_roots SET links = links + 1"],
        [("root_differs", {"root": 1}), ("root_forged", {"root": 1, "where": "audit_roots"})],
    ),
    "the roots of the table gone": (
        ["DELETE FROM audit_roots"],
        [("root_gone", {"root": 1})],
    ),
}


@pytest.mark.scope("S1-32", "S2-13")
@pytest.mark.parametrize("what", TAMPERING)
def test_whoever_tampers_is_found_and_the_place_is_named(log: Log, what: str) -> None:
    statements, expected = TAMPERING[what]
    for statement in statements:
        log.sql(statement)
    key = lambda one: (one[0], sorted(one[1].items()))  # noqa: E731 - order does not matter here
    assert sorted(log.findings(), key=key) == sorted(expected, key=key)


def test_every_finding_has_its_sentence_in_both_languages() -> None:
    told = {kind: facts for _, findings in TAMPERING.values() for kind, facts in findings}
    for kind, facts in told.items():
        finding = audit_verify.Finding(kind, facts)
        assert finding.sentence("zh") != finding.sentence("en")
        assert "{" not in finding.sentence("zh") + finding.sentence("en")


def forge(log: Log, *, after: int, upto: int | None = None) -> None:
    """Reckon the chain anew behind a place, as somebody with all rights over the database and this code would."""
    log.sql("DELETE FROM audit_chain WHERE place > %s AND number NOT IN (SELECT number FROM audit_log)", after)
    rows = log.admin.execute(
        "SELECT c.number, c.linked_at, l.written_at, l.login, l.payload FROM audit_chain c JOIN audit_log l"
        " USING (number) WHERE place > %s ORDER BY place", (after,)
    ).fetchall()  # fmt: skip
    log.sql("DELETE FROM audit_chain WHERE place > %s", after)
    found = log.admin.execute("SELECT link FROM audit_chain WHERE place = %s", (after,)).fetchone()
    link = found[0] if found else audit_bytes.GENESIS
    place = after
    for number, linked_at, written_at, login, payload in rows:
        place += 1
        row = audit_bytes.digest(audit_bytes.row_line(number, audit_bytes.moment(written_at), login, payload))
        moment = audit_bytes.moment(linked_at)
        link = audit_bytes.digest(audit_bytes.link_line(place, moment, number, row.hex(), link.hex()))
        log.sql("INSERT INTO audit_chain VALUES (%s, %s, %s, %s, %s)", place, number, linked_at, row, link)
    log.sql("UPDATE audit_head SET place = %s, link = %s", place, link)


def test_a_chain_rewritten_whole_is_found_by_the_signed_root(log: Log) -> None:
    write(6)
    audit_roots.seal_due(now=clock.now(), home=log.home, today_too=True)
    log.sql("UPDATE audit_log SET payload = replace(payload, 'person.read', 'person.frozen'), act = 'person.frozen'"
            " WHERE number = 14")  # fmt: skip
    forge(log, after=13)
    assert log.findings() == [("rewritten", {"place": 13, "other": 18, "root": 2})]


def test_a_record_inserted_into_a_rewritten_chain_is_found_by_the_signed_root(log: Log) -> None:
    log.sql("UPDATE audit_log SET number = number + 1000 WHERE number > 6")
    log.sql("UPDATE audit_chain SET number = number + 1000 WHERE number > 6")
    log.sql("INSERT INTO audit_log SELECT 7, written_at, login, payload, act, subject, actor_id, person_id"
            " FROM audit_log WHERE number = 5")  # fmt: skip
    log.sql("UPDATE audit_chain SET place = -place WHERE place > 6")
    log.sql("UPDATE audit_chain SET place = 1 - place WHERE place < 0")
    log.sql("INSERT INTO audit_chain SELECT 7, 7, linked_at, row_hash, link FROM audit_chain WHERE place = 6")
    forge(log, after=6)
    assert log.findings() == [("rewritten", {"place": 1, "other": 12, "root": 1})]


def test_a_tail_cut_off_and_replaced_by_new_records_is_found_by_the_signed_root(log: Log) -> None:
    log.sql("DELETE FROM audit_log WHERE number > 9")
    forge(log, after=9)
    write(9)
    audit_roots.link_waiting()
    assert log.findings() == [("rewritten", {"place": 1, "other": 12, "root": 1})]


def test_what_is_younger_than_the_last_root_is_guarded_by_chain_and_head_alone(log: Log) -> None:
    """The honest limit: who rewrites records after the last root, and chain and head with them, is not found."""
    write(3)
    audit_roots.link_waiting()
    log.sql("DELETE FROM audit_log WHERE number = 15")
    assert [kind for kind, _ in log.findings()] == ["row_missing"]
    forge(log, after=14)
    assert log.findings() == []


def test_a_record_altered_before_it_was_linked_is_found(log: Log) -> None:
    write(2)
    log.sql("UPDATE audit_log SET payload = replace(payload, 'person.read', 'person.frozen') WHERE number = 13")
    log.sql("DELETE FROM audit_log WHERE number = 14")
    assert log.findings() == [("waiting_changed", {"number": 13}), ("waiting_missing", {"number": 14})]
    audit_roots.link_waiting()
    assert log.findings() == [
        ("row_changed", {"number": 13, "place": 13}),
        ("row_missing", {"number": 14, "place": 14}),
    ]


def test_a_root_that_others_signed_is_found(log: Log, tmp_path: Path) -> None:
    forger = audit_key.make(tmp_path / "elsewhere")
    (root,) = audit_roots.in_file(audit_roots.roots_file(log.home))
    signature = forger.sign(root.line)
    log.sql("UPDATE audit_roots SET signature = %s", signature)
    assert log.findings() == [
        ("root_differs", {"root": 1}),
        ("root_forged", {"root": 1, "where": "audit_roots"}),
    ]


def test_a_root_kept_elsewhere_finds_what_file_and_table_together_hide(log: Log, tmp_path: Path) -> None:
    kept = tmp_path / "from-the-auditors-mail.jsonl"
    kept.write_bytes(audit_roots.roots_file(log.home).read_bytes())
    log.sql("DELETE FROM audit_roots")
    audit_roots.roots_file(log.home).unlink()
    log.sql("DELETE FROM audit_log WHERE number = 5")
    log.sql("DELETE FROM audit_chain WHERE number = 5")
    log.sql("UPDATE audit_chain SET place = place - 1 WHERE place > 5")
    forge(log, after=4)
    assert log.findings() == []
    assert log.findings(roots=kept) == [
        ("root_gone", {"root": 1}),
        ("truncated", {"place": 11, "other": 12, "root": 1}),
    ]


def test_roots_that_somebody_kept_for_a_while_are_enough(log: Log, tmp_path: Path) -> None:
    for _ in range(3):
        write(1)
        audit_roots.seal_due(now=clock.now(), home=log.home, today_too=True)
    whole = audit_roots.roots_file(log.home).read_text().splitlines(keepends=True)
    kept = tmp_path / "kept.jsonl"
    kept.write_text("".join(whole[1:3]))  # neither the first nor the last
    assert log.findings(roots=kept) == []
    kept.write_text(whole[0] + whole[3])  # but not with a hole
    assert [kind for kind, _ in log.findings(roots=kept)] == ["root_unpublished", "root_unpublished", "root_order"]


def test_a_check_may_begin_at_a_signed_root(log: Log) -> None:
    write(6)
    audit_roots.seal_due(now=clock.now(), home=log.home, today_too=True)
    log.sql("UPDATE audit_log SET login = 'x' WHERE number IN (5, 15)")
    assert log.findings(since=13) == [("row_changed", {"number": 15, "place": 15})]
    assert len(log.findings(since=12)) == 2
