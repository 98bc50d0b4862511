"""Attacks on the channels: files of commands that others on the machine would read."""

from pathlib import Path

import pytest

from anhuan.kit import terminal


def test_files_with_accounts_for_others(tmp_path: Path) -> None:
    """Tried: reading what a command exported as another user of the machine, or leading it elsewhere by a link.
    Must: the file is its owner's alone, a link or a file that is there is not written through.
    Control: the bytes are in the file.
    """
    place, link, target = tmp_path / "batch.csv", tmp_path / "link.csv", tmp_path / "target"
    terminal.write_closed(place, b"6225")
    assert (place.stat().st_mode & 0o777, place.read_bytes()) == (0o600, b"6225")
    link.symlink_to(target)
    for taken in (place, link):
        with pytest.raises(FileExistsError):
            terminal.write_closed(taken, b"more")
    assert not target.exists()
