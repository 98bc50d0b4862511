"""The words of files that an operator carries to its own bank 批量付款文件: parties, items, batches, and their ids.

A batch is made once. Its bytes depend on nothing but its items, its moment and the layout, so the same batch exported
again is the same file, byte for byte; every id in it comes from the instructions' keys.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from anhuan.channels.file_model import reference_of
from anhuan.channels.model import Instruction
from anhuan.kit.errors import Broken, Refused

MAX_ITEMS: Final = 10_000  # more is no file that a person checks before uploading it


class NotExportable(Refused):
    """不能导出: an item lacks what a bank needs, or was sent already, or is past its end."""

    code = "channels.not_exportable"


class BadExport(Broken):
    """导出有误: the file that was made does not say what its batch says; nothing leaves."""

    code = "channels.bad_export"


@dataclass(frozen=True, slots=True)
class Party:
    """Who pays or is paid: name, account or card number, and the bank as the payer's bank wants it."""

    name: str = field(repr=False)
    account: str = field(repr=False)
    bank_code: str = ""  # 联行号, 12 digits of CNAPS
    bank_name: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One payment of a batch; `key` is the instruction's, and the end-to-end id is made from it. Fen."""

    key: UUID
    amount: int
    currency: str
    debtor: Party
    creditor: Party
    expires_at: datetime
    purpose: str = "信用卡还款"

    @property
    def reference(self) -> str:
        """The end-to-end id: 32 hexadecimal digits, which every version of pain.001 and every bank's CSV can hold."""
        return reference_of(self.key)


@dataclass(frozen=True, slots=True)
class Batch:
    """One file: items of one debtor account, ordered by key."""

    channel: str
    made_at: datetime
    day: date  # of execution, the bank's day
    initiator: str
    items: tuple[Item, ...]

    @property
    def message_id(self) -> str:
        """The id of the file, 34 characters: the same for the same channel, day and keys."""
        keys = "".join(item.reference for item in self.items)
        digest = hashlib.sha256(f"{self.channel}\n{self.day.isoformat()}\n{keys}".encode()).hexdigest()
        return f"AH{digest[:32]}"

    @property
    def debtor(self) -> Party:
        """Whose account is debited."""
        return self.items[0].debtor

    @property
    def control_sum(self) -> int:
        """The sum of all amounts in fen."""
        return sum(item.amount for item in self.items)


@dataclass(frozen=True, slots=True)
class Exported:
    """A file ready to be carried to the bank, and what it says about itself. `keys` are the items in it."""

    name: str
    kind: str  # pain001 or bank_batch
    content: bytes = field(repr=False)
    message_id: str
    count: int
    control_sum: int  # fen
    keys: tuple[UUID, ...]

    @property
    def sha256(self) -> str:
        """The hash by which whoever uploads it knows that it is this file."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class BankCodes:
    """What the payer's bank wants to know of banks: by our bank id, code and name; empty where nobody knows."""

    own: tuple[str, str]
    others: Mapping[str, tuple[str, str]]


def item_of(instruction: Instruction, banks: BankCodes) -> Item:
    """The item of an instruction, from its frozen bytes; raises NotExportable where they do not say who pays whom."""
    said = _said(instruction)
    name, funding, card = (str(said.get(word) or "").strip() for word in ("name", "funding", "card"))
    if not name or not funding or not card:
        raise NotExportable("指令里没有户名、付款账号或卡号，不能导出", key=str(instruction.key))
    if (str(said.get("key")), said.get("amount")) != (str(instruction.key), instruction.amount):
        raise BadExport("指令的字节与编号或金额不符", key=str(instruction.key))
    code, bank_name = banks.others.get(instruction.bank, ("", ""))
    return Item(
        instruction.key, instruction.amount, instruction.currency,
        Party(name, funding, *banks.own), Party(name, card, code, bank_name),
        instruction.expires_at,
    )  # fmt: skip


def batches(items: Iterable[Item], *, channel: str, made_at: datetime, day: date, initiator: str) -> tuple[Batch, ...]:
    """Items sorted into files, one for each debtor account; raises NotExportable for what must not leave."""
    by_account: dict[tuple[str, str], list[Item]] = {}
    for item in sorted(items, key=lambda one: one.reference):
        _fit(item, made_at)
        by_account.setdefault((item.debtor.account, item.currency), []).append(item)
    made = []
    for account in sorted(by_account):
        mine = by_account[account]
        _once(mine)
        parts = (mine[start : start + MAX_ITEMS] for start in range(0, len(mine), MAX_ITEMS))
        made += [Batch(channel, made_at, day, initiator, tuple(part)) for part in parts]
    return tuple(made)


def _said(instruction: Instruction) -> Mapping[str, Any]:
    try:
        found = json.loads(instruction.body)
    except (ValueError, RecursionError) as error:
        raise BadExport("指令的字节不是 JSON", key=str(instruction.key)) from error
    if not isinstance(found, dict):
        raise BadExport("指令的字节不是 JSON 对象", key=str(instruction.key))
    return found


def _fit(item: Item, now: datetime) -> None:
    if item.amount <= 0 or item.currency != "CNY":
        raise NotExportable("只能导出大于零的人民币付款", key=str(item.key))
    if item.expires_at <= now:
        raise NotExportable("指令已过期，不再送出", key=str(item.key))


def _once(items: Sequence[Item]) -> None:
    if len({item.key for item in items}) != len(items):
        raise NotExportable("同一指令在一批里出现两次")
