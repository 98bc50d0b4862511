"""A batch from the instruction to the bank's answer: each payment in one file, each word counted once (scenario 30)."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine
from tests.channels import file_bills as bills
from tests.channels.file_bills import DAY, Paid, some

from anhuan import channels
from anhuan.channels import answers_acts, delivery, file_doors, file_xml, instructions, registry
from anhuan.channels.answers_model import REJECTED
from anhuan.channels.export_words import Exported, NotExportable
from anhuan.channels.file_export import NAME, FileExport
from anhuan.channels.file_model import reference_of
from anhuan.channels.file_xml import text
from anhuan.channels.model import (
    Answer,
    Ask,
    EventKind,
    FileDamaged,
    FileNotReady,
    Forged,
    HealthState,
    Instruction,
    Rejected,
    Settled,
    State,
    Unknown,
    Why,
)
from anhuan.kit import db as database
from anhuan.kit import ids, wall

pytestmark = pytest.mark.scope("S2-04")
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)


class Person:
    """Somebody who carries files to the own bank."""

    def __init__(self) -> None:
        self.party = ids.new_id()

    def prepare(self, fen: int, *, part: int = 1, funding: str = "6222020200001234567", **more: Any) -> Instruction:
        ask = Ask(ids.new_id(), part, 1, NAME, "cmb", funding, "6225880000011111", fen, name="林一", **more)
        with database.transaction() as db:
            wall.enter(db, party=self.party, person=self.party)
            return channels.prepare(db, self.party, ask, now=NOW)

    def export(self, now: datetime = NOW, **more: Any) -> tuple[Exported, ...]:
        return file_doors.export_batch(self.party, now=now, initiator="安还", **more)

    def answers(self, content: bytes, now: datetime = LATER) -> answers_acts.Taken:
        return file_doors.take_answers(self.party, content, now=now)

    def state(self, made: Instruction) -> State:
        with database.transaction() as db:
            wall.enter(db, party=self.party, person=self.party)
            return instructions.state_of(db, self.party, made.key)

    def known(self, made: Instruction) -> Answer:
        with database.transaction() as db:
            wall.enter(db, party=self.party, person=self.party)
            return channels.known(db, self.party, made.key)


@pytest.fixture
def person(clean: Engine) -> Iterator[Person]:
    with registry.only(**{NAME: FileExport()}):
        yield Person()


def _references(made: Exported) -> list[str]:
    return [text(one, "PmtId/EndToEndId") for one in file_xml.read(made.content).iter("CdtTrfTxInf")]


def _pain002(message_id: str, said: dict[UUID, str]) -> bytes:
    tx = "".join(
        f"<TxInfAndSts><OrgnlEndToEndId>{key.hex}</OrgnlEndToEndId><TxSts>{status.split()[0]}</TxSts>"
        + (f"<StsRsnInf><Rsn><Cd>{status.split()[1]}</Cd></Rsn></StsRsnInf>" if " " in status else "")
        + "</TxInfAndSts>"
        for key, status in said.items()
    )
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><GrpHdr><MsgId>R</MsgId>'
        f"<CreDtTm>2026-11-20T11:00:00</CreDtTm></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>{message_id}</OrgnlMsgId>"
        f"<GrpSts>PART</GrpSts></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts>{tx}</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
    ).encode()


def test_what_waits_leaves_once_and_is_on_its_way(person: Person) -> None:
    made = [person.prepare(fen) for fen in (10_000, 20_001)]
    (file,) = person.export()
    assert sorted(_references(file)) == sorted(reference_of(one.key) for one in made)
    assert (file.count, file.control_sum) == (2, 30_001)
    assert {person.state(one) for one in made} == {State.PROCESSING}
    assert person.export() == ()
    later = person.prepare(5)
    (second,) = person.export(LATER)
    assert _references(second) == [reference_of(later.key)]


def test_handed_over_first_it_waits_and_leaves_with_the_next_file(person: Person) -> None:
    made = person.prepare(10_000)
    with registry.only(**{NAME: FileExport()}):
        assert delivery.deliver(person.party, made.key, now=lambda: NOW) == Unknown(Why.ACCEPTED)
        assert delivery.deliver(person.party, made.key, now=lambda: NOW) == Unknown(Why.ACCEPTED)
    (file,) = person.export()
    assert _references(file) == [reference_of(made.key)]
    assert delivery.deliver(person.party, made.key, now=lambda: LATER) == Unknown(Why.PROCESSING)


def test_the_same_batch_exported_again_is_the_same_file_even_after_answers(person: Person) -> None:
    made = [person.prepare(fen) for fen in (1, 22, 333)]
    (file,) = person.export(form="generic", own_bank="icbc")
    person.answers(bills.camt([Paid(made[0].key, 1)]))
    person.prepare(9)
    again = file_doors.export_again(person.party, file.message_id, now=LATER + timedelta(days=40))
    assert (again.content, again.name, again.keys) == (file.content, file.name, file.keys)
    (left,) = file_doors.exports(person.party, now=LATER)
    assert (left.message_id, left.amount, left.form, set(left.keys)) == (
        file.message_id, 356, "generic", {one.key for one in made},
    )  # fmt: skip
    with pytest.raises(NotExportable):
        file_doors.export_again(person.party, "AHnobody", now=LATER)


def test_30_of_a_partial_batch_each_payment_has_its_own_end_and_none_goes_out_again(person: Person) -> None:
    paid, refused, waiting, silent = (person.prepare(1_000 + n) for n in range(4))
    (file,) = person.export()
    answer = _pain002(file.message_id, {paid.key: "ACSC", refused.key: "RJCT AC04", waiting.key: "PDNG"})
    taken = person.answers(answer)
    assert (taken.new, taken.unmatched) == (3, ())
    assert isinstance(person.known(paid), Settled)
    assert person.known(refused) == Rejected(REJECTED, "RJCT AC04")
    assert [person.state(one) for one in (paid, refused, waiting, silent)] == [
        State.SUCCESS, State.FAILED, State.PROCESSING, State.PROCESSING,
    ]  # fmt: skip
    assert person.export(LATER) == ()
    assert delivery.deliver(person.party, waiting.key, now=lambda: LATER) == Unknown(Why.PROCESSING)
    assert person.export(LATER) == ()


def test_the_same_answers_twice_change_nothing_the_second_time(person: Person) -> None:
    made = person.prepare(1_000)
    (file,) = person.export()
    answer = _pain002(file.message_id, {made.key: "ACSC"})
    assert person.answers(answer).new == 1
    before = person.known(made)
    again = person.answers(answer, LATER + timedelta(hours=1))
    assert (again.new, person.known(made)) == (0, before)
    assert again.known[made.key] == before


def test_money_that_comes_back_is_an_event_of_its_own_and_frees_the_payment(person: Person) -> None:
    made = person.prepare(1_000)
    person.export()
    person.answers(bills.camt([Paid(made.key, 1_000)]))
    person.answers(bills.camt([Paid(made.key, 1_000, back=True)], version="054.001.08"))
    known = person.known(made)
    assert isinstance(known, Settled)
    assert known.event is not None
    assert (known.event.kind, known.event.amount, known.event.reason) == (EventKind.RETURNED, 1_000, "AC04")
    assert person.state(made) is State.SUCCESS


def test_a_return_heard_of_before_the_payment_says_both(person: Person) -> None:
    made = person.prepare(1_000)
    person.export()
    person.answers(bills.camt([Paid(made.key, 1_000, back=True)]))
    known = person.known(made)
    assert isinstance(known, Settled)
    assert known.event is not None


def test_answers_about_others_payments_touch_nothing(person: Person) -> None:
    mine = person.prepare(1_000)
    person.export()
    other = Person()
    theirs = other.prepare(1_000)
    other.export()
    taken = person.answers(bills.camt([Paid(theirs.key, 1_000)]))
    assert (taken.new, len(taken.unmatched)) == (0, 1)
    assert (person.state(mine), other.state(theirs)) == (State.PROCESSING, State.PROCESSING)


def test_a_damaged_answer_counts_for_nothing(person: Person) -> None:
    made = [person.prepare(1_000), person.prepare(2_000)]
    person.export()
    content = bills.camt([Paid(one.key, one.amount) for one in made])
    for wrong in (content[:-20], content.replace(b"<Sum>", b"<Sum>9")):
        with pytest.raises(FileDamaged):
            person.answers(wrong)
    assert {person.state(one) for one in made} == {State.PROCESSING}


def test_what_waited_too_long_never_leaves(person: Person) -> None:
    early = person.prepare(1_000, expires_at=NOW + timedelta(minutes=5))
    handed = person.prepare(2_000, expires_at=NOW + timedelta(minutes=5))
    delivery.deliver(person.party, handed.key, now=lambda: NOW)
    assert person.export(LATER) == ()
    assert {person.state(early), person.state(handed)} == {State.FAILED}


def test_one_that_cannot_leave_keeps_all_of_them_here(person: Person) -> None:
    good = person.prepare(1_000)
    bad = person.prepare(2_000, funding="6" * 40)
    with pytest.raises(NotExportable):
        person.export()
    assert {person.state(good), person.state(bad)} == {State.CREATED}


def test_two_exports_at_once_put_every_payment_into_one_file(person: Person) -> None:
    made = [person.prepare(1_000 + n) for n in range(4)]
    files: list[Exported] = []
    start = threading.Barrier(3)

    def export() -> None:
        start.wait()
        files.extend(person.export())

    threads = [threading.Thread(target=export) for _ in range(2)]
    for thread in threads:
        thread.start()
    start.wait()
    for thread in threads:
        thread.join()
    left = [reference for file in files for reference in _references(file)]
    assert sorted(left) == sorted(reference_of(one.key) for one in made)


def test_the_connector_moves_nothing_and_believes_nobody() -> None:
    connector = FileExport()
    assert connector.ask(UUID(int=1)) == Unknown(Why.ACCEPTED)
    assert connector.health(now=NOW).state is HealthState.ANSWERED
    assert connector.capabilities(DAY) == ()
    with pytest.raises(Forged):
        connector.read_callback({}, b"", now=NOW)
    with pytest.raises(FileNotReady):
        connector.statement(DAY)


# --- a day's file taken in ---


def _take(content: bytes, **more: Any) -> Any:
    return file_doors.take_file(
        content, channel="little_bank", kind="bank_csv", day=DAY, name="day.csv", now=LATER, **more
    )


def test_27_the_same_file_is_no_news_and_another_is_a_version_with_its_changes(clean: Engine) -> None:
    first = _take(bills.bank(some(2)))
    assert (first.version, first.new, len(first.file.lines), first.revision) == (1, True, 2, None)
    again = _take(bills.bank(some(2)))
    assert (again.version, again.new, again.revision) == (1, False, None)
    second = _take(bills.bank(some(3)))
    assert (second.version, second.new) == (2, True)
    assert [line.reference for line in second.revision.added] == [UUID(int=3).hex]
    assert not second.revision.removed


def test_27_a_damaged_file_keeps_its_bytes_and_nothing_else_and_the_next_one_is_compared_with_the_last_good(
    clean: Engine,
) -> None:
    _take(bills.bank(some(2)))
    damaged = _take(bills.bank(some(3))[:-9])
    assert (damaged.version, damaged.file) == (2, None)
    assert damaged.damaged.code == "channels.file_damaged"
    wrong = _take(bills.bank(some(4)), sha256="0" * 64)
    assert (wrong.file, wrong.damaged.facts) == (None, {"figure": "sha256"})
    good = _take(bills.bank(some(3)))
    assert [line.reference for line in good.revision.added] == [UUID(int=3).hex]
