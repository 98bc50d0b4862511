"""The bulk writes: every value comes back as it went in."""

from uuid import UUID

from sqlalchemy.orm import Session
from tests.statements.world import export, line, take

from anhuan.statements import service, store, store_bulk


def test_words_with_tabs_breaks_and_backslashes_come_back_as_they_were(db: Session, user_id: UUID) -> None:
    odd = 'a\tb\\N c\\ \r\n{"d",e}\''
    take(db, user_id, export(line(1, words=odd, counterparty="\\.", paid_with=None, reference="x\\y")))
    [kept] = service.lines(db, user_id).lines
    assert kept.description == odd


def test_a_zero_byte_that_no_text_column_takes_is_left_out(db: Session, user_id: UUID) -> None:
    take(db, user_id, export(line(1, words="a\0b")))
    assert [each.description for each in service.lines(db, user_id).lines] == ["ab"]


def test_ids_made_in_bulk_are_version_7_and_all_different() -> None:
    made = store_bulk.new_ids(5000)
    assert len(set(made)) == 5000
    assert {(each.version, each.variant) for each in made} == {(7, "specified in RFC 4122")}


def test_the_book_counts_every_change_of_one_user_alone(db: Session, user_id: UUID) -> None:
    assert store.book_of(db, user_id) == 0
    take(db, user_id, export(line(1)))
    assert store.book_of(db, user_id) == 1
