"""What the check of the books can find, with the law that is broken, and how it is told to people."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

MOST_TOLD: Final = 50  # findings of one kind that are told one by one; the rest are counted

# Kind -> (law of ledger.md section 10, or what else is broken; Chinese; English); {} are the facts of the finding.
SENTENCES: Final = {
    "sum_not_zero": (
        "1",
        "分片 {shard} 单位 {unit} 的余额之和是 {total}，应为零。",
        "The balances of unit {unit} in shard {shard} add up to {total}, not to zero.",
    ),
    "entry_missing": (
        "2",
        "科目 {account}（分片 {shard}）的分录序号断开：应为 {expected}，实为 {found}（批次 {batch}）。",
        "Account {account} in shard {shard}: entry {expected} should follow and {found} stands there (batch {batch}).",
    ),
    "running_balance": (
        "2",
        "科目 {account}（分片 {shard}）第 {entry} 条分录的余额是 {found}，按前一条应为 {expected}（批次 {batch}）。",
        "Account {account} in shard {shard}: entry {entry} says balance {found}, by the entry before it is {expected}"
        " (batch {batch}).",
    ),
    "balance_differs": (
        "2",
        "科目 {account}（分片 {shard}）余额记为 {found}，分录之和是 {expected}。",
        "Account {account} in shard {shard} has balance {found}, its entries add up to {expected}.",
    ),
    "entries_differ": (
        "2",
        "科目 {account}（分片 {shard}）记有 {found} 条分录，实有 {expected} 条。",
        "Account {account} in shard {shard} counts {found} entries, there are {expected}.",
    ),
    "account_unknown": (
        "2",
        "凭证（分片 {shard} 批次 {batch} 行 {line}）用到不存在的科目 {account}。",
        "A posting (shard {shard}, batch {batch}, line {line}) names account {account}, which does not exist there.",
    ),
    "account_twice": (
        "2",
        "科目号 {account} 出现在不止一个分片（{shard}）。",
        "Account number {account} stands in more than one shard ({shard}).",
    ),
    "held_differs": (
        "3",
        "科目 {account}（分片 {shard}）冻结 {found}，未了结的冻结之和是 {expected}（{side}）。",
        "Account {account} in shard {shard} has {found} on hold, its open holds add up to {expected} ({side}).",
    ),
    "hold_unknown": (
        "3",
        "凭证（分片 {shard} 批次 {batch} 行 {line}）了结的冻结不存在或已了结：{hold}。",
        "A posting (shard {shard}, batch {batch}, line {line}) resolves a hold that is not open: {hold}.",
    ),
    "hold_other": (
        "3",
        "冻结 {hold} 的了结与它不符（分片 {shard} 批次 {batch} 行 {line}）：科目、单位或金额不对。",
        "Hold {hold} was resolved with other accounts, unit or amount (shard {shard}, batch {batch}, line {line}).",
    ),
    "hold_lost": (
        "3",
        "冻结 {hold}（分片 {shard}）未了结，但不在冻结表里。",
        "Hold {hold} in shard {shard} was never resolved, and is not among the open holds.",
    ),
    "hold_stray": (
        "3",
        "冻结表里的 {hold}（分片 {shard}）没有对应的未了结凭证，或内容不符。",
        "The open hold {hold} in shard {shard} has no posting that made it and left it open, or differs from it.",
    ),
    "reversal_wrong": (
        "7",
        "冲正（分片 {shard} 批次 {batch} 行 {line}）与原凭证 {parent} 不符。",
        "A reversal (shard {shard}, batch {batch}, line {line}) is not the mirror of the posting it names, {parent}.",
    ),
    "outside_chart": (
        "chart",
        "凭证（分片 {shard} 批次 {batch} 行 {line}）不合科目表：业务码 {code}，{src} → {dst}。",
        "A posting (shard {shard}, batch {batch}, line {line}) is outside the chart: code {code}, {src} to {dst}.",
    ),
    "units_mixed": (
        "chart",
        "凭证（分片 {shard} 批次 {batch} 行 {line}）连接不同单位或分片的科目。",
        "A posting (shard {shard}, batch {batch}, line {line}) joins accounts of different units or shards.",
    ),
    "amount_wrong": (
        "13",
        "凭证（分片 {shard} 批次 {batch} 行 {line}）的金额 {amount} 不在范围内。",
        "A posting (shard {shard}, batch {batch}, line {line}) has an amount out of range: {amount}.",
    ),
    "id_wrong": (
        "5",
        "凭证（分片 {shard} 批次 {batch} 行 {line}）的编号不是由原凭证导出的。",
        "The id of a posting (shard {shard}, batch {batch}, line {line}) is not the one derived from its parent.",
    ),
    "below_floor": (
        "4",
        "科目 {account}（分片 {shard}）可用 {available}，低于下限 {floor}。",
        "Account {account} in shard {shard} has {available} available, below its floor {floor}.",
    ),
    "above_ceiling": (
        "4",
        "科目 {account}（分片 {shard}）余额加待入 {total}，高于上限 {ceiling}。",
        "Account {account} in shard {shard} stands at {total} with what may come in, above its ceiling {ceiling}.",
    ),
    "over_unexplained": (
        "4",
        "科目 {account}（分片 {shard}）标为越限，却没有改限记录。",
        "Account {account} in shard {shard} is marked as out of bounds, and no change of its bounds is on record.",
    ),
    "bounds_unexplained": (
        "4",
        "科目 {account}（分片 {shard}）的限额或冻结与改限记录不符。",
        "The bounds or freezes of account {account} in shard {shard} are not those last put on record.",
    ),
    "unit_unlicensed": (
        "S2-24",
        "单位 {unit} 属于托管账簿，却没有牌照、托管银行和两名批准人。",
        "Unit {unit} is of the custody book, without licence, custody bank and two approvers.",
    ),
    "batch_changed": (
        "10",
        "分片 {shard} 批次 {batch} 的内容与封存的指纹不符。",
        "Batch {batch} of shard {shard} was changed: its rows no longer have the hash that was sealed.",
    ),
    "batch_rows": (
        "10",
        "分片 {shard} 批次 {batch} 封存了 {expected} 行，实有 {found} 行。",
        "Batch {batch} of shard {shard} was sealed with {expected} rows and has {found}.",
    ),
    "rows_unsealed": (
        "10",
        "分片 {shard} 批次 {batch} 有 {found} 行不在任何封存里。",
        "{found} rows claim to be of batch {batch} of shard {shard}, which no seal of that moment vouches for.",
    ),
    "seal_order": (
        "10",
        "分片 {shard} 的链在批次 {batch} 断开：前一环不符。",
        "The chain of shard {shard} breaks at batch {batch}: it does not hold the hash of the batch before.",
    ),
    "seals_missing": (
        "10",
        "分片 {shard} 缺少批次 {batch} 到 {other} 的封存。",
        "The seals of shard {shard} from batch {batch} to {other} are missing.",
    ),
    "time_reversed": (
        "10",
        "分片 {shard} 批次 {batch} 的时间不晚于前一批。",
        "Batch {batch} of shard {shard} claims to be no later than the one before it.",
    ),
    "head_differs": (
        "10",
        "分片 {shard} 的末端应在批次 {expected}，实际止于 {found}。",
        "Shard {shard} should end at batch {expected} with the hash in its head, and ends at {found}.",
    ),
    "truncated": (
        "root",
        "分片 {shard} 的末尾被截去：第 {root} 个签名根覆盖到批次 {expected}，实际止于 {found}。",
        "The end of shard {shard} was cut off: signed root {root} covers batch {expected}, the chain ends at {found}.",
    ),
    "rewritten": (
        "root",
        "分片 {shard} 在批次 {batch} 或之前被重写：与第 {root} 个签名根不符。",
        "Shard {shard} was rewritten at or before batch {batch}: signed root {root} says otherwise.",
    ),
    "root_forged": (
        "root",
        "第 {root} 个根的签名不对（{where}）。",
        "Root {root} is not signed by the key it names ({where}).",
    ),
    "root_stranger": (
        "root",
        "第 {root} 个根由不认识的密钥 {key} 签名（{where}）。",
        "Root {root} is signed by a key that is not known here, {key} ({where}).",
    ),
    "root_order": (
        "root",
        "根的序列在第 {root} 个断开（{where}）。",
        "The roots do not follow on one another at root {root} ({where}).",
    ),
    "root_differs": (
        "root",
        "第 {root} 个根在文件和数据库里不一样。",
        "Root {root} differs between the file and the database.",
    ),
    "root_gone": (
        "root",
        "第 {root} 个根在文件里有，数据库里没有。",
        "Root {root} stands in the file and not in the database.",
    ),
    "root_unpublished": (
        "root",
        "第 {root} 个根在数据库里有，文件里没有。",
        "Root {root} stands in the database and not in the file.",
    ),
    "root_audit": (
        "root",
        "第 {root} 个根所记的审计链位置 {place} 与审计日志不符。",
        "Root {root} names another hash at place {place} of the audit log's chain than stands there.",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be."""

    kind: str
    facts: Mapping[str, Any]

    @property
    def law(self) -> str:
        """The number of the law that is broken, or `chart`, `root`, or a scope row."""
        return SENTENCES[self.kind][0]

    def sentence(self, lang: str) -> str:
        """The finding in a person's words."""
        law, zh, en = SENTENCES[self.kind]
        return f"[{law}] {(en if lang == 'en' else zh).format(**self.facts)}"


@dataclass(slots=True)
class Report:
    """What was looked at and what was found."""

    postings: int = 0
    batches: int = 0
    accounts: int = 0
    open_holds: int = 0
    shards: int = 0
    roots: int = 0
    covered: int = 0  # batches, of all shards together, that a signed root vouches for
    from_root: int | None = None  # None: from the first batch
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)  # findings by kind, those not told one by one included
    steps: dict[str, float] = field(default_factory=dict)  # seconds by step

    def found(self, kind: str, **facts: Any) -> None:
        """Note one finding; beyond `MOST_TOLD` of a kind only their number."""
        self.counts[kind] += 1
        if self.counts[kind] <= MOST_TOLD:
            self.findings.append(Finding(kind, facts))

    def took(self, step: str, seconds: float) -> None:
        """Add to the time of a step."""
        self.steps[step] = self.steps.get(step, 0.0) + seconds

    @property
    def untold(self) -> int:
        """How many findings are counted and not told."""
        return self.counts.total() - len(self.findings)
