"""Parser health: what was met, how often, and when a bank's layout stopped matching."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session
from tests.statements.world import NOW, bill, line, read

from anhuan.statements import health, service
from anhuan.statements.model import FileKind, Problem, Reading

CHANGED = Reading(FileKind.UNKNOWN, "cmb", problems=(Problem("bill.template_unknown", "版式变了"),), reader="cmb")


@pytest.mark.scope("S0-10")
def test_a_layout_that_stops_matching_is_named_with_its_day(db: Session, user_id: UUID) -> None:
    later, latest = NOW + timedelta(days=30), NOW + timedelta(days=60)
    service.preview_of(db, user_id, [read(bill(200, line(1)), "october")], now=NOW)
    service.preview_of(db, user_id, [read(CHANGED, "november")], now=later)
    service.preview_of(db, user_id, [read(CHANGED, "december")], now=latest)
    [found] = health.report(db, user_id)
    assert (found.reader, found.changed_since) == ("cmb", later)
    assert [(each.template, each.met, each.last_met_at) for each in found.layouts] == [("2026", 1, NOW)]
    assert found.failures == (("bill.template_unknown", 2, latest),)


def test_a_layout_that_is_read_again_is_well_again(db: Session, user_id: UUID) -> None:
    service.preview_of(db, user_id, [read(CHANGED)], now=NOW)
    service.preview_of(db, user_id, [read(bill(200, line(1)))], now=NOW + timedelta(days=1))
    [found] = health.report(db, user_id)
    assert found.changed_since is None


def test_a_file_that_no_reader_knows_is_a_failure_without_a_reader(db: Session, user_id: UUID) -> None:
    unknown = Reading(FileKind.UNKNOWN, problems=(Problem("bill.template_unknown", "不是账单"),))
    service.preview_of(db, user_id, [read(unknown)], now=NOW)
    [found] = health.report(db, user_id)
    assert (found.reader, found.layouts, found.changed_since) == ("", (), None)
