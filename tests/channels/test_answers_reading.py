"""What a bank answers to a file: laid to payments by their end-to-end id, and never guessed."""

from collections.abc import Mapping
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.channels import file_bills as bills
from tests.channels.file_bills import Paid

from anhuan.channels import answers_reading
from anhuan.channels.answers_model import REJECTED, AnswerFile, Sent, Told
from anhuan.channels.answers_model import Why as NoMatch
from anhuan.channels.answers_pain002 import ACCEPTED, DUPLICATES, ON_THE_WAY, PAID, REFUSED
from anhuan.channels.file_model import reference_of
from anhuan.channels.model import Event, EventKind, FileDamaged, Rejected, Settled, Unknown, Why

KEYS = [UUID(int=n + 1) for n in range(4)]
ASKED = {reference_of(key): Sent(key, 10_000 + n, "AHbatch") for n, key in enumerate(KEYS)}


def _tx(key: UUID | str, status: str, *, reason: str = "", amount: str = "", extra: str = "") -> str:
    reference = key if isinstance(key, str) else key.hex
    why = f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn><AddtlInf>account closed</AddtlInf></StsRsnInf>" if reason else ""
    paid = f'<OrgnlTxRef><Amt><InstdAmt Ccy="CNY">{amount}</InstdAmt></Amt></OrgnlTxRef>' if amount else ""
    said = f"<TxSts>{status}</TxSts>" if status else ""
    return (
        f"<TxInfAndSts><StsId>S-{reference[:8]}</StsId><OrgnlEndToEndId>{reference}</OrgnlEndToEndId>{said}{why}"
        f"<AcctSvcrRef>B-{reference[-2:]}</AcctSvcrRef>{extra}{paid}</TxInfAndSts>"
    )


def _report(
    *tx: str, group: str = "", part: str = "", message: str = "AHbatch", version: str = "10", more: str = ""
) -> bytes:
    status = f"<GrpSts>{group}</GrpSts>" if group else ""
    inner = f"<PmtInfSts>{part}</PmtInfSts>" if part else ""
    return (
        f'<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.{version}"><CstmrPmtStsRpt>'
        "<GrpHdr><MsgId>R1</MsgId><CreDtTm>2026-11-20T12:00:00</CreDtTm></GrpHdr>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{message}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{more}{status}"
        f"</OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>{message}</OrgnlPmtInfId>{inner}{''.join(tx)}"
        "</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
    ).encode()


def _read(content: bytes, asked: Mapping[str, Sent] = ASKED) -> AnswerFile:
    return answers_reading.read(content, asked)


def _by_key(file: AnswerFile) -> dict[UUID, Told]:
    return {told.key: told for told in file.told}


@pytest.mark.parametrize("version", ["03", "08", "10", "14"])
def test_each_payment_has_its_own_status(version: str) -> None:
    file = _read(
        _report(
            _tx(KEYS[0], "ACSC", amount="100.00"), _tx(KEYS[1], "RJCT", reason="AC04"), _tx(KEYS[2], "PDNG"),
            _tx(KEYS[3], "ACCP"), group="PART", version=version,
        )
    )  # fmt: skip
    said = _by_key(file)
    paid, refused = said[KEYS[0]].said, said[KEYS[1]].said
    assert isinstance(paid, Settled)
    assert (paid.amount, paid.reference, paid.taken_at.isoformat()) == (10_000, "B-01", "2026-11-20T12:00:00+08:00")
    assert refused == Rejected(REJECTED, "RJCT AC04 account closed")
    assert said[KEYS[2]].said == Unknown(Why.PROCESSING)
    assert said[KEYS[3]].said == Unknown(Why.ACCEPTED)
    assert (file.kind, file.message_id, file.original_message_id, file.unmatched) == ("pain002", "R1", "AHbatch", ())


def test_30_a_partial_batch_tells_nothing_of_payments_it_does_not_name() -> None:
    file = _read(_report(_tx(KEYS[1], "RJCT", reason="AM04"), group="PART", part="PART"))
    assert set(_by_key(file)) == {KEYS[1]}


@pytest.mark.parametrize("status", sorted(ACCEPTED | ON_THE_WAY | PAID | REFUSED))
def test_a_status_of_the_whole_file_holds_for_every_payment_in_it(status: str) -> None:
    file = _read(_report(group=status))
    assert set(_by_key(file)) == set(KEYS)
    kinds = {type(told.said) for told in file.told}
    wanted = Settled if status in PAID else Rejected if status in REFUSED else Unknown
    assert kinds == {wanted}


def test_the_nearer_status_counts_before_the_wider_one() -> None:
    file = _read(_report(_tx(KEYS[0], "ACSC"), group="RJCT", part="ACSP"))
    said = _by_key(file)
    assert isinstance(said[KEYS[0]].said, Settled)
    assert {said[key].said for key in KEYS[1:]} == {Unknown(Why.PROCESSING)}


@pytest.mark.parametrize("reason", sorted(DUPLICATES))
def test_a_file_refused_as_a_duplicate_is_unknown_and_never_a_no(reason: str) -> None:
    why = f"<StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>"
    content = _report(group="RJCT").replace(b"</OrgnlGrpInfAndSts>", f"{why}</OrgnlGrpInfAndSts>".encode())
    assert {told.said for told in _read(content).told} == {Unknown(Why.NO_ANSWER)}
    assert {told.said for told in _read(_report(_tx(KEYS[0], "RJCT", reason=reason))).told} == {Unknown(Why.NO_ANSWER)}


@pytest.mark.parametrize(
    "more",
    ["<OrgnlNbOfTxs>3</OrgnlNbOfTxs>", "<OrgnlNbOfTxs>4</OrgnlNbOfTxs><OrgnlCtrlSum>400.07</OrgnlCtrlSum>"],
)
def test_a_status_of_another_count_or_sum_is_reported_and_held_for_nobody(more: str) -> None:
    file = _read(_report(group="RJCT", more=more))
    assert not file.told
    assert [one.why for one in file.unmatched] == [NoMatch.OTHER_COUNT]
    right = "<OrgnlNbOfTxs>4</OrgnlNbOfTxs><OrgnlCtrlSum>400.0600</OrgnlCtrlSum>"
    assert len(_read(_report(group="RJCT", more=right)).told) == 4


def test_what_fits_no_payment_of_ours_is_reported() -> None:
    file = _read(
        _report(
            _tx("somebody-else", "ACSC"), _tx("NOTPROVIDED", "RJCT"), _tx(KEYS[0], "XXXX"), _tx(KEYS[1], "ACSC"),
            _tx(KEYS[1], "RJCT", reason="AC01"), _tx(KEYS[2], ""),
        )
    )  # fmt: skip
    assert [(one.why, one.reference[-4:]) for one in file.unmatched] == [
        (NoMatch.NOT_OURS, "else"), (NoMatch.NO_REFERENCE, ""), (NoMatch.UNKNOWN_STATUS, "0001"),
        (NoMatch.CONTRADICTS, "0002"),
    ]  # fmt: skip
    assert not file.told


def test_a_report_on_another_file_says_nothing_of_ours() -> None:
    file = _read(_report(_tx(KEYS[0], "RJCT", reason="AC01"), group="RJCT", message="somebody's"))
    assert not file.told
    assert {one.why for one in file.unmatched} == {NoMatch.OTHER_MESSAGE}


def test_the_amount_the_bank_says_it_took_is_handed_on_even_if_it_is_not_ours() -> None:
    (told,) = _read(_report(_tx(KEYS[0], "ACSC", amount="99.99"))).told
    assert isinstance(told.said, Settled)
    assert told.said.amount == 9_999  # the table of states calls this a contradiction


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(KEYS), st.sampled_from(sorted(ACCEPTED | ON_THE_WAY | PAID | REFUSED))), max_size=8
    )
)
def test_no_payment_has_two_words_and_none_is_lost(said: list[tuple[UUID, str]]) -> None:
    file = _read(_report(*(_tx(key, status) for key, status in said)))
    told = [one.key for one in file.told]
    assert len(told) == len(set(told))
    contradicting = {one.reference for one in file.unmatched}
    assert {reference_of(key) for key in told} | contradicting == {reference_of(key) for key, _ in said}
    for key in KEYS:
        finals = {status in PAID for mine, status in said if mine == key and status in PAID | REFUSED}
        assert (reference_of(key) in contradicting) == (len(finals) == 2)


# --- camt ---

PAYMENTS = [Paid(KEYS[0], 10_000), Paid(KEYS[1], 10_001, 5), Paid(KEYS[2], 10_002, back=True), Paid(UUID(int=99), 1)]


@pytest.mark.parametrize(
    ("version", "kind"), [("053.001.02", "camt053"), ("054.001.04", "camt054"), ("052.001.08", "camt052")]
)
def test_entries_are_a_yes_or_a_return_by_their_end_to_end_id(version: str, kind: str) -> None:
    file = _read(bills.camt(PAYMENTS, version=version))
    said = {told.key: told.said for told in file.told}
    one, other, back = (said[key] for key in KEYS[:3])
    assert isinstance(one, Settled)
    assert isinstance(other, Settled)
    assert isinstance(back, Event)
    assert (one.amount, one.taken_at.isoformat()) == (10_000, "2026-11-20T00:00:00+08:00")
    assert (other.amount, other.fee_kept) == (10_001, 5)
    assert (back.kind, back.amount, back.reason) == (EventKind.RETURNED, 10_002, "AC04")
    assert [(one.why, one.amount) for one in file.unmatched] == [(NoMatch.NOT_OURS, 1)]
    assert file.kind == kind


def test_a_reversal_of_the_same_day_is_a_reversal() -> None:
    content = bills.camt(PAYMENTS[2:3]).replace(b"<Sts>", b"<RvslInd>true</RvslInd><Sts>")
    (told,) = _read(content).told
    assert isinstance(told.said, Event)
    assert told.said.kind is EventKind.REVERSED


def test_a_pending_entry_is_on_its_way_and_a_credit_without_a_word_is_reported() -> None:
    pending = bills.camt(PAYMENTS[:1], summary=False).replace(b">BOOK<", b">PDNG<")
    assert [told.said for told in _read(pending).told] == [Unknown(Why.PROCESSING)]
    credit = bills.camt(PAYMENTS[2:3]).replace(b"<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>", b"")
    file = _read(credit)
    assert not file.told
    assert [one.why for one in file.unmatched] == [NoMatch.UNMARKED_CREDIT]


def test_a_damaged_statement_answers_nothing() -> None:
    content = bills.camt(PAYMENTS)
    with pytest.raises(FileDamaged):
        _read(content.replace(b"<Sum>", b"<Sum>1"))
    for end in range(0, len(content) - 1, 97):
        with pytest.raises(FileDamaged):
            _read(content[:end])


def test_a_document_that_is_no_answer_is_refused() -> None:
    for content in (b"<Document/>", b"<Document><CstmrCdtTrfInitn/></Document>", b"<CstmrPmtStsRpt/>"):
        with pytest.raises(FileDamaged):
            _read(content)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_one_byte_changed_in_an_answer_never_makes_a_yes_or_a_no_of_another_payment(data: st.DataObject) -> None:
    """A changed byte may hide a word or change it; it never breaks the reader, nor speaks of payments not named."""
    whole = bytearray(_report(_tx(KEYS[0], "ACSC", amount="100.00"), _tx(KEYS[1], "RJCT", reason="AC04"), group="PART"))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] = data.draw(st.integers(0, 255))
    try:
        file = _read(bytes(whole))
    except FileDamaged:
        return
    said = _by_key(file)
    for key, told in said.items():
        named = reference_of(key).encode() in bytes(whole)
        assert named or isinstance(told.said, Unknown), (key, told)
