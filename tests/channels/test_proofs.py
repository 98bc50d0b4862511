"""Looking at a card for proof: what carries our key counts, what the bank takes back is in doubt, looks grow rarer."""

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from tests.channels.bank import NAME, Bank, Connector, running
from tests.channels.conftest import NOW, TODAY, Clock, World, licensed

from anhuan.channels import delivery, evidence, instructions, journey, proofs, registry, service, store
from anhuan.channels.evidence import Proof
from anhuan.channels.evidence_rules import Arrival, Kind
from anhuan.channels.model import Booked, Event, EventKind, Instruction, OtherBody, Rejected, Seen, Settled, State
from anhuan.kit import clock, ids, jobs
from anhuan.kit import db as database
from anhuan.kit.errors import Unavailable

pytestmark = pytest.mark.scope("S3-02")


class Quiet(Unavailable):
    """The bank shows nothing today."""

    code = "tests.quiet"


@dataclass
class Showing(Connector):
    """The little bank's connector, which also shows cards."""

    bank: Bank
    booked: list[Booked] = field(default_factory=list)
    asked: list[tuple[str, date]] = field(default_factory=list)
    quiet: bool = False

    def __post_init__(self) -> None:
        super().__init__(self.bank, registry._tell)

    def postings(self, card: str, *, since: date) -> Sequence[Booked]:
        """What is booked; a bank shows it as bytes, which are witnessed as every message is."""
        self.asked.append((card, since))
        if self.quiet:
            raise Quiet("quiet")
        registry._tell(Seen(NAME, "postings", None, 200, repr(self.booked).encode()))
        return list(self.booked)

    def book(self, key: UUID | None, kind: str = "payment", amount: int = 50_000, *, on: date = TODAY,
             reference: str = "") -> None:  # fmt: skip
        """One more line on the card."""
        number = len(self.booked) + 1
        self.booked.append(Booked(number, on, NOW + timedelta(minutes=number), kind, amount, key, reference, "还款"))


@pytest.fixture
def showing(clean: Engine) -> Iterator[tuple[World, Showing]]:
    """A licensed little bank that shows cards."""
    with running(Bank()) as bank:
        connector = Showing(bank)
        with registry.only(**{NAME: connector}):
            licensed()
            yield World(bank, connector, Clock(), ids.new_id()), connector


def paid(world: World) -> Instruction:
    made = world.prepare()
    world.deliver(made)
    assert world.state(made) is State.SUCCESS
    return made


def looked(world: World, made: Instruction) -> Arrival:
    return proofs.look(world.party, made.key, now=world.clock)


def rows_of(world: World, made: Instruction) -> list[tuple[str, date | None]]:
    with world.rows() as db:
        return [(one.kind, one.posted_on) for one in store.evidence(db, world.party, made.key)]


def next_look(world: World, made: Instruction) -> datetime | None:
    with world.rows() as db:
        row = store.instruction(db, world.party, made.key)
        assert row is not None
        return row.next_look_at


def looks(world: World, made: Instruction) -> int:
    with world.rows() as db:
        row = store.instruction(db, world.party, made.key)
        assert row is not None
        return row.looks


def test_a_posting_of_our_key_proves_the_arrival_once(showing: tuple[World, Showing]) -> None:
    world, card = showing
    made = paid(world)
    assert looked(world, made) is Arrival.NOTHING
    card.book(made.key)
    assert [looked(world, made), looked(world, made)] == [Arrival.ARRIVED] * 2
    assert rows_of(world, made) == [("bank_file", TODAY)]
    assert card.asked[0] == ("card-6214", TODAY - timedelta(days=1))


def test_an_equal_amount_proves_nothing_and_the_channels_own_number_does(showing: tuple[World, Showing]) -> None:
    world, card = showing
    made = paid(world)
    card.book(None)
    card.book(ids.new_id())
    card.book(ids.new_id(), reference=f"R{made.key.hex[:8]}")
    card.book(made.key, "charge", -50_000)
    assert looked(world, made) is Arrival.NOTHING
    card.book(None, reference=f"R{made.key.hex[:8]}")
    assert looked(world, made) is Arrival.ARRIVED


@pytest.mark.scope("S0-38")
def test_what_the_bank_takes_back_is_in_doubt_and_what_it_corrects_is_proved_anew(
    showing: tuple[World, Showing],
) -> None:
    world, card = showing
    made = paid(world)
    card.book(made.key)
    looked(world, made)
    with delivery._transaction(world.party, NOW) as db:  # the bill that was printed with the wrong posting
        printed = Proof(Kind.STATEMENT, "line 4", posted_on=TODAY, amount=50_000)
        evidence.give(db, service.WORKER, world.party, made.key, printed, now=NOW)
    card.book(made.key, "withdrawn", -50_000, on=TODAY + timedelta(days=2))
    assert [looked(world, made), looked(world, made)] == [Arrival.IN_DOUBT] * 2
    card.book(made.key, "corrected", on=TODAY + timedelta(days=3))
    assert [looked(world, made), looked(world, made)] == [Arrival.ARRIVED] * 2
    kinds = [kind for kind, _ in rows_of(world, made)]
    assert kinds == ["bank_file", "statement", "doubt", "doubt", "bank_file"]
    assert world.state(made) is State.SUCCESS


def test_what_was_shown_is_kept_with_its_hash_before_it_counts_and_the_same_list_once(
    showing: tuple[World, Showing],
) -> None:
    world, card = showing
    made = paid(world)
    card.book(made.key)
    for _ in range(3):
        looked(world, made)
    with world.rows() as db:
        kept = [one for one in store.messages(db, world.party, made.key) if one.verb == "postings"]
    assert [one.content for one in kept] == [repr(card.booked).encode()]


def test_a_payment_without_an_answer_is_settled_by_its_posting(showing: tuple[World, Showing]) -> None:
    world, card = showing
    made = world.prepare()
    world.bank.next = ["hang up"]
    world.deliver(made)
    assert world.state(made) is State.UNKNOWN
    card.book(made.key)
    looked(world, made)
    with world.rows() as db:
        known = instructions.known(db, world.party, made.key)
    assert isinstance(known, Settled)
    assert known.taken_at == card.booked[0].at


def test_less_by_the_fee_that_the_channel_told_is_no_contradiction_and_another_amount_is(
    showing: tuple[World, Showing],
) -> None:
    world, card = showing
    made, other = paid(world), world.prepare(part=2)
    world.deliver(other)
    with delivery._transaction(world.party, NOW) as db:
        row = store.instruction(db, world.party, made.key)
        assert row is not None
        row.fee_kept_minor = 50
    card.book(made.key, amount=49_950)
    card.book(other.key, amount=49_950)
    assert (looked(world, made), looked(world, other)) == (Arrival.ARRIVED, Arrival.ARRIVED)
    with world.rows() as db:
        said = {key: [one.kind for one in store.contradictions(db, world.party, [key])]
                for key in (made.key, other.key)}  # fmt: skip
    assert said == {made.key: [], other.key: ["other_amount_arrived"]}


def test_looks_grow_rarer_and_end(showing: tuple[World, Showing]) -> None:
    world, _ = showing
    made = paid(world)
    assert next_look(world, made) == NOW, "the first look is at once"
    pauses = []
    for span in ({}, {"minutes": 5}, {"hours": 2}, {"days": 2}, {"days": 60}):
        world.clock.pass_(**span)
        looked(world, made)
        found = next_look(world, made)
        pauses.append(found and (found - world.clock()).total_seconds())
    assert pauses == [5, 60, 3600, 86400, None]


def test_after_the_proof_it_is_watched_for_a_while_and_then_left_alone(showing: tuple[World, Showing]) -> None:
    world, card = showing
    made = paid(world)
    card.book(made.key)
    looked(world, made)
    assert next_look(world, made) == NOW + timedelta(days=1)
    world.clock.pass_(days=36)
    looked(world, made)
    assert next_look(world, made) is None


def test_what_failed_or_came_back_or_was_never_sent_is_not_looked_for(showing: tuple[World, Showing]) -> None:
    world, card = showing
    unsent, no, back = world.prepare(), world.prepare(part=2), world.prepare(part=3)
    world.bank.next = ["no:insufficient_funds"]
    assert isinstance(world.deliver(no), Rejected)
    world.deliver(back)
    with delivery._transaction(world.party, NOW) as db:
        event = Event(EventKind.RETURNED, NOW, 50_000, "户名不符")
        service.note(db, world.party, back.key, Settled("R", NOW, 50_000, 0, event), now=NOW, asked=True)
    for one in (unsent, no, back):
        assert looked(world, one) is Arrival.NOTHING
        assert next_look(world, one) is None
    assert card.asked == []


def test_a_bank_that_shows_nothing_is_asked_again_later(showing: tuple[World, Showing]) -> None:
    world, card = showing
    made = paid(world)
    card.quiet = True
    assert looked(world, made) is Arrival.NOTHING
    assert next_look(world, made) == NOW + timedelta(seconds=5)
    card.quiet = False
    card.book(made.key)
    assert looked(world, made) is Arrival.ARRIVED


def test_a_connector_that_shows_no_cards_is_left_alone(world: World) -> None:
    made = paid(world)
    assert looked(world, made) is Arrival.NOTHING
    assert next_look(world, made) is None


def test_the_job_looks_at_once_and_a_lost_one_is_promised_again(showing: tuple[World, Showing]) -> None:
    world, card = showing
    made = paid(world)
    card.book(made.key)
    lost = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = :name AND args ->> 'key' = :key")
    for promised in (0, 1):
        with jobs.transaction() as db:
            assert db.scalar(lost, {"name": journey.PROVE, "key": str(made.key)}) == promised
        journey.unproved()  # long overdue by the real clock
    journey.prove(str(world.party), str(made.key))
    assert rows_of(world, made) == [("bank_file", TODAY)]


def test_what_was_stopped_is_looked_for_all_the_same(showing: tuple[World, Showing]) -> None:
    world, card = showing
    made = world.prepare()
    world.bank.bodies[str(made.key)] = b"somebody else's"
    with pytest.raises(OtherBody):
        world.deliver(made)
    card.book(made.key)
    with delivery._transaction(world.party, NOW) as db:
        row = store.instruction(db, world.party, made.key)
        assert row is not None
        assert row.next_look_at is not None


@pytest.fixture
def worker(showing: tuple[World, Showing], monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[World, Showing]]:
    """A true worker of the queue, beside the test, on the true clock."""
    showing[0].clock.now = clock.now()
    url = database.sessions("work").kw["bind"].url.render_as_string(hide_password=False).replace("+psycopg", "")
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(jobs.run(url, until=stop)))
    thread.start()
    yield showing
    loop.call_soon_threadsafe(stop.set)
    thread.join(20)
    loop.close()


def test_sent_by_a_worker_it_is_proved_within_seconds_by_itself(worker: tuple[World, Showing]) -> None:
    world, card = worker
    made = world.prepare()
    began = time.monotonic()
    with world.rows() as db:
        journey.send(db, world.party, made.key, made.channel)
    while looks(world, made) == 0:  # the first one finds nothing yet
        assert time.monotonic() < began + 60, "nobody looked"
        time.sleep(0.02)
    card.book(made.key)
    while not rows_of(world, made):
        assert time.monotonic() < began + 60, "nobody looked again"
        time.sleep(0.05)
    assert time.monotonic() < began + 60
    assert world.state(made) is State.SUCCESS
