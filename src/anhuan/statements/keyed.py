"""Keyed hashes by which the database finds a person's lines and files without knowing what they say.

A hash of a row, an amount or an order number could be guessed by trying; these cannot without the key, and they differ
from person to person. They come by the 100,000: the vault gives one key for each person and purpose, and keyed BLAKE2b
(RFC 7693, 2.5) does the rest.
"""

from hashlib import blake2b
from typing import Final
from uuid import UUID

from anhuan.kit import vault

_HASH: Final = 16  # bytes
_NUMBER: Final = 8


class Keyed:
    """The hashes of one person's rows."""

    def __init__(self, user_id: UUID) -> None:
        self._rows, self._amounts, self._orders, self._contents = (
            vault.keyed_hash(f"statements.{purpose}", b"", party=user_id)
            for purpose in ("rows", "amounts", "orders", "contents")
        )

    def row(self, key: bytes) -> bytes:
        """Sixteen bytes for the row as printed (`sameness.numbered`)."""
        return blake2b(key, digest_size=_HASH, key=self._rows).digest()

    def amount(self, currency: str, size: int) -> bytes:
        """Eight bytes for an amount without its sign."""
        return blake2b(f"{currency}{size}".encode(), digest_size=_NUMBER, key=self._amounts).digest()

    def order(self, root: str) -> bytes:
        """Eight bytes for the root of an order number (`matching.root_of`)."""
        return blake2b(root.encode(), digest_size=_NUMBER, key=self._orders).digest()

    def content(self, sha256: str) -> bytes:
        """Sixteen bytes for the content of a file, named by its SHA-256."""
        return blake2b(sha256.encode(), digest_size=_HASH, key=self._contents).digest()


def number(hashed: bytes) -> int:
    """The eight bytes as the signed number that they are in the database."""
    return int.from_bytes(hashed, "big", signed=True)
