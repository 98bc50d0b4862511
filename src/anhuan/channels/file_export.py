"""Connector: files carried to one's own bank 文件导出. It moves nothing by itself; a person uploads what is exported.

`pay` only says that the instruction waits for the next file, and `ask` knows no more: the answers come as files of the
bank (pain.002, camt, `answers_acts`). So an instruction leaves in one file, once, and is never sent by a retry.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from anhuan.channels.model import (
    Answer,
    Capabilities,
    DayFile,
    FileNotReady,
    Forged,
    Health,
    HealthState,
    Hint,
    Instruction,
    Unknown,
    Why,
    Witness,
)

NAME: Final = "file_export"


class FileExport:
    """文件导出: the connector; it holds nothing, for the instruction itself is the queue."""

    name: str = NAME

    def capabilities(self, on: date) -> Sequence[Capabilities]:
        """Nothing of its own: what holds is the dated record in terms."""
        return ()

    def pay(self, instruction: Instruction) -> Answer:
        """It waits for the next file; nothing has gone out."""
        return Unknown(Why.ACCEPTED)

    def ask(self, key: UUID) -> Answer:
        """Nobody to ask: the bank answers with a file."""
        return Unknown(Why.ACCEPTED)

    def read_callback(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Hint:
        """A file has no callbacks, so whatever claims to be one is forged."""
        raise Forged("文件导出渠道没有回调。")

    def statement(self, day: date) -> Sequence[DayFile]:
        """The bank's files are brought by hand, so none can be fetched."""
        raise FileNotReady("这个渠道的文件由本人从网银下载后导入。", field="day")

    def health(self, *, now: datetime) -> Health:
        """It is there as long as this program is."""
        return Health(HealthState.ANSWERED, now)


def make(witness: Witness) -> FileExport:
    """The connector of this installation; it sees no message of its own, so it needs no witness."""
    return FileExport()
