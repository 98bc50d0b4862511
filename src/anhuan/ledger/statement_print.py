"""A statement as people and programs take it away: text, CSV, JSON; in both languages.

What is owned stands negative in the books; text and CSV turn its sign, as the pages do, JSON gives the books' own
figures and says which are turned elsewhere.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

from anhuan.kit import cells
from anhuan.kit.clock import CHINA
from anhuan.ledger.model import Kind
from anhuan.ledger.rules import CHART, Code
from anhuan.ledger.statement import AccountStatement, Statement
from anhuan.ledger.store_statement import Face, Line

SHORT: Final = 16  # digits of a root's hash that a statement prints

WORDS: Final = {
    "statement": ("账本对账单", "Statement from the books"),
    "owner": ("户主 {owner}", "of {owner}"),
    "house": ("平台科目", "accounts of the house"),
    "period": ("期间 {since} 至 {until}（北京时间）", "from {since} until {until} (Beijing time)"),
    "account": (
        "科目 {shard}/{account}  {kind}{sub}  单位 {unit}",
        "account {shard}/{account}  {kind}{sub}  in {unit}",
    ),
    "opening": ("期初", "opening"),
    "closing": ("期末", "closing"),
    "in_out": ("共收 {came_in}，共付 {went_out}，分录 {count} 条", "in {came_in}, out {went_out}, {count} entries"),
    "nothing": ("没有科目", "no accounts"),
    "sum": (
        "平衡：单位 {unit} 分片 {shard} 全部 {accounts} 个科目期末之和为 {total}",
        "balance: the {accounts} accounts of {unit} in shard {shard} come to {total}",
    ),
    "root": (
        "签名根第 {root} 号 {short}，{covers}",
        "signed root {root}, {short}, {covers}",
    ),
    "covers": ("以上分录都在其内", "which covers every entry above"),
    "covers_not": (
        "有更新的分录还未签名，一分钟内会签",
        "some entries above are younger and will be signed within a minute",
    ),
    "no_root": ("还没有签名根", "no root was signed yet"),
    "turned": ("本科目为资产或垫付，显示时正负号相反", "an account of what is owned: its sign is turned here"),
}  # fmt: skip
KINDS: Final = {
    Kind.POST: ("记账", "posted"), Kind.HOLD: ("冻结", "held"), Kind.CAPTURE: ("扣款", "captured"),
    Kind.VOID: ("解冻", "released"), Kind.EXPIRE: ("过期解冻", "expired"), Kind.REVERSE: ("冲正", "reversed"),
}  # fmt: skip
COLUMNS: Final = (
    "account", "kind", "sub", "unit", "entry", "written_at", "happened_at", "act", "reason", "amount", "balance",
    "posting", "ref",
)  # fmt: skip

Speak = Callable[..., str]


def as_text(statement: Statement, lang: str) -> str:
    """The statement as lines to read."""
    return "\n".join(_text(statement, lang)) + "\n"


def as_csv(statement: Statement, lang: str) -> bytes:
    """The entries as one table, opening and closing of each account as rows of their own, the root at the end."""
    rows: list[tuple[str, ...]] = [COLUMNS]
    for part in statement.accounts:
        head = (_number(part.face), part.face.kind.name.lower(), part.face.sub, part.face.unit)
        rows.append(
            (*head, "", _moment(statement.period.since), "", "opening", "", "", _shown(part, part.opening), "", "")
        )
        rows += [(*head, *_cells(part, line, lang)) for line in part.lines]
        rows.append(
            (*head, "", _moment(statement.period.until), "", "closing", "", "", _shown(part, part.closing), "", "")
        )
    root = "" if statement.root is None else f"{statement.root} {statement.root_hash}"
    rows.append(("root", "", "", "", "", _moment(statement.made_at), "", root, "", "", "", "", ""))
    return cells.to_csv(rows)


def as_json(statement: Statement) -> str:
    """The statement as one object; figures are minor units as the books have them."""
    return json.dumps(
        {
            "owner": None if statement.owner is None else str(statement.owner),
            "since": statement.period.since.isoformat(),
            "until": statement.period.until.isoformat(),
            "made_at": statement.made_at.isoformat(),
            "accounts": [_object(part) for part in statement.accounts],
            "sums": [
                {"unit": one.unit, "shard": one.shard, "accounts": one.accounts, "total": one.total}
                for one in statement.sums
            ],
            "root": {"no": statement.root, "hash": statement.root_hash, "covers_all": statement.root_covers},
        },
        ensure_ascii=False,
    )


def amount(minor: int, scale: int) -> str:
    """Minor units of a unit as people write them: 1,234.56."""
    whole, rest = divmod(abs(minor), 10**scale)
    return f"{'-' if minor < 0 else ''}{whole:,}" + (f".{rest:0{scale}d}" if scale else "")


def reason(code: int, lang: str) -> str:
    """What people call a code of the chart."""
    way = CHART[Code(code)]
    return way.en if lang == "en" else way.zh


def _text(statement: Statement, lang: str) -> Iterator[str]:
    speak = _speaker(lang)
    whose = speak("house") if statement.owner is None else speak("owner", owner=statement.owner)
    yield f"{speak('statement')}  {whose}"
    yield speak("period", since=_moment(statement.period.since), until=_moment(statement.period.until))
    if not statement.accounts:
        yield speak("nothing")
    for part in statement.accounts:
        yield ""
        yield from _account(part, speak, lang)
    yield ""
    for one in statement.sums:
        yield speak("sum", unit=one.unit, shard=one.shard, accounts=one.accounts, total=one.total)
    if statement.root is None:
        yield speak("no_root")
    else:
        covers = speak("covers" if statement.root_covers else "covers_not")
        yield speak("root", root=statement.root, short=statement.root_hash[:SHORT], covers=covers)


def _account(part: AccountStatement, speak: Speak, lang: str) -> Iterator[str]:
    face = part.face
    sub = f" {face.sub}" if face.sub else ""
    yield speak("account", shard=face.shard, account=face.account, kind=face.kind.name.lower(), sub=sub, unit=face.unit)
    if part.turned:
        yield f"  ({speak('turned')})"
    yield f"  {'':>8}  {'':19}  {speak('opening'):<34}  {'':>16}  {_shown(part, part.opening):>16}"
    for line in part.lines:
        said = f"{KINDS[line.kind][lang == 'en']} {reason(line.code, lang)}"
        aside = "" if line.delta else f" ({amount(line.amount, face.scale)})"
        moved = _shown(part, line.delta) if line.delta else "-"
        yield (
            f"  {line.seq:>8}  {_moment(line.ts)}  {said + aside:<34}  {moved:>16}  {_shown(part, line.balance):>16}"
            f"  {line.id}"
        )
    yield f"  {'':>8}  {'':19}  {speak('closing'):<34}  {'':>16}  {_shown(part, part.closing):>16}"
    came_in, went_out = (part.went_out, part.came_in) if part.turned else (part.came_in, part.went_out)
    sums = {"came_in": amount(came_in, face.scale), "went_out": amount(went_out, face.scale)}
    yield "  " + speak("in_out", **sums, count=len(part.lines))


def _cells(part: AccountStatement, line: Line, lang: str) -> tuple[str, ...]:
    return (
        str(line.seq), _moment(line.ts), _moment(line.happened_at), KINDS[line.kind][lang == "en"],
        reason(line.code, lang), _shown(part, line.delta), _shown(part, line.balance), str(line.id),
        "" if line.ref is None else str(line.ref),
    )  # fmt: skip


def _object(part: AccountStatement) -> dict[str, Any]:
    face = part.face
    return {
        "shard": face.shard, "account": face.account, "unit": face.unit, "scale": face.scale,
        "kind": face.kind.name.lower(), "sub": face.sub, "sign_turned_for_people": part.turned,
        "opening": part.opening, "closing": part.closing,
        "entries": [
            {"seq": line.seq, "at": line.ts.isoformat(), "happened_at": line.happened_at.isoformat(),
             "act": line.kind.name.lower(), "code": Code(line.code).name.lower(), "amount": line.amount,
             "delta": line.delta, "balance": line.balance, "posting": str(line.id),
             "ref": None if line.ref is None else str(line.ref)}
            for line in part.lines
        ],
    }  # fmt: skip


def _shown(part: AccountStatement, minor: int) -> str:
    return amount(-minor if part.turned else minor, part.face.scale).replace(",", "")


def _number(face: Face) -> str:
    return f"{face.shard}/{face.account}"


def _moment(at: datetime) -> str:
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _speaker(lang: str) -> Speak:
    def speak(name: str, **facts: Any) -> str:
        return WORDS[name][lang == "en"].format(**facts)

    return speak
