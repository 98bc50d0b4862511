"""Reading a channel's file whole or not at all: `read(day_file) -> ChannelFile`.

The bytes were fetched and stored before; nothing is parsed from the network. The hash comes first, then the rows, then
every figure the file prints about itself (channels.md, section 4: all or nothing).
"""

import hashlib
import zlib
from collections.abc import Sequence
from typing import Final

from anhuan.channels import file_alipay, file_bank_csv, file_camt, file_text, file_wechat, file_zip
from anhuan.channels.file_model import ChannelFile, FileId, FileKind, FileLine, Total
from anhuan.channels.file_table import Table
from anhuan.channels.model import DayFile, FileDamaged

_RATIO: Final = 200  # a packed bill shrinks to a tenth
_SMALL: Final = 1 << 20


def read(file: DayFile) -> ChannelFile:
    """The file as lines in our words; raises FileDamaged with a sentence that names what disagrees."""
    found = hashlib.sha256(file.content).hexdigest()
    if file.sha256 and file.sha256.lower() != found:
        raise FileDamaged(f"校验值不符：渠道公布 {file.sha256[:12]}…，收到 {found[:12]}…", figure="sha256")
    if not file.content:
        raise FileDamaged("文件是空的")
    id_ = FileId(file.channel, kind_of(file), file.day, found)
    content = _unpacked(file.content)
    if id_.kind == FileKind.CAMT053:
        lines, totals, unchecked = file_camt.read(content)
        return ChannelFile(id_, tuple(lines), tuple(totals), (), (*unchecked, *_unproved(totals)))
    lines, table = _table(FileKind(id_.kind), content)
    return ChannelFile(id_, tuple(lines), table.totals, table.strange, _unproved(table.totals))


def _unproved(totals: Sequence[Total]) -> tuple[str, ...]:
    """A file that prints no figure about itself is read, and says that nothing but its hash proves it whole."""
    return () if totals else ("文件没有写笔数、合计或余额，无法核对是否完整",)


def kind_of(file: DayFile) -> FileKind:
    """The kind of a file: as the channel names it, or by its beginning where a trade bill is Alipay's ZIP."""
    try:
        kind = FileKind(file.kind)
    except ValueError as error:
        raise FileDamaged(f"不会读这种对账文件：{file.kind}") from error
    return FileKind.ALIPAY if kind is FileKind.TRADE and file_zip.looks_like(file.content) else kind


def _table(kind: FileKind, content: bytes) -> tuple[list[FileLine], Table]:
    if kind is FileKind.ALIPAY:
        return file_alipay.read(content)
    rows = file_text.rows(content)
    return file_bank_csv.read(rows) if kind is FileKind.BANK_CSV else file_wechat.KINDS[kind](rows)


def _unpacked(content: bytes) -> bytes:
    """A bill asked for as GZIP is unpacked under a limit; other bytes stay as they are."""
    if content[:2] != b"\x1f\x8b":
        return content
    most = min(file_text.MAX_BYTES, max(_SMALL, _RATIO * len(content)))
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(content, most)
    except zlib.error as error:
        raise FileDamaged("GZIP 文件不完整或已损坏") from error
    if unpacker.unconsumed_tail or unpacker.unused_data or not unpacker.eof:
        raise FileDamaged("GZIP 文件不完整，或解开后大得不正常")
    return plain
