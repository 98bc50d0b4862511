"""Reading what a bank answers to a file: `read(content, asked) -> AnswerFile`, for pain.002 and camt of any version."""

import hashlib

from anhuan.channels import answers_camt, answers_pain002, file_camt, file_xml
from anhuan.channels.answers_model import AnswerFile, Asked
from anhuan.channels.file_xml import text
from anhuan.channels.model import FileDamaged


def read(content: bytes, asked: Asked) -> AnswerFile:
    """What the file says of the payments asked about; raises FileDamaged for what is no answer, or a damaged one."""
    root = file_xml.read(content)
    sha256 = hashlib.sha256(content).hexdigest()
    if root.find("CstmrPmtStsRpt") is not None:
        told, unmatched = answers_pain002.read(root, asked)
        message = text(root, "CstmrPmtStsRpt/GrpHdr/MsgId")
        original = text(root, "CstmrPmtStsRpt/OrgnlGrpInfAndSts/OrgnlMsgId")
        return AnswerFile("pain002", message, original, sha256, tuple(told), tuple(unmatched))
    found = next((node for node in root.iter() if node.tag in file_camt.STATEMENTS), None)
    if found is None:
        raise FileDamaged("这不是 pain.002 或 camt 回执")
    told, unmatched = answers_camt.read(content, asked)
    message = next((text(node, "MsgId") for node in root.iter("GrpHdr")), "")
    return AnswerFile(answers_camt.kind_of(found.tag), message, "", sha256, tuple(told), tuple(unmatched))
