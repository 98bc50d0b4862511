"""PDF files with placed English words, written by hand, plain or locked (standard handler, revision 2)."""

import hashlib
from collections.abc import Sequence
from typing import Final

_PAD: Final = bytes.fromhex(
    "28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a"  # no secret: the padding of ISO 32000
)
_ID: Final = b"0123456789abcdef"
_ALLOWED: Final = -4


def placed(pages: Sequence[Sequence[tuple[float, float, str]]], *, password: str | None = None) -> bytes:
    """Pages of (x, y from the top, text) in 8 point Helvetica; with a password the content is locked by RC4."""
    owner = _owner(password) if password else b""
    key = _key(password, owner) if password else b""
    objects: list[bytes] = [b"<</Type/Catalog/Pages 2 0 R>>", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids = []
    for words in pages:
        drawn = b"\n".join(b"BT /F1 8 Tf %f %f Td (%s) Tj ET" % (x, 842 - y, _escaped(text)) for x, y, text in words)
        number = len(objects) + 2
        stream = _rc4(_object_key(key, number), drawn) if password else drawn
        kids.append(b"%d 0 R" % (number - 1))
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R>>"
            % number
        )
        objects.append(b"<</Length %d>>\nstream\n%s\nendstream" % (len(stream), stream))
    objects[1] = b"<</Type/Pages/Kids[%s]/Count %d>>" % (b" ".join(kids), len(kids))
    more = b""
    if password:
        user = _rc4(key, _PAD)
        objects.append(
            b"<</Filter/Standard/V 1/R 2/O<%s>/U<%s>/P %d>>" % (owner.hex().encode(), user.hex().encode(), _ALLOWED)
        )
        more = b"/Encrypt %d 0 R/ID[<%s><%s>]" % (len(objects), _ID.hex().encode(), _ID.hex().encode())
    return _file(objects, more)


def _file(objects: Sequence[bytes], more: bytes) -> bytes:
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    tail = b"trailer<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, more, len(out))
    return out + head + table + tail


def _escaped(text: str) -> bytes:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)").encode("latin-1")


def _owner(password: str) -> bytes:
    padded = (password.encode() + _PAD)[:32]
    return _rc4(hashlib.md5(padded).digest()[:5], padded)


def _key(password: str, owner: bytes) -> bytes:
    padded = (password.encode() + _PAD)[:32]
    return hashlib.md5(padded + owner + _ALLOWED.to_bytes(4, "little", signed=True) + _ID).digest()[:5]


def _object_key(key: bytes, number: int) -> bytes:
    return hashlib.md5(key + number.to_bytes(3, "little") + b"\0\0").digest()[:10]


def _rc4(key: bytes, data: bytes) -> bytes:
    state, swap = list(range(256)), 0
    for place in range(256):
        swap = (swap + state[place] + key[place % len(key)]) % 256
        state[place], state[swap] = state[swap], state[place]
    out, one, two = bytearray(), 0, 0
    for byte in data:
        one = (one + 1) % 256
        two = (two + state[one]) % 256
        state[one], state[two] = state[two], state[one]
        out.append(byte ^ state[(state[one] + state[two]) % 256])
    return bytes(out)
