"""A change set as bytes and back: a preview is kept as it was shown, so that the commit applies that very thing."""

import zlib
from typing import Final

import msgspec

from anhuan.cards import BillFacts
from anhuan.statements.changes import Preview

_WRITE: Final = msgspec.msgpack.Encoder(uuid_format="bytes")
_READ: Final = msgspec.msgpack.Decoder(Preview)
_READ_FACTS: Final = msgspec.msgpack.Decoder(BillFacts)


def pack(preview: Preview) -> bytes:
    """The preview as bytes."""
    return zlib.compress(_WRITE.encode(preview), 1)


def unpack(packed: bytes) -> Preview:
    """The preview that `pack` was given."""
    return _READ.decode(zlib.decompress(packed))


def pack_facts(facts: BillFacts) -> bytes:
    """What was told to room cards, kept so that it can be told again when another import is taken back."""
    return _WRITE.encode(facts)


def unpack_facts(packed: bytes) -> BillFacts:
    """The facts that `pack_facts` was given."""
    return _READ_FACTS.decode(packed)
