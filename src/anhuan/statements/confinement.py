"""What the process that opens files of others may still do: compute, and answer. Walls of the system, put up in Python.

Called by the worker once everything it needs is loaded. Each wall that this system has not is left out; `standing`
tells which stand. On Linux with x86-64 or ARM64 a filter of system calls (seccomp) remains the strongest: no file is
opened any more, no socket made, no program started.
"""

import ctypes
import os
import platform
import resource
import struct
from contextlib import suppress
from typing import Any, Final

NOBODY: Final = 65534
_NEW_USER, _NEW_NETWORK, _NEW_IPC = 0x10000000, 0x40000000, 0x08000000
_SET_DUMPABLE, _SET_SECCOMP, _NO_NEW_PRIVILEGES = 4, 22, 38
_FILTER: Final = 2
# What the worker may still ask of the kernel; all else answers "not permitted". Numbers of linux/unistd.h.
_ALLOWED: Final = {
    "x86_64": (0xC000003E, (
        0, 1, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15, 17, 19, 20, 24, 25, 28, 35, 39, 60, 72, 97, 98, 99, 131, 160, 186,
        201, 202, 204, 219, 228, 229, 230, 231, 234, 273, 302, 318, 324, 334,
    )),
    "aarch64": (0xC00000B7, (
        25, 57, 62, 63, 64, 65, 66, 67, 80, 93, 94, 98, 99, 101, 113, 114, 115, 123, 124, 128, 131, 132, 134, 135, 139,
        163, 164, 165, 172, 178, 179, 214, 215, 216, 222, 226, 233, 261, 278, 283, 293,
    )),
}  # fmt: skip
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_KILL, _NOT_PERMITTED, _ALLOW = 0x80000000, 0x00050001, 0x7FFF0000

standing: Final[set[str]] = set()  # the walls of this process


def confine() -> None:
    """Put up every wall that this system has, strongest last; from here on nothing can be loaded."""
    system: Any = None
    with suppress(OSError):
        system = ctypes.CDLL(None, use_errno=True)
    if hasattr(system, "unshare"):
        _leave_network(system)
    _become_nobody()
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    if hasattr(system, "prctl"):
        system.prctl(_SET_DUMPABLE, 0, 0, 0, 0)
        if system.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0:
            standing.add("no new privileges")
            _filter_calls(system)


def _leave_network(system: Any) -> None:
    """A network of its own with nothing in it, as root or, where that is allowed, in a user space of its own."""
    if system.unshare(_NEW_NETWORK | _NEW_IPC) == 0 or system.unshare(_NEW_USER | _NEW_NETWORK | _NEW_IPC) == 0:
        standing.add("no network")


def _become_nobody() -> None:
    """Root would read every file of the machine; the worker of a root's program is nobody instead."""
    if os.geteuid() != 0:
        return
    with suppress(OSError):
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        standing.add("nobody")


def _filter_calls(system: Any) -> None:
    known = _ALLOWED.get(platform.machine())
    if known is None or platform.system() != "Linux":
        return
    code = ctypes.create_string_buffer(_program(*known))
    length = (len(code) - 1) // 8
    head = ctypes.create_string_buffer(struct.pack("HxxxxxxP", length, ctypes.addressof(code)))
    if system.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(head), 0, 0) == 0:
        standing.add("few system calls")


def _program(architecture: int, allowed: tuple[int, ...]) -> bytes:
    """The filter in the kernel's little language: calls of another architecture kill, unknown ones fail."""
    steps = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    for number in allowed:
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    steps.append((_RETURN, 0, 0, _NOT_PERMITTED))
    return b"".join(struct.pack("HBBI", *step) for step in steps)
