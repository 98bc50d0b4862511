"""Limits on tries: shared by processes, kept through failures, fair to the owner of an account."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, event, text

from anhuan.kit import db as database
from anhuan.kit import ids, rates
from anhuan.kit.rates import Limit, TooMany

NOW = datetime(2026, 11, 22, 9, 20, tzinfo=UTC)
FOUR = Limit("test.four", 4, 60)


@pytest.fixture
def key() -> str:
    """Something nobody has counted yet."""
    return ids.new_id().hex


def let_through(key: str, of: Limit, times: int, *, now: datetime = NOW) -> int:
    """How many of so many tries pass."""
    passed = 0
    for _ in range(times):
        try:
            rates.take(key, of, now=now)
        except TooMany:
            continue
        passed += 1
    return passed


@pytest.mark.usefixtures("own_database")
def test_as_many_tries_pass_as_the_limit_says_and_the_next_one_waits(key: str) -> None:
    assert let_through(key, FOUR, 10) == 4
    with pytest.raises(TooMany) as told:
        rates.take(key, FOUR, now=NOW)
    assert (told.value.code, told.value.facts["retry_after"]) == ("access.too_many", 15)


@pytest.mark.usefixtures("own_database")
@pytest.mark.parametrize(("seconds", "passed"), [
    (14, 0),   # one try is given back every 15 seconds
    (15, 1),
    (44, 2),
    (60, 4),   # all of them
    (6000, 4), # and never more than all
])  # fmt: skip
def test_tries_come_back_one_by_one_and_never_two_windows_worth(key: str, seconds: int, passed: int) -> None:
    let_through(key, FOUR, 4)
    assert let_through(key, FOUR, 10, now=NOW + timedelta(seconds=seconds)) == passed


@pytest.mark.usefixtures("own_database")
def test_the_wait_that_is_told_is_long_enough_and_not_too_long(key: str) -> None:
    let_through(key, FOUR, 4)
    with pytest.raises(TooMany) as told:
        rates.take(key, FOUR, now=NOW + timedelta(seconds=3.5))
    wait = told.value.facts["retry_after"]
    assert let_through(key, FOUR, 1, now=NOW + timedelta(seconds=3.5 + wait - 1)) == 0
    assert let_through(key, FOUR, 1, now=NOW + timedelta(seconds=3.5 + wait)) == 1


@pytest.mark.usefixtures("own_database")
def test_a_clock_that_is_put_back_locks_nobody_out(key: str) -> None:
    """A machine wakes with a wrong date, counts a few tries a year ahead, and is corrected."""
    assert let_through(key, FOUR, 10, now=NOW + timedelta(days=365)) == 4
    assert let_through(key, FOUR, 10, now=NOW) == 4


@pytest.mark.usefixtures("own_database")
def test_one_key_and_one_limit_do_not_touch_another(key: str) -> None:
    let_through(key, FOUR, 9)
    assert let_through(key + "x", FOUR, 1) == 1
    assert let_through(key, Limit("test.other", 4, 60), 1) == 1


def test_eight_threads_together_get_no_more_than_the_limit(own_database: Engine, key: str) -> None:
    passed: list[int] = []
    gate = threading.Barrier(8)

    def work() -> None:
        gate.wait()
        passed.append(let_through(key, Limit("test.ten", 10, 60), 20))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(passed) == 10
    with own_database.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM rate_counters")) == 1


def test_two_keys_taken_together_in_any_order_never_stand_in_each_others_way(own_database: Engine) -> None:
    wide, errors = Limit("test.wide", 10_000, 60), list[BaseException]()

    def work(keys: list[tuple[str, Limit]]) -> None:
        try:
            for _ in range(50):
                rates.take_all(keys, now=NOW)
        except BaseException as error:
            errors.append(error)

    pair = [("a", wide), ("b", wide)]
    threads = [threading.Thread(target=work, args=(order,)) for order in (pair, pair[::-1]) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    step = timedelta(seconds=60) / 10_000
    with own_database.connect() as connection:
        ends = connection.scalars(text("SELECT busy_until FROM rate_counters")).all()
    assert [round((end - NOW) / step) for end in ends] == [300, 300]


def test_a_try_counts_although_the_request_that_made_it_is_rolled_back(own_database: Engine, key: str) -> None:
    def fail() -> None:
        with database.transaction() as db:
            db.execute(text("SELECT 1"))
            rates.take(key, FOUR, now=NOW)
            raise ZeroDivisionError

    for _ in range(4):
        with pytest.raises(ZeroDivisionError):
            fail()
    assert let_through(key, FOUR, 1) == 0


def test_counters_live_on_when_the_process_does_not(own_database: Engine, key: str) -> None:
    let_through(key, FOUR, 4)
    fresh = database.open_engine(own_database.url.render_as_string(hide_password=False))  # as after a restart
    before = database.use(fresh)
    assert let_through(key, FOUR, 1) == 0
    database.use(before)
    fresh.dispose()


def test_a_known_refusal_costs_no_question_to_the_database(own_database: Engine, key: str) -> None:
    let_through(key, FOUR, 5)
    asked: list[object] = []
    event.listen(own_database, "before_cursor_execute", lambda *about: asked.append(about))
    with pytest.raises(TooMany):
        rates.take(key, FOUR, now=NOW)
    assert asked == []
    assert let_through(key, FOUR, 1, now=NOW + timedelta(seconds=15)) == 1, "the refusal ends when it said"


def test_no_row_tells_an_address_or_an_account(own_database: Engine) -> None:
    rates.take_sign_in("lin@example.test", "203.0.113.7", known_device=False, now=NOW)
    with own_database.connect() as connection:
        stored = connection.execute(text("SELECT key_hash FROM rate_counters")).scalars().all()
    assert len(stored) == 2
    assert all(len(each) == 16 for each in stored)
    assert not any(word in each for each in stored for word in (b"lin", b"203.0"))


def test_rest_is_swept_and_what_still_counts_stays(own_database: Engine) -> None:
    rates.take("old", FOUR, now=NOW - timedelta(hours=1))
    let_through("new", FOUR, 4)
    rates.sweep(now=NOW)
    with own_database.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM rate_counters")) == 1
    assert let_through("new", FOUR, 1) == 0


@pytest.mark.usefixtures("own_database")
def test_counting_sweeps_by_itself(own_database: Engine) -> None:
    rates.take("first", FOUR, now=NOW)
    rates.take("later", FOUR, now=NOW + rates.SWEEP_EVERY + timedelta(minutes=5))
    with own_database.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM rate_counters")) == 1


@pytest.mark.usefixtures("own_database")
def test_a_guesser_cannot_lock_the_owner_out(key: str) -> None:
    def guess(address: str, known: bool = False) -> bool:
        try:
            rates.take_sign_in(key, address, known_device=known, now=NOW)
        except TooMany:
            return False
        return True

    guessed = [guess(f"198.51.100.{number}") for number in range(200) for _ in range(3)]
    assert 8 < guessed.count(True) <= 50, "many addresses together get the account's hourly share and no more"
    assert not guess("192.0.2.1"), "a strange device waits with the others"
    assert guess("192.0.2.1", known=True), "the owner's own device does not"


@pytest.mark.usefixtures("own_database")
def test_one_address_gets_few_tries_at_one_account(key: str) -> None:
    tight = rates.limit("sign_in.account_address", on=NOW.date())
    passed = 0
    for _ in range(40):
        try:
            rates.take_sign_in(key, "198.51.100.1", known_device=True, now=NOW)
        except TooMany:
            break
        passed += 1
    assert passed == tight.at_once


@pytest.mark.parametrize(("address", "counts_as"), [
    ("203.0.113.7", "203.0.113.7"),
    ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
    ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),  # whoever has one of these has them all
    ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
    ("::ffff:203.0.113.7", "203.0.113.7"),                      # the same machine over a socket of both kinds
    ("fe80::1%eth0", "fe80::/64"),
    ("testclient", "testclient"),
])  # fmt: skip
def test_an_ipv6_address_counts_as_its_household(address: str, counts_as: str) -> None:
    assert rates.address_key(address) == counts_as


@pytest.mark.parametrize("name", rates.names())
def test_every_limit_is_dated_and_can_be_kept(name: str) -> None:
    found = rates.limit(name, on=date(2026, 11, 22))
    assert found.at_once >= 1
    assert found.step > timedelta(microseconds=100), "finer than the database's moments"
    with pytest.raises(rates.NoSuchLimit):
        rates.limit(name, on=date(2001, 1, 1))


def test_the_limit_of_failed_sign_ins_of_an_account_keeps_to_the_standard() -> None:
    of = rates.limit("sign_in.account", on=date(2026, 11, 22))
    within_an_hour = of.at_once + 3600 / of.step.total_seconds()
    assert within_an_hour <= 100, "ASVS 4.0.3, 2.2.1"


def test_memory_of_one_process_counts_alike_and_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    local = rates.Local()
    waits = [local.take("a", FOUR, now=NOW) for _ in range(5)]
    assert waits == [None] * 4 + [timedelta(seconds=15)]
    monkeypatch.setattr(rates, "MOST_KNOWN", 100)
    for number in range(1000):
        local.take(str(number), FOUR, now=NOW)
    assert len(local._busy_until) <= 100
