"""What is promised about instructions: a question for next week keeps nobody waiting, a look promises one look."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from anhuan.channels import journey
from anhuan.kit import ids, jobs

PARTY, KEY = ids.new_id(), UUID(int=4)
OTHER = UUID(int=8)  # of the same share of the channel
NOW = datetime.now(UTC)


def taken() -> dict[str, Any] | None:
    """The job that a worker would take up at this moment."""
    with jobs.transaction() as db:
        worker = db.scalars(text("SELECT procrastinate_register_worker_v1()")).one()
        row = db.execute(
            text("SELECT args FROM procrastinate_fetch_job_v2(ARRAY['anhuan'], :worker)"), {"worker": worker}
        ).one()
        return None if row.args is None else dict(row.args)


def test_a_question_for_next_week_holds_back_no_question_for_now(own_database: Engine) -> None:
    with jobs.transaction() as db:
        journey._promise(db, PARTY, KEY, "simbank", at=NOW + timedelta(days=7))
        journey._promise(db, PARTY, OTHER, "simbank", at=NOW - timedelta(seconds=5))
    found = taken()
    assert found is not None
    assert found["key"] == str(OTHER)


def test_what_is_to_be_sent_goes_before_every_question(own_database: Engine) -> None:
    with jobs.transaction() as db:
        journey._promise(db, PARTY, KEY, "simbank", at=NOW - timedelta(hours=1))
        journey._promise(db, PARTY, OTHER, "simbank", at=None)
    found = taken()
    assert found is not None
    assert found["key"] == str(OTHER)


@pytest.mark.parametrize("work", [journey.follow, journey.prove])
def test_a_job_whose_work_somebody_has_done_promises_nothing(own_database: Engine, work: Any) -> None:
    """There is no such instruction any more, so nothing is asked, and no chain of looks grows."""
    work(party=str(PARTY), key=str(KEY), promised=str(int(NOW.timestamp())))
    with jobs.transaction() as db:
        assert jobs.waiting(db, journey.FOLLOW) == []
        assert jobs.waiting(db, journey.PROVE) == []
