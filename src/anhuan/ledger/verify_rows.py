"""The bytes of the books as columns: postings, seals, accounts and holds, without a copy.

All numbers are big-endian, as they are hashed (ledger.md, section 8).
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.void]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

POSTING: Final = np.dtype([
    ("shard", ">i2"), ("batch_no", ">i8"), ("line", ">i2"), ("id", "V16"), ("kind", ">i2"), ("code", ">i2"),
    ("unit", ">i4"), ("src", ">i8"), ("dst", ">i8"), ("amount", ">i8"), ("src_seq", ">i8"), ("dst_seq", ">i8"),
    ("src_bal", ">i8"), ("dst_bal", ">i8"), ("ts", ">i8"), ("event_at", ">i8"), ("parent_id", "V16"),
    ("group_id", "V16"), ("ref", "V16"),
])  # fmt: skip
SEAL: Final = np.dtype([
    ("shard", ">i2"), ("batch_no", ">i8"), ("n", ">i2"), ("ts", ">i8"), ("prev", "V32"), ("hash", "V32"),
])  # fmt: skip
ACCOUNT: Final = np.dtype([
    ("shard", ">i2"), ("id", ">i8"), ("unit", ">i4"), ("kind", ">i2"), ("posted", ">i8"), ("held", ">i8"),
    ("held_in", ">i8"), ("seq", ">i8"), ("floor", ">i8"), ("ceil", ">i8"), ("over", "?"), ("frozen_out", "?"),
    ("frozen_in", "?"),
])  # fmt: skip
HOLD: Final = np.dtype([
    ("shard", ">i2"), ("id", "V16"), ("src", ">i8"), ("dst", ">i8"), ("unit", ">i4"), ("amount", ">i8"),
])  # fmt: skip
HEAD: Final = np.dtype([("shard", ">i2"), ("batch_no", ">i8"), ("hash", "V32")])  # of a root

ROW: Final = POSTING.itemsize
assert (ROW, SEAL.itemsize, ACCOUNT.itemsize, HOLD.itemsize, HEAD.itemsize) == (156, 84, 67, 46, 42)


def read(shape: np.dtype[np.void], data: bytes) -> Rows:
    """The bytes as rows of this shape, without a copy."""
    return np.frombuffer(data, dtype=shape)


def ints(rows: Rows, name: str) -> Ints:
    """One column as numbers of this machine."""
    return rows[name].astype(np.int64)


def same_bytes(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> Flags:
    """Which of two columns of 16 or 32 bytes are equal, place by place."""
    words = left.dtype.itemsize // 8
    pair = [np.ascontiguousarray(one).view(np.int64).reshape(-1, words) for one in (left, right)]
    equal: Flags = (pair[0] == pair[1]).all(axis=1)
    return equal


def places(rows: Rows) -> Ints:
    """Shard and batch as one number that grows with both; a batch number beyond 2^47 falls out of every order."""
    return (ints(rows, "shard") << 47) + ints(rows, "batch_no")
