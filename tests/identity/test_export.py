"""A person's copy: whole, in three forms, sealed on disk, for that person alone, the same however often it is made."""

import csv
import io
import json
import zipfile
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from tests.identity.households import SPEAKING, house_is_known, rows_of, settle

from anhuan.identity import archive, export, journey, rules, store_consent
from anhuan.identity.tables_consent import DataRequestRow
from anhuan.kit import audit, clock, ids, jobs, wall
from anhuan.kit.actors import Actor, ActorKind
from anhuan.kit.holdings import Sheet

pytestmark = pytest.mark.scope("S1-29")


@pytest.fixture
def lin(own_database: Engine) -> Actor:
    """A person with something in every room."""
    return settle(own_database)


def asked(engine: Engine, who: Actor, lang: str = "zh") -> UUID:
    """The number of a request for a copy."""
    with Session(engine) as db, db.begin():
        entered(db, who)
        assert who.party_id is not None
        return export.ask(db, who.party_id, actor=who, now=clock.now(), lang=lang).id


def entered(db: Session, who: Actor) -> None:
    wall.enter(db, party=who.party_id, person=who.person_id)


def row(engine: Engine, who: Actor, request: UUID) -> DataRequestRow:
    with Session(engine) as db, db.begin():
        entered(db, who)
        assert who.party_id is not None
        found = store_consent.request(db, who.party_id, request)
        assert found is not None
        db.expunge(found)
        return found


def fetched(engine: Engine, who: Actor, request: UUID, party: UUID | None = None, days: int = 0) -> zipfile.ZipFile:
    with Session(engine) as db, db.begin():
        entered(db, who)
        at = clock.now() + timedelta(days=days)
        data = export.fetch(db, party or who.party_id or ids.new_id(), request, actor=who, now=at)
    return zipfile.ZipFile(io.BytesIO(data))


def made(engine: Engine, who: Actor) -> tuple[UUID, zipfile.ZipFile]:
    request = asked(engine, who)
    journey.make_export(str(who.party_id), str(request))
    return request, fetched(engine, who, request)


def table(found: zipfile.ZipFile, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(found.read(f"data/{name}.json"))
    return rows


def test_every_row_of_every_room_is_in_the_copy_in_json_and_in_csv(own_database: Engine, lin: Actor) -> None:
    assert lin.party_id is not None
    _, found = made(own_database, lin)
    there = rows_of(own_database, lin.party_id)
    assert {"cards", "bills", "statement_lines", "plan_flows", "consent_events", "sessions", "people"} <= set(there)
    for name, count in there.items():
        assert len(table(found, name)) == count, name
        lines = list(csv.reader(io.StringIO(found.read(f"data/{name}.csv").decode("utf-8-sig"))))
        assert len(lines) == count + 1, name


def test_the_copy_opens_what_is_sealed_and_leaves_out_what_lets_somebody_in(own_database: Engine, lin: Actor) -> None:
    _, found = made(own_database, lin)
    assert table(found, "people")[0]["name"] == "林一"
    assert table(found, "sessions")[0]["device"] == "a phone"
    assert "token_hash" not in table(found, "sessions")[0]
    assert "handle_hash" not in table(found, "people")[0]


def test_a_sheet_program_runs_nothing_of_it(own_database: Engine, lin: Actor) -> None:
    _, found = made(own_database, lin)
    line = next(csv.DictReader(io.StringIO(found.read("data/own_accounts.csv").decode("utf-8-sig"))))
    assert line["label"] == "'" + SPEAKING
    assert table(found, "own_accounts")[0]["label"] == SPEAKING, "programs read what was written"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+86", "+86"),  # a number, and no formula
        ("-x", "'-x"),
        ("@a", "'@a"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        (-5000, "-5000"),  # a number is no formula
        ("买菜", "买菜"),
        (None, ""),
    ],
)
def test_cells_that_begin_like_a_formula_get_a_quote(value: Any, cell: str) -> None:
    assert next(csv.reader(io.StringIO(archive.csv_of(["x"], [[value]])).readlines()[1:]), [""]) == [cell] or (
        cell.endswith("x") and "\r" in cell
    )


def test_the_page_for_people_needs_nothing_from_outside_and_runs_nothing(own_database: Engine, lin: Actor) -> None:
    _, found = made(own_database, lin)
    page = found.read("index.html").decode()
    assert "林一" in page
    assert "Everything Anhuan holds about you" in page
    assert not [one for one in ("<script", "http://", "https://", "src=", "javascript:") if one in page]


def test_words_of_people_are_text_on_the_page() -> None:
    sheet = Sheet("t", "表", "table", ("x",), [("<script>alert(1)</script>",)])
    made = archive.Archive(ids.new_id(), clock.now(), "en")
    made.add(sheet)
    page = zipfile.ZipFile(io.BytesIO(made.close())).read("index.html").decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_list_of_files_names_their_hashes(own_database: Engine, lin: Actor) -> None:
    import hashlib

    _, found = made(own_database, lin)
    listed = json.loads(found.read("manifest.json"))["sha256"]
    assert set(listed) == set(found.namelist()) - {"manifest.json"}
    for name, digest in listed.items():
        assert hashlib.sha256(found.read(name)).hexdigest() == digest


def test_nothing_readable_lies_on_the_disk(own_database: Engine, lin: Actor) -> None:
    request, _ = made(own_database, lin)
    name = row(own_database, lin, request).file_name
    assert name is not None
    sealed = (export.folder() / name).read_bytes()
    assert b"PK\x03\x04" not in sealed
    assert str(lin.party_id) not in name
    assert str(request) not in name
    assert (export.folder() / name).stat().st_mode & 0o077 == 0


def test_a_file_moved_to_another_request_does_not_open(own_database: Engine, lin: Actor) -> None:
    first, _ = made(own_database, lin)
    name = row(own_database, lin, first).file_name or ""
    second, _ = made(own_database, lin)
    other = row(own_database, lin, second).file_name or ""
    (export.folder() / other).write_bytes((export.folder() / name).read_bytes())
    with pytest.raises(Exception, match="does not open"):
        fetched(own_database, lin, second)


def test_others_cannot_fetch_it(own_database: Engine, lin: Actor) -> None:
    request, _ = made(own_database, lin)
    eve = settle(own_database, "伊芙")
    with pytest.raises(export.NoSuchRequest):
        fetched(own_database, eve, request)
    with pytest.raises(export.NoSuchRequest):
        fetched(own_database, eve, request, party=lin.party_id)
    colleague = Actor(ActorKind.PERSON, person_id=ids.new_id(), party_id=lin.party_id)
    with pytest.raises(export.NoSuchRequest):
        fetched(own_database, colleague, request)


def test_the_file_goes_when_its_time_is_over(own_database: Engine, lin: Actor) -> None:
    request, _ = made(own_database, lin)
    days = rules.house("export_keep_days", on=clock.today())
    with pytest.raises(export.NoSuchRequest):
        fetched(own_database, lin, request, days=days)
    before = row(own_database, lin, request)
    path = export.folder() / (before.file_name or "")
    with jobs.transaction() as db:
        wall.everybody(db)
        for one in store_consent.outlived(db, clock.now() + timedelta(days=days), at_most=9):
            export.forget(db, one)
    assert not path.exists()
    assert row(own_database, lin, request).state == "gone"


def test_asking_twice_is_asking_once_until_it_is_done(own_database: Engine, lin: Actor) -> None:
    first = asked(own_database, lin)
    assert asked(own_database, lin) == first
    journey.make_export(str(lin.party_id), str(first))
    assert asked(own_database, lin) != first


def test_a_job_that_ran_half_way_writes_the_same_file_again(
    own_database: Engine, lin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = asked(own_database, lin)
    seen: list[int] = []
    say = export._say

    def cut(party: UUID, number: UUID, *, percent: int, doing: str) -> None:
        say(party, number, percent=percent, doing=doing)
        seen.append(percent)
        if doing == "sealing" and seen.count(percent) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(export, "_say", cut)
    with pytest.raises(KeyboardInterrupt):
        journey.make_export(str(lin.party_id), str(request))
    half = row(own_database, lin, request)
    assert (half.state, half.percent, half.doing) == ("running", 90, "sealing")
    journey.make_export(str(lin.party_id), str(request))
    whole = row(own_database, lin, request)
    assert (whole.state, whole.percent, whole.file_name) == ("done", 100, half.file_name)
    assert seen == [*sorted(seen[: len(seen) // 2]), *sorted(seen[len(seen) // 2 :])], "progress only grows in one run"
    journey.make_export(str(lin.party_id), str(request))
    assert row(own_database, lin, request).done_at == whole.done_at, "a third run finds nothing to do"


def test_a_request_that_lost_its_job_is_promised_again(own_database: Engine, lin: Actor) -> None:
    assert lin.party_id is not None
    with Session(own_database) as db, db.begin():
        entered(db, lin)
        asked_long_ago = clock.now() - timedelta(hours=1)
        request = export.ask(db, lin.party_id, actor=lin, now=asked_long_ago, lang="zh").id
    with jobs.transaction() as db:
        before = len(jobs.waiting(db, export.EXPORT))
    journey.tidy()
    with jobs.transaction() as db:
        assert len(jobs.waiting(db, export.EXPORT)) == before + 1
    journey.make_export(str(lin.party_id), str(request))
    journey.tidy()
    with jobs.transaction() as db:
        assert len(jobs.waiting(db, export.EXPORT)) == before + 1, "what is done is not promised again"


def test_asking_making_and_taking_are_written_down(own_database: Engine, lin: Actor) -> None:
    made(own_database, lin)
    with Session(own_database) as db, db.begin():
        entered(db, lin)
        acts = [one.act for one in audit.page_of(db, actor_id=lin.person_id)]
    assert {"export.asked", "export.taken"} <= set(acts)
    house_is_known()
