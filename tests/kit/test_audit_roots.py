"""Signed roots: one for each bank day that ended, the same in table, file and sink, whatever happens in between."""

import hashlib
import json
import stat
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from anhuan.kit import audit, audit_bytes, audit_key, audit_roots, clock, ids, store_audit
from anhuan.kit import db as database
from anhuan.kit.actors import Actor, ActorKind, Strength
from anhuan.kit.clock import CHINA


def write(count: int = 1) -> None:
    """Records of one person."""
    who = ids.new_id()
    actor = Actor(ActorKind.PERSON, person_id=who, strength=Strength.PASSKEY)
    with database.transaction() as session:
        for _ in range(count):
            audit.write(session, actor, "session.signed_in", f"person:{who}", now=clock.now())


def seal(home: Path, *, now: datetime | None = None, today_too: bool = False) -> list[audit_bytes.Root]:
    """Seal now, or as if it were that moment."""
    return audit_roots.seal_due(now=now or clock.now(), home=home, today_too=today_too)


def begin_days_ago(home: Path, days: int) -> None:
    """A first root from some days ago, as an installation has it that was then sealed for the last time."""
    through = datetime.combine(clock.today() - timedelta(days=days), datetime.min.time(), CHINA)
    signer = audit_key.make(home)
    with database.sessions("work").begin() as session:
        due = store_audit.root_due(session, through)
        root = audit_roots._signed(signer, due, through, None, now=through)
        store_audit.keep_root(session, root)


def test_a_new_installation_has_no_root_until_its_first_day_has_ended(own_database: Engine, tmp_path: Path) -> None:
    assert seal(tmp_path) == []
    write()
    assert seal(tmp_path) == []
    assert not (tmp_path / "keys").exists()
    (root,) = seal(tmp_path, today_too=True)
    assert (root.number, root.place, root.links) == (1, 1, 1)
    assert seal(tmp_path, today_too=True) == []  # nothing new to say


def test_days_that_were_missed_are_caught_up_once(own_database: Engine, tmp_path: Path) -> None:
    begin_days_ago(tmp_path, 3)
    write(4)
    made = seal(tmp_path)
    days = [datetime.fromisoformat(root.through_at).astimezone(CHINA) for root in made]
    assert [day.date() for day in days] == [clock.today() - timedelta(days=back) for back in (2, 1, 0)]
    assert all(day.hour == day.minute == day.second == day.microsecond == 0 for day in days)
    assert [(root.number, root.links) for root in made] == [(2, 0), (3, 0), (4, 0)]  # the records are of today
    assert seal(tmp_path) == []
    assert [root.number for root in audit_roots.in_file(audit_roots.roots_file(tmp_path))] == [1, 2, 3, 4]


def test_a_root_of_the_day_so_far_does_not_replace_the_one_of_the_day(own_database: Engine, tmp_path: Path) -> None:
    begin_days_ago(tmp_path, 1)
    write(2)
    midday = seal(tmp_path, today_too=True)[-1]
    assert midday.links == 2
    midnight = datetime.combine(clock.today() + timedelta(days=1), datetime.min.time(), CHINA)
    assert list(audit_roots._ends_of_days(midday, None, now=midnight)) == [midnight]


def test_nothing_is_signed_for_time_that_has_not_passed(own_database: Engine, tmp_path: Path) -> None:
    begin_days_ago(tmp_path, 1)
    assert [root.number for root in seal(tmp_path, now=clock.now() + timedelta(days=30))] == [2]
    with database.sessions("work")() as session, pytest.raises(DBAPIError):
        store_audit.root_due(session, clock.now() + timedelta(days=1))


def test_each_root_names_the_one_before_and_is_signed(own_database: Engine, tmp_path: Path) -> None:
    for _ in range(3):
        write()
        seal(tmp_path, today_too=True)
    roots = audit_roots.in_file(audit_roots.roots_file(tmp_path))
    assert [root.before for root in roots] == [audit_bytes.GENESIS.hex(), roots[0].hash, roots[1].hash]
    (key,) = audit_key.known_keys(tmp_path).values()
    assert all(audit_key.holds(key, root.line, bytes.fromhex(root.signature)) for root in roots)
    assert not audit_key.holds(key, roots[0].line, bytes.fromhex(roots[1].signature))
    with database.sessions("audit")() as session:
        assert store_audit.roots(session) == roots


def test_key_and_file_are_closed_to_others(own_database: Engine, tmp_path: Path) -> None:
    write()
    seal(tmp_path, today_too=True)
    private = tmp_path / "keys" / audit_key.PRIVATE
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(audit_roots.roots_file(tmp_path).stat().st_mode) == 0o600
    private.chmod(0o644)
    write()
    with pytest.raises(audit_key.KeyOpen):
        seal(tmp_path, today_too=True)


def test_a_lost_key_is_not_silently_replaced(own_database: Engine, tmp_path: Path) -> None:
    write()
    seal(tmp_path, today_too=True)
    (tmp_path / "keys" / audit_key.PRIVATE).unlink()
    write()
    with pytest.raises(audit_key.KeyMissing):
        seal(tmp_path, today_too=True)
    audit_key.make(tmp_path)
    seal(tmp_path, today_too=True)
    roots = audit_roots.in_file(audit_roots.roots_file(tmp_path))
    assert len({root.key_id for root in roots}) == 2
    assert set(audit_key.known_keys(tmp_path)) == {root.key_id for root in roots}


def test_a_crash_between_table_and_file_is_made_good(own_database: Engine, tmp_path: Path) -> None:
    write()
    seal(tmp_path, today_too=True)
    write()
    seal(tmp_path, today_too=True)
    place = audit_roots.roots_file(tmp_path)
    whole = place.read_bytes()
    for cut in (0, 10, whole.index(b"\n") - 1, whole.index(b"\n"), whole.index(b"\n") + 1, len(whole) - 7):
        place.write_bytes(whole[:cut])
        seal(tmp_path)
        assert [root.number for root in audit_roots.in_file(place)] == [1, 2], cut


def test_a_file_that_tells_another_story_stops_the_sealing(own_database: Engine, tmp_path: Path) -> None:
    write()
    seal(tmp_path, today_too=True)
    place = audit_roots.roots_file(tmp_path)
    entry = json.loads(place.read_text())
    place.write_text(json.dumps(entry | {"signature": "00" * 64}) + "\n")
    with pytest.raises(audit_roots.RootsDisagree):
        seal(tmp_path)
    place.write_text("no root\n" + json.dumps(entry) + "\n")
    with pytest.raises(audit_roots.RootsDisagree):
        seal(tmp_path)


def test_a_root_that_only_the_database_vouches_for_is_not_published(own_database: Engine, tmp_path: Path) -> None:
    write()
    signer = audit_key.make(tmp_path / "elsewhere")
    audit_roots.link_waiting()
    now = clock.now()
    with database.sessions("work").begin() as session:
        due = store_audit.root_due(session, now)
        store_audit.keep_root(session, audit_roots._signed(signer, due, now, None, now=now))
    audit_key.make(tmp_path)
    with pytest.raises(audit_roots.RootsDisagree):
        seal(tmp_path)


def test_a_root_that_is_not_the_end_of_the_chain_is_refused_by_the_database(
    own_database: Engine, tmp_path: Path
) -> None:
    write(3)
    audit_roots.link_waiting()
    signer, now = audit_key.make(tmp_path), clock.now()
    for wrong in ({"place": 2}, {"link": b"x" * 32}, {"links": 7}, {"number": 2}):
        with database.sessions("work")() as session:
            due = store_audit.root_due(session, now)
            lie = store_audit.Due(**{"number": due.number, "place": due.place, "link": due.link, "links": due.links,
                                     **wrong})  # type: ignore[arg-type]  # fmt: skip
            with pytest.raises(DBAPIError):
                store_audit.keep_root(session, audit_roots._signed(signer, lie, now, None, now=now))


def test_the_sink_gets_every_root_once_and_again_what_it_did_not_take(
    own_database: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail, broken = tmp_path / "mail.jsonl", tmp_path / "broken"
    script = tmp_path / "sink.sh"
    script.write_text(f'#!/bin/sh\ntest ! -e "{broken}" && cat >> "{mail}"\n')
    script.chmod(0o755)
    monkeypatch.setenv("ANHUAN_AUDIT_SINK", f"{script} --to auditor")
    write()
    seal(tmp_path, today_too=True)
    seal(tmp_path)
    broken.touch()
    for _ in range(2):
        write()
        with pytest.raises(audit_roots.SinkFailed):
            seal(tmp_path, today_too=True)
    broken.unlink()
    seal(tmp_path)
    assert mail.read_text() == audit_roots.roots_file(tmp_path).read_text()
    assert len(mail.read_text().splitlines()) == 3


def test_two_sealers_at_once_make_each_root_once(own_database: Engine, tmp_path: Path) -> None:
    begin_days_ago(tmp_path, 5)
    write(50)
    with ThreadPoolExecutor(4) as sealers:
        made = [root.number for roots in sealers.map(seal, [tmp_path] * 4) for root in roots]
    assert sorted(made) == [2, 3, 4, 5, 6]
    assert [root.number for root in audit_roots.in_file(audit_roots.roots_file(tmp_path))] == [1, 2, 3, 4, 5, 6]


def append_and_sometimes_not(turn: int) -> None:
    """Twenty-five records, each in its own transaction, of which five are taken back."""
    for count in range(25):
        with database.sessions()() as session:
            audit.write(session, Actor(ActorKind.WORKER), "job.failed", f"job:{turn}", now=clock.now())
            if count % 5 != turn % 5:
                session.commit()


def test_writers_at_once_get_one_chain_without_gaps(own_database: Engine, tmp_path: Path) -> None:
    done = threading.Event()

    def link() -> None:
        while not done.is_set():
            audit_roots.link_waiting()

    with ThreadPoolExecutor(10) as crowd:
        linkers = [crowd.submit(link) for _ in range(2)]
        writers = [crowd.submit(append_and_sometimes_not, turn) for turn in range(8)]
        for one in writers:
            one.result()
        done.set()
        for one in linkers:
            one.result()
    audit_roots.link_waiting()
    with database.sessions("audit")() as session:
        assert session.scalars(text("SELECT place FROM audit_chain ORDER BY place")).all() == list(range(1, 161))
        assert session.scalar(text("SELECT count(*) FROM audit_waiting")) == 0


def test_a_transaction_that_stays_open_holds_up_no_other_writer(own_database: Engine, tmp_path: Path) -> None:
    with database.sessions()() as slow:
        audit.write(slow, Actor(ActorKind.WORKER), "job.failed", "job:1", now=clock.now())
        write()
        assert audit_roots.link_waiting() == 1
        slow.commit()
    assert audit_roots.link_waiting() == 1


@pytest.mark.parametrize("argument", ["-pubin -in {} -noout -text", "-pubin -in {} -outform DER"])
def test_openssl_reads_our_public_key(tmp_path: Path, argument: str) -> None:
    made = audit_key.make(tmp_path)
    place = tmp_path / "keys" / audit_key.PUBLIC.format(made.key_id)
    done = subprocess.run(["openssl", "pkey", *argument.format(place).split()], capture_output=True, check=True)
    if b"ED25519" not in done.stdout:
        assert hashlib.sha256(done.stdout).hexdigest().startswith(made.key_id)


def test_the_days_are_bank_days_of_china() -> None:
    last = audit_bytes.Root(1, "2026-11-20T16:00:00.000000Z", 0, 0, "", "", "", "")  # midnight of the 21st in China
    now = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)  # half past midnight of the 23rd in China
    ends = list(audit_roots._ends_of_days(last, None, now=now))
    assert [end.astimezone(CHINA).date() for end in ends] == [date(2026, 11, 22), date(2026, 11, 23)]
