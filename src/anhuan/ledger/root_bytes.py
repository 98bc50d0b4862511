"""A signed root: the ends of all shards at one moment, tied to the root before and to the end of the audit chain.

`hash = SHA-256(hash of the root before + shard (2 bytes), batch (8), hash (32) of every shard in order)`; the signed
line names it beside the audit chain's place and link, so one signature covers both. docs/LEDGER.md says the same.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

WORD: Final = "anhuan-ledger-root-1"  # first word of the signed line: which kind of bytes, in which version
FIRST: Final = hashlib.sha256(b"anhuan-ledger-genesis-1").hexdigest()  # stands before the first root
SIGNATURE_BYTES: Final = 64  # Ed25519 (RFC 8032)


@dataclass(frozen=True, slots=True)
class End:
    """Where the chain of one shard ended: its last batch and that batch's hash."""

    shard: int
    batch_no: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Root:
    """One root; moments as the audit log writes them, hashes as hex."""

    no: int
    at: str
    heads: tuple[End, ...]
    prev: str
    audit_place: int
    audit_link: str
    key_id: str
    signature: str = ""

    @property
    def hash(self) -> str:
        """What the heads and the root before come to."""
        return hashlib.sha256(bytes.fromhex(self.prev) + self.head_bytes).hexdigest()

    @property
    def head_bytes(self) -> bytes:
        """The heads as they are hashed: 42 bytes each, by shard."""
        return pack(self.heads)

    @property
    def line(self) -> str:
        """The bytes that are signed."""
        return " ".join([
            WORD, str(self.no), self.at, str(len(self.heads)), self.prev, self.hash, str(self.audit_place),
            self.audit_link, self.key_id,
        ])  # fmt: skip

    @property
    def short(self) -> str:
        """What a statement prints of the hash."""
        return self.hash[:16]

    def said(self) -> dict[str, Any]:
        """The root as JSON carries it: the signed line, the signature, and the heads that the line's hash covers."""
        heads = [[head.shard, head.batch_no, head.hash.hex()] for head in self.heads]
        return {"line": self.line, "signature": self.signature, "heads": heads}

    @property
    def json(self) -> str:
        """The line of roots.jsonl."""
        return json.dumps(self.said(), separators=(",", ":"))


def read(entry: str | Mapping[str, Any]) -> Root:
    """A root from a line of roots.jsonl or from its JSON; ValueError when it is none."""
    try:
        said = json.loads(entry) if isinstance(entry, str) else entry
        word, no, at, count, prev, digest, place, link, key_id = said["line"].split(" ")
        heads = tuple(End(int(shard), int(batch), bytes.fromhex(text)) for shard, batch, text in said["heads"])
        root = Root(int(no), at, heads, prev, int(place), link, key_id, said["signature"])
        right = word == WORD and root.hash == digest and len(heads) == int(count) and root.line == said["line"]
        right = right and len(bytes.fromhex(root.signature)) == SIGNATURE_BYTES
        right = right and list(heads) == sorted(set(heads), key=lambda head: head.shard)
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError("not a root of the ledger") from error
    if not right:
        raise ValueError("not a root of the ledger")
    return root


def pack(heads: Iterable[End]) -> bytes:
    """Heads in the order of their shards, 42 bytes each."""
    return b"".join(
        head.shard.to_bytes(2, "big", signed=True) + head.batch_no.to_bytes(8, "big", signed=True) + head.hash
        for head in sorted(heads, key=lambda head: head.shard)
    )


def unpack(data: bytes) -> tuple[End, ...]:
    """The heads again from their bytes."""
    parts = (data[start : start + 42] for start in range(0, len(data), 42))
    return tuple(End(_number(part[:2]), _number(part[2:10]), part[10:]) for part in parts)


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big", signed=True)
