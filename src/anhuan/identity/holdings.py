"""Everything the house holds about a person: this room's own tables, and the doors of the rooms above.

The rooms above are told to this one at start (`know`), because a room knows none that stands above it.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from anhuan.identity import rules, tables, tables_access, tables_consent, tables_limits, tables_signin
from anhuan.identity.consent_words import Said
from anhuan.kit import holdings, terms
from anhuan.kit.holdings import Holding, Room, Sheet

AML: Final = "aml"
PROOF: Final = "proof"
KEEPING: Final = {
    AML: Said("反洗钱法第 34 条：身份资料和交易记录至少保存 10 年",
              "AML law art. 34: identity and transactions, at least 10 years"),
    PROOF: Said("证明处理合法（个人信息保护法第 69 条，民法典第 188 条）",
                "proof that data were handled lawfully (PIPL art. 69, Civil Code art. 188)"),
}  # fmt: skip

HOLDINGS: Final = (
    Holding(tables.PersonRow, "账户", "Account", key="id", kept=AML),  # emptied: number, day and state stay
    Holding(tables.SessionRow, "登录的设备", "Signed-in devices", key="person_id"),
    Holding(tables.MemberRow, "机构成员身份", "Memberships", key="person_id", kept=PROOF),
    Holding(tables.GrantRow, "角色", "Roles", key="person_id", kept=PROOF),
    Holding(tables_signin.PasskeyRow, "通行密钥", "Passkeys", key="person_id"),
    Holding(tables_signin.PasswordRow, "密码（只有摘要）", "Password (a digest)", key="person_id"),
    Holding(tables_signin.TotpRow, "动态口令", "One-time codes", key="person_id"),
    Holding(tables_signin.RecoveryCodeRow, "恢复码（只有摘要）", "Recovery codes (digests)", key="person_id"),
    Holding(tables_signin.RecoveryRow, "找回记录", "Recoveries", key="person_id"),
    Holding(tables_signin.DeviceRow, "认识的设备", "Known devices", key="person_id"),
    Holding(tables_signin.NoticeRow, "通知", "Notices", key="person_id"),
    Holding(tables_access.PersonalKeyRow, "个人接口密钥", "Personal API keys", key="person_id"),
    Holding(tables_access.OrganisationDetailsRow, "机构资料", "Details of the organisation", kept=AML),
    Holding(tables_access.InvitationRow, "机构邀请", "Invitations of the organisation"),
    Holding(tables_access.FreezeRow, "账户冻结", "Freezes", key="person_id", kept=AML),
    Holding(tables_access.LookRow, "工作人员查看记录", "Looks by staff", key="person_id", kept=PROOF),
    Holding(tables_limits.StepUpRow, "付款与改限额的确认", "Confirmations of acts", key="person_id", kept=AML),
    Holding(tables_limits.OwnLimitRow, "自设限额", "Own limits"),
    Holding(tables_limits.PauseRow, "暂停", "Pauses"),
    Holding(tables_consent.ConsentRow, "授权记录", "Consents", kept=PROOF),
    Holding(tables_consent.AcceptanceRow, "接受的协议", "Agreements accepted", kept=PROOF),
    Holding(tables_consent.DataRequestRow, "数据申请", "Requests about data", kept=PROOF),
)  # fmt: skip

# Never deleted by the worker: proof goes by the owner's function, the receipt and the emptied person stay as they are.
# The books (room ledger) are only added to.
STAYING: Final = frozenset({
    "consent_events", "agreement_acceptances", "data_requests", "people",
    "account", "posting", "hold", "account_change",
})  # fmt: skip

_above: dict[str, Room] = {}  # one house per process


def know(**rooms: Room) -> None:
    """Tell which rooms stand above and hold something about people, those that point to others first."""
    _above.clear()
    _above.update(rooms)


def all_rooms() -> Mapping[str, Room]:
    """Every room that holds something, in the order of an erasure; this room last."""
    from anhuan.identity import holdings as own

    return {**_above, "identity": own}


def held(db: Session, party: UUID) -> Mapping[str, int]:
    """How many rows of each of this room's tables the party has."""
    return holdings.held(db, HOLDINGS, party)


def export(db: Session, party: UUID) -> Iterator[Sheet]:
    """Everything this room holds about the party (PIPL article 45)."""
    return holdings.export(db, HOLDINGS, party)


def erase(db: Session, party: UUID) -> Mapping[str, int]:
    """Delete what no duty keeps in this room (PIPL article 47)."""
    return holdings.erase(db, HOLDINGS, party)


def names() -> Mapping[str, Said]:
    """What the tables of every room are called."""
    rooms = [getattr(room, "HOLDINGS", ()) for room in all_rooms().values()]
    return {one.table: Said(one.zh, one.en) for held in rooms for one in held}


def duties() -> Mapping[str, str]:
    """The duty that keeps a table's rows, by table; tables that go are not named."""
    rooms = [getattr(room, "HOLDINGS", ()) for room in all_rooms().values()]
    return {one.table: one.kept for held in rooms for one in held if one.kept is not None}


def kept_until(duty: str, day: date) -> date:
    """The last day on which rows are kept that were restricted on this day."""
    years = rules.house("proof_keep_years", on=day)
    if duty == AML:
        years = terms.ask("aml_keep_years", on=day, scopes=("law",)).value
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return date(day.year + years, 3, 1)
