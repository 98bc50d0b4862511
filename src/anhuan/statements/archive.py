"""ZIP archives: checked by what they declare, then counted byte by byte while they unpack. Runs in the sandbox.

Alipay and others mail their files in a ZIP with a password, often encrypted by AES (WinZip's AE-1 and AE-2, which the
standard library cannot open).
"""

import hashlib
import hmac
import io
import struct
import zipfile
import zlib
from typing import BinaryIO, Final

from anhuan.statements import sandbox
from anhuan.statements.model import NeedsPassword, TooLarge, Unreadable

MAX_MEMBERS: Final = 200
MAX_BYTES: Final = 64 << 20  # of all members together, unpacked
MAX_RATIO: Final = 100  # unpacked to packed, web.md section 9
_RATIO_FREE: Final = 1 << 20  # small files may be packed as well as they like
_CHUNK: Final = 1 << 16
_AES: Final = 99
_SKIPPED: Final = ("__MACOSX/", ".DS_Store", "Thumbs.db")


def members(data: bytes, *, password: str | None = None) -> list[tuple[str, bytes]]:
    """The files of an archive by name; raises NeedsPassword, TooLarge or Unreadable."""
    return [(str(name), bytes(content)) for name, content in sandbox.run("unpack", data, password=password)]


def check(data: bytes) -> zipfile.ZipFile:
    """Open an archive and refuse it by what it declares: number of members, sizes, ratio."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError, struct.error) as error:
        raise Unreadable("压缩文件已损坏") from error
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise TooLarge(f"压缩文件里有 {len(infos)} 个文件，最多 {MAX_MEMBERS} 个")
    declared = sum(info.file_size for info in infos)
    if declared > MAX_BYTES or (declared > _RATIO_FREE and declared > MAX_RATIO * max(len(data), 1)):
        raise TooLarge(f"压缩文件展开后有 {declared:,} 字节，超过限制")
    return archive


def unpack(data: bytes, password: str | None = None) -> list[tuple[str, bytes]]:
    """All members with their real bytes counted; a declaration can lie. Only for the worker."""
    archive = check(data)
    left = min(MAX_BYTES, max(_RATIO_FREE, MAX_RATIO * len(data)))
    found = []
    for info in archive.infolist():
        if info.is_dir() or any(mark in info.filename for mark in _SKIPPED):
            continue
        content = _content(archive, data, info, password, left)
        left -= len(content)
        found.append((_name(info), content))
    return found


def _content(archive: zipfile.ZipFile, data: bytes, info: zipfile.ZipInfo, password: str | None, left: int) -> bytes:
    if info.flag_bits & 1 and not password:
        raise NeedsPassword("压缩文件有密码，请输入密码")
    try:
        if info.compress_type == _AES:
            return _decrypted(data, info, (password or "").encode(), left)
        with archive.open(info, pwd=password.encode() if password else None) as stream:
            return _counted(stream, left)  # type: ignore[arg-type]
    except RuntimeError as error:  # the standard library's word for a wrong password
        raise NeedsPassword("密码不正确") from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, struct.error) as error:
        if info.flag_bits & 1:  # one wrong password in 256 passes the first check and fails here
            raise NeedsPassword("密码不正确，或压缩文件已损坏") from error
        raise Unreadable("压缩文件已损坏") from error


def _counted(stream: BinaryIO, left: int) -> bytes:
    parts = bytearray()
    while part := stream.read(_CHUNK):
        parts += part
        if len(parts) > left:
            raise TooLarge("压缩文件展开后的实际大小超过限制")
    return bytes(parts)


def _name(info: zipfile.ZipInfo) -> str:
    """Names without the UTF-8 flag come from Chinese Windows more often than from DOS."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return info.filename


# --- WinZip AES (APPNOTE 7.2 and WinZip's "AES Encryption Information: AE-1 and AE-2") ---

_STRENGTH: Final = {1: 16, 2: 24, 3: 32}  # key bytes
_ROUNDS: Final = 1000
_VERIFIER: Final = 2
_CODE: Final = 10  # bytes of the authentication code behind the data


def _decrypted(data: bytes, info: zipfile.ZipInfo, password: bytes, left: int) -> bytes:
    strength, method = _aes_field(info)
    packed = _raw(data, info)
    key_size = _STRENGTH[strength]
    salt, packed = packed[: key_size // 2], packed[key_size // 2 :]
    verifier, body, code = packed[:_VERIFIER], packed[_VERIFIER:-_CODE], packed[-_CODE:]
    derived = hashlib.pbkdf2_hmac("sha1", password, salt, _ROUNDS, 2 * key_size + _VERIFIER)
    key, mac_key = derived[:key_size], derived[key_size : 2 * key_size]
    if not hmac.compare_digest(derived[-_VERIFIER:], verifier):
        raise NeedsPassword("密码不正确")
    if not hmac.compare_digest(hmac.new(mac_key, body, "sha1").digest()[:_CODE], code):
        raise NeedsPassword("密码不正确，或压缩文件已损坏")
    plain = _counter_mode(key, body)
    if method == zipfile.ZIP_STORED:
        if len(plain) > left:
            raise TooLarge("压缩文件展开后的实际大小超过限制")
        return plain
    if method != zipfile.ZIP_DEFLATED:
        raise Unreadable("压缩文件的压缩方式不受支持")
    inflater = zlib.decompressobj(-15)
    content = inflater.decompress(plain, left + 1)
    if len(content) > left:
        raise TooLarge("压缩文件展开后的实际大小超过限制")
    return content


def _aes_field(info: zipfile.ZipInfo) -> tuple[int, int]:
    """Strength and real compression method from extra field 0x9901."""
    extra = info.extra
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        if kind == 0x9901 and size >= 7:
            _, _, strength, method = struct.unpack("<H2sBH", extra[4:11])
            if strength in _STRENGTH:
                return strength, method
        extra = extra[4 + size :]
    raise Unreadable("压缩文件的加密方式不受支持")


def _raw(data: bytes, info: zipfile.ZipInfo) -> bytes:
    """The member's packed bytes, found through its local header."""
    start = info.header_offset
    names = struct.unpack("<HH", data[start + 26 : start + 30])
    begin = start + 30 + sum(names)
    packed = data[begin : begin + info.compress_size]
    if len(packed) < info.compress_size or len(packed) < _VERIFIER + _CODE + 8:
        raise Unreadable("压缩文件不完整")
    return packed


def _counter_mode(key: bytes, body: bytes) -> bytes:
    """AES in counter mode with a little-endian counter from 1, which no library offers: the key stream is made here."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    blocks = (len(body) + 15) // 16
    counters = b"".join(number.to_bytes(16, "little") for number in range(1, blocks + 1))
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    stream = encryptor.update(counters)[: len(body)]
    mixed = int.from_bytes(body, "big") ^ int.from_bytes(stream, "big")
    return mixed.to_bytes(len(body), "big")
