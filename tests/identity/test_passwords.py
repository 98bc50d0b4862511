"""Passwords: what is let through, what is too easy, and what a hash costs."""

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from anhuan.identity import passwords, rules, sessions, store_signin, weak

NOW = datetime(2026, 11, 22, 1, 20, tzinfo=UTC)
GOOD = "tugboat plum sixty"


@pytest.mark.parametrize("password", [
    "password1234", "P4ssw0rd!2026", "Adm1n1str4tor!",     # words, also with digits for letters
    "123456789012", "111111111111", "135791357913",        # digits
    "qwertyuiop12", "1qaz2wsx3edc", "asdfghjkl;'1",        # walks on the keyboard
    "woaini1314520", "zhangsan19900101", "mimamima8888",   # what people type in Chinese
    "abcabcabcabc", "anhuan888888", "icbcccbcmb2026",      # repeats, this house, banks
    "我爱你我爱你我爱你我爱你", "２０２６１１２２２０２６１１２２",  # the same in other letters and wide digits
])  # fmt: skip
def test_what_everybody_tries_first_is_refused(password: str) -> None:
    with pytest.raises(passwords.TooCommon):
        passwords.check(password, now=NOW)


@pytest.mark.parametrize("password", [
    GOOD, "correct horse battery staple", "xkD9-vqP2mWz", "床前明月光疑是地上霜也", "shanghai-tram-olives-42",
])  # fmt: skip
def test_a_long_password_of_ones_own_needs_no_kinds_of_characters(password: str) -> None:
    if len(password) >= rules.house("password_least", on=NOW.date()):
        passwords.check(password, now=NOW)
    assert not weak.is_weak(password)


def test_ones_own_names_count_as_common_words() -> None:
    password = "ouyangzhenhua1990"
    assert weak.pieces("lindaofeng lin-4827", own=["lindaofeng", "lin-4827"]) < weak.LEAST_PIECES
    assert weak.pieces("wembley lin-4827 x", own=()) > weak.pieces("wembley lin-4827 x", own=["wembley"])
    assert weak.is_weak(password, own=["ouyangzhenhua"])


@pytest.mark.parametrize("password", ["", "xkD9-vqP2mW", "x" * 129])
def test_a_short_or_an_endless_password_is_refused(password: str) -> None:
    with pytest.raises(passwords.TooShort):
        passwords.check(password, now=NOW)


def test_the_parameters_are_at_least_what_owasp_asks() -> None:
    hashed = passwords.hash_of(GOOD, on=NOW.date())
    assert hashed.startswith("$argon2id$v=19$")
    memory, passes, _ = (int(part.partition("=")[2]) for part in hashed.split("$")[3].split(","))
    assert memory >= 19 * 1024
    assert passes >= 2


def test_a_password_is_known_again_however_its_letters_were_written(db: Session) -> None:
    person = sessions.add_person(db, now=NOW)
    passwords.keep(db, person, "ｔｕｇｂｏａｔ plum sixty", now=NOW)
    row = store_signin.password(db, person)
    assert passwords.fits(row, GOOD, now=NOW)
    assert not passwords.fits(row, GOOD + "x", now=NOW)
    assert row is not None
    assert GOOD not in row.hash


def test_nobody_s_password_fits_and_costs_the_same_hash() -> None:
    assert not passwords.fits(None, GOOD, now=NOW)
    nobodys = passwords._nobodys(*passwords._parameters(NOW.date()))
    mine = passwords.hash_of(GOOD, on=NOW.date())
    assert nobodys.split("$")[:4] == mine.split("$")[:4]  # same kind, version, memory, passes and lanes


def test_a_hash_of_smaller_parameters_is_renewed_at_sign_in(db: Session) -> None:
    from argon2 import PasswordHasher

    person = sessions.add_person(db, now=NOW)
    passwords.keep(db, person, GOOD, now=NOW)
    row = store_signin.password(db, person)
    assert row is not None
    assert not passwords.renew(row, GOOD, now=NOW)
    row.hash = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(GOOD)
    assert passwords.renew(row, GOOD, now=NOW)
    assert "m=65536" in row.hash
    assert passwords.fits(row, GOOD, now=NOW)


def test_no_more_hashes_run_at_once_than_the_house_says() -> None:
    most, running, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal most, running
        with passwords._turn(NOW.date()):
            with lock:
                running += 1
                most = max(most, running)
            threading.Event().wait(0.02)
            with lock:
                running -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert most == rules.house("argon2_at_once", on=NOW.date())


def test_who_waits_too_long_for_a_turn_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "PATIENCE", 0.01)
    count = int(rules.house("argon2_at_once", on=NOW.date()))
    held = [passwords._turn(NOW.date()) for _ in range(count)]
    for one in held:
        one.__enter__()
    with pytest.raises(passwords.Busy):
        passwords.hash_of(GOOD, on=NOW.date())
    for one in held:
        one.__exit__(None, None, None)
