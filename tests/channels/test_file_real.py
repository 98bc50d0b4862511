"""Files that nobody of this house wrote, where they lie beside the tree: read, or refused with a sentence."""

from pathlib import Path

import pytest
from tests.channels.file_bills import taken
from tests.conftest import TOP

from anhuan.channels import answers_reading, file_camt
from anhuan.channels.file_model import ChannelFile, LineKind
from anhuan.channels.model import FileDamaged

OTHERS = TOP.parent / "shared" / "data"
CAMT = OTHERS / "statements-intl" / "camt"
WALLETS = OTHERS / "statements-cn"

pytestmark = pytest.mark.skipif(not OTHERS.is_dir(), reason="the data of others are not here")


def _read(kind: str, content: bytes) -> ChannelFile | FileDamaged:
    """The file, or the sentence that refuses it; nothing else may come of it."""
    try:
        return taken(kind, content)
    except FileDamaged as refused:
        return refused


def _camt(name: str) -> ChannelFile:
    return taken("camt053", (CAMT / name).read_bytes())


def test_every_camt_is_read_or_refused_for_a_figure_it_prints() -> None:
    found = sorted(CAMT.glob("*.xml"))
    assert found
    for path in found:
        content = path.read_bytes()
        file = _read("camt053", content)
        if isinstance(file, FileDamaged):
            assert "figure" in file.facts, path.name
            continue
        assert len(file.lines) == sum(1 for one in file_camt.statements(content) for _ in file_camt.payments(one))
        assert file.totals or file.unchecked, path.name
        assert answers_reading.read(content, {}).unmatched


def test_two_statements_in_one_file_are_each_compared_with_their_own_balances() -> None:
    file = _camt("camt053.v2.multi.statement.xml")
    assert [(one.reference, one.amount, one.currency, one.kind) for one in file.lines] == [
        ("000000001", 885, "EUR", LineKind.RECEIVED), ("000000002", 700, "EUR", LineKind.PAYMENT),
    ]  # fmt: skip
    assert [total.printed for total in file.totals] == ["27.00", "20.00"]


def test_a_balance_that_its_entries_do_not_make_refuses_the_file() -> None:
    with pytest.raises(FileDamaged, match="期末余额"):
        _camt("camt053.v2.all-balance-types.xml")


def test_payments_inside_a_batch_of_another_currency_keep_their_own() -> None:
    lines = _camt("camt054.v4.xml").lines
    assert {line.currency for line in lines} == {"CHF"}
    assert [line.amount for line in lines[:2]] == [310, 320]


@pytest.mark.parametrize("cut", [1, 7, 100, 1000])
def test_a_real_camt_that_is_cut_is_refused(cut: int) -> None:
    content = (CAMT / "camt053.v8.xml").read_bytes().rstrip()
    with pytest.raises(FileDamaged):
        taken("camt053", content[:-cut])


@pytest.mark.parametrize(
    ("name", "kind"),
    [("wechat-records.csv", "trade"), ("wechat-records.csv", "fund_flow"), ("alipay-records.gb18030.csv", "alipay")],
)
def test_what_a_person_takes_out_of_a_wallet_is_no_channels_bill_and_is_refused(name: str, kind: str) -> None:
    with pytest.raises(FileDamaged):
        taken(kind, (WALLETS / name).read_bytes())


def test_a_banks_own_list_is_read_by_its_headings_and_says_that_nothing_proves_it_whole() -> None:
    file = taken("bank_csv", (WALLETS / "cmb-debit.csv").read_bytes())
    assert len(file.lines) == len((WALLETS / "cmb-debit.csv").read_text("utf-8").strip().splitlines()) - 1
    assert {line.kind for line in file.lines} >= {LineKind.PAYMENT, LineKind.RECEIVED}
    assert file.unchecked
    assert {line.reference for line in file.lines} == {""}


@pytest.mark.parametrize("path", sorted(WALLETS.glob("*.csv")) if WALLETS.is_dir() else [], ids=lambda path: path.name)
@pytest.mark.parametrize("kind", ["trade", "fund_flow", "alipay", "bank_csv", "camt053"])
def test_a_file_of_another_kind_never_breaks_a_reader(path: Path, kind: str) -> None:
    read = _read(kind, path.read_bytes())
    assert read.message if isinstance(read, FileDamaged) else read.id.kind == kind
