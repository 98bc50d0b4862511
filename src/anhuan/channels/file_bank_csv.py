"""A bank's own CSV 银行流水: columns by the names that banks give them (bank_files.toml), whatever their order, amounts
in one column with 借 and 贷 beside it or in two. Sums, counts and balances that the file prints must agree.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources
from typing import Final

from anhuan.channels import file_table
from anhuan.channels.file_model import FileLine, LineKind, LineState, Total, same_reference
from anhuan.channels.file_table import Detail, Figure, Layout, Table
from anhuan.channels.file_text import Row, moment
from anhuan.channels.model import FileDamaged

_FILE: Final = tomllib.loads((resources.files("anhuan.kit") / "seeds" / "bank_files.toml").read_text("utf-8"))["read"]
_VALUES: Final[Mapping[str, frozenset[str]]] = {name: frozenset(words) for name, words in _FILE["values"].items()}
_OUT, _IN, _BACK = (_VALUES[name] for name in ("out", "in", "back"))
_STATES: Final = ((_VALUES["done"], LineState.DONE), (_VALUES["pending"], LineState.PENDING),
                  (_VALUES["failed"], LineState.FAILED))  # fmt: skip
_KEY: Final = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}(?![0-9a-fA-F])")


def way(detail: Detail) -> int:
    """-1 for money that left the account, +1 for money that came; raises FileDamaged where the row does not say."""
    flag = detail.get("借贷").lower()
    if flag in _OUT or flag in _IN:
        return -1 if flag in _OUT else 1
    raise FileDamaged(f"第 {detail.row.number} 行没有写明借贷")


def amount(detail: Detail) -> int:
    """The amount of a row in fen, never negative."""
    return abs(detail.fen("金额") if detail.get("金额") else detail.fen("支出") or detail.fen("收入"))


def _with_ways(details: Sequence[Detail]) -> list[Detail]:
    """Every row with its 借 or 贷: as printed, by the column its amount stands in, or by sign.

    A file of plain amounts in which none is negative is a list of payments, as banks send it back for a batch.
    """
    signed = any(one.get("金额").startswith("-") for one in details)
    return [
        one if one.get("借贷") else replace(one, words={**one.words, "借贷": _told(one, signed)}) for one in details
    ]


def _told(one: Detail, signed: bool) -> str:
    if not one.get("金额"):
        out, came = one.fen("支出"), one.fen("收入")
        return "" if bool(out) == bool(came) else "借" if out > 0 or came < 0 else "贷"
    return "借" if one.get("金额").startswith("-") or not (signed or one.get("金额").startswith("+")) else "贷"


def _total(chosen: int) -> Figure:
    return Figure(lambda rows: sum(amount(one) for one in rows if not chosen or way(one) == chosen))


def _number(chosen: int) -> Figure:
    return Figure(lambda rows: sum(1 for one in rows if way(one) == chosen), is_count=True)


def _fees(rows: Sequence[Detail]) -> int:
    return sum(-one.fen("手续费") if way(one) > 0 else one.fen("手续费") for one in rows)


_ALL: Final = Figure(len, is_count=True)
_MOVED: Final = Figure(lambda rows: sum(way(one) * amount(one) for one in rows), onto="期初余额")
_LAYOUT: Final = Layout(
    "银行流水",
    {word: tuple(names) for word, names in _FILE["words"].items()},
    (("日期", "时间"), ("业务参考号", "流水号", "摘要"), ("金额", "支出", "收入")),
    {
        "总笔数": _ALL, "笔数": _ALL, "合计笔数": _ALL, "交易笔数": _ALL, "明细笔数": _ALL,
        "总金额": _total(0), "合计金额": _total(0), "交易总金额": _total(0),
        "借方笔数": _number(-1), "支出笔数": _number(-1), "借方总笔数": _number(-1),
        "贷方笔数": _number(1), "收入笔数": _number(1), "贷方总笔数": _number(1),
        "借方金额": _total(-1), "支出金额": _total(-1), "借方总金额": _total(-1), "借方发生额合计": _total(-1),
        "贷方金额": _total(1), "收入金额": _total(1), "贷方总金额": _total(1), "贷方发生额合计": _total(1),
        "手续费总额": Figure(_fees), "手续费合计": Figure(_fees), "手续费总金额": Figure(_fees),
        "期初余额": Figure(None), "期末余额": _MOVED,
    },
    sums=("合计", "总计"),
    others=_VALUES["others"],
    prepare=_with_ways,
)  # fmt: skip


def read(rows: Sequence[Row]) -> tuple[list[FileLine], Table]:
    """The lines of a bank's CSV; raises FileDamaged."""
    table = file_table.read(rows, _LAYOUT)
    if any(not row.empty and not row.cells[0].startswith(("#", *_LAYOUT.sums)) for row in table.after):
        raise FileDamaged("合计行之后还有内容，文件可能是拼接的")
    table = replace(table, totals=(*table.totals, *_sums(table)))
    numbers = file_table.copies([one.row.raw for one in table.details])
    lines = [_line(one, n, c) for n, (one, c) in enumerate(zip(table.details, numbers, strict=True), start=1)]
    return lines, table


def _sums(table: Table) -> list[Total]:
    """The row of sums under the columns, where a bank prints one: each figure in it must be its column's sum."""
    found = []
    for one in table.sums:
        for word in ("金额", "支出", "收入", "手续费"):
            if one.get(word) not in ("", "-", "--"):
                counted = sum(detail.fen(word) for detail in table.details)
                found.append(file_table.agree(f"合计 {word}", one.get(word), counted, is_count=False))
    return found


def _line(one: Detail, place: int, copy: int) -> FileLine:
    printed = _printed_moment(one)
    day, at = moment(printed, what=f"第 {one.row.number} 行的日期")
    return FileLine(
        place, copy, _kind(one), _state(one), _reference(one), one.get("流水号"), day, at, printed, amount(one),
        one.fen("手续费"), _currency(one), one.printed, one.row.raw,
    )  # fmt: skip


def _printed_moment(one: Detail) -> str:
    """Date and time as printed: in one column, in two, or the whole moment in the column called time."""
    day, clock = one.get("日期"), one.get("时间")
    return clock if not day or len(clock) >= 14 else f"{day} {clock}".strip() if len(day) <= 11 else day


def _reference(one: Detail) -> str:
    """Our reference from its own column; without such a column, a key of ours that the bank passed on in its 附言."""
    if "业务参考号" in one.words:
        return same_reference(one.get("业务参考号"))
    passed = _KEY.search(one.get("摘要"))
    return same_reference(passed.group()) if passed else ""


def _kind(one: Detail) -> LineKind:
    named = (one.get("业务类型") or one.get("摘要")).lower()
    if "手续费" in named:
        return LineKind.FEE
    if any(word in named for word in _BACK):
        return LineKind.RETURN
    return LineKind.RECEIVED if way(one) > 0 else LineKind.PAYMENT


def _state(one: Detail) -> LineState:
    said = one.get("状态").lower()
    for words, state in _STATES:
        if said in words:
            return state
    raise FileDamaged(f"第 {one.row.number} 行的状态「{one.get('状态')}」不认识")


def _currency(one: Detail) -> str:
    said = one.get("币种").upper()
    return "CNY" if said in ("", "人民币", "RMB", "CNY", "156") else said
