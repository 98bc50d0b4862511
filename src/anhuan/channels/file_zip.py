"""The ZIP that Alipay sends: members read in memory under limits, names in GBK, nothing ever written by its name."""

import zipfile
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from anhuan.channels.file_text import MAX_BYTES
from anhuan.channels.model import FileDamaged

MAX_MEMBERS: Final = 64  # the real ones hold two
MAX_RATIO: Final = 200  # tables of text pack to a tenth; a bomb to a thousandth
_CHUNK: Final = 1 << 16
_SMALL: Final = 1 << 20  # below a megabyte no ratio is a bomb


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the archive: its name as the sender wrote it, and its bytes with their checksum verified."""

    name: str
    content: bytes


def looks_like(content: bytes) -> bool:
    """Whether these bytes begin as a ZIP does."""
    return content[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def members(content: bytes) -> list[Member]:
    """Every file of the archive; raises FileDamaged for broken, locked, oversized and treacherously named ones."""
    if len(content) > MAX_BYTES:
        raise FileDamaged(f"ZIP 超过 {MAX_BYTES // 1024 // 1024} MB，没有读取")
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            inside = [info for info in archive.infolist() if not info.is_dir()]
            if len(inside) > MAX_MEMBERS:
                raise FileDamaged(f"ZIP 里有 {len(inside)} 个文件，最多 {MAX_MEMBERS} 个")
            found: list[Member] = []
            left = MAX_BYTES
            for info in inside:
                member = Member(_name(info), _bytes(archive, info, left, len(content)))
                left -= len(member.content)
                found.append(member)
            return found
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise FileDamaged(f"ZIP 文件不完整或已损坏（{type(error).__name__}）") from error
    except (ValueError, IndexError, UnicodeError) as error:  # what a damaged directory makes the library stumble over
        raise FileDamaged("ZIP 文件的目录已损坏") from error


def _name(info: zipfile.ZipInfo) -> str:
    """The name in GBK where the archive does not say UTF-8; one that points elsewhere refuses the archive."""
    name = info.filename
    if not info.flag_bits & 0x800:
        name = name.encode("cp437").decode("gb18030")
    parts = name.replace("\\", "/").split("/")
    if not name or ".." in parts or name[0] in "/\\" or ":" in name or "\0" in info.orig_filename:
        raise FileDamaged(f"ZIP 里的文件名「{name[:60]}」指向别处，已拒绝")
    return name


def _bytes(archive: zipfile.ZipFile, info: zipfile.ZipInfo, left: int, packed: int) -> bytes:
    if info.flag_bits & 0x1:
        raise FileDamaged("ZIP 加了密码，请先解开再导入")
    out = bytearray()
    with archive.open(info) as stream:
        while chunk := stream.read(_CHUNK):
            out += chunk
            if len(out) > left or (len(out) > _SMALL and len(out) > MAX_RATIO * packed):
                raise FileDamaged("ZIP 解开后大得不正常，已停止读取")
    if len(out) != info.file_size:
        raise FileDamaged("ZIP 里文件的长度与目录不符")
    return bytes(out)
