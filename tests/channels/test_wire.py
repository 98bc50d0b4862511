"""The bytes of an instruction: one form, which says a fee for the house only where there is one."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from anhuan.channels import wire
from anhuan.channels.model import Ask, Instruction

ORDER, KEY = UUID(int=1), UUID(int=2)
EXPIRES = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
PLAIN = Instruction(KEY, ORDER, 1, 1, "simbank", "debit-1", "card-1", 50_000, "CNY", EXPIRES, b"")
ASK = Ask(ORDER, 1, 1, "simbank", "sim_a", "debit-1", "card-1", 50_000)


def test_without_a_fee_the_bytes_are_what_they_always_were() -> None:
    assert (
        wire.body_of(PLAIN, "林")
        == (
            '{"amount":50000,"card":"card-1","currency":"CNY","expires_at":"2026-11-23T02:00:00+00:00","funding":"debit-1",'
            f'"key":"{KEY}","name":"林"}}'
        ).encode()
    )


def test_a_fee_for_the_house_stands_in_the_bytes_and_is_read_from_them() -> None:
    body = wire.body_of(replace(PLAIN, service_fee=300), "林")
    assert json.loads(body)["service_fee"] == wire.service_fee_of(body) == 300
    assert wire.service_fee_of(wire.body_of(PLAIN, "")) == 0
    assert [wire.service_fee_of(other) for other in (b"<xml/>", b"\xff", b"[]", b"{}")] == [None] * 4


def test_an_instruction_with_another_fee_is_another_one() -> None:
    made = replace(PLAIN, bank="sim_a", body=wire.body_of(replace(PLAIN, service_fee=300), "林"))
    assert wire.same(replace(ASK, service_fee=300), made)
    assert not wire.same(ASK, made)
    other_form = replace(PLAIN, bank="sim_a", body=b"<pain/>")
    assert wire.same(replace(ASK, service_fee=300), other_form)
