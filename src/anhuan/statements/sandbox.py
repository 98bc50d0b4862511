"""The limited process in which whatever needs a parser in C is opened: what breaks there breaks nothing here.

PDFs, archives, workbooks, XML and tables in HTML. One worker serves many files (starting it costs more than most of
them). It has bounded memory, processor time and answers, and behind `confinement` neither network nor files nor other
programs; when it crashes or exceeds a limit it is ended and the next file gets a new one. Only plain data come back:
text, numbers, bytes.
"""

import atexit
import codecs
import importlib
import os
import resource
import select
import signal
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO, Final

import msgspec

from anhuan.statements import confinement
from anhuan.statements.model import NeedsPassword, TooLarge, Unreadable

WALL_SECONDS: Final = 20.0
_CPU_SECONDS: Final = 15
_MEMORY: Final = 1 << 30
_MAX_ANSWER: Final = 128 << 20
_TASKS_PER_WORKER: Final = 500
_LIFETIME_CPU: Final = 600  # seconds over all files; a hard limit that the worker cannot raise
# What the worker may be asked to do: the name of a task and the function of this room that does it.
_TASKS: Final = {
    "pages": ("anhuan.statements.pdf", "extract"),
    "unpack": ("anhuan.statements.archive", "unpack"),
    "sheets": ("anhuan.statements.workbook", "extract"),
    "tables": ("anhuan.statements.sheets", "extract_tables"),
    "xml": ("anhuan.statements.xml_tree", "extract"),
    "walls": ("anhuan.statements.sandbox", "walls_standing"),
}
# What those import late or by name, and could not once nothing is opened any more.
_LATE: Final = (
    "selectolax.lexbor",
    "defusedxml.ElementTree",
    "cryptography.hazmat.primitives.ciphers.algorithms",
    "zipfile",
    "lzma",
    "bz2",
)
_CODECS: Final = ("utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1", "ascii", "cp437", "cp1252", "gb18030", "idna")
_ERRORS: Final[dict[str, type[Unreadable]]] = {kind.code: kind for kind in (Unreadable, NeedsPassword, TooLarge)}
_HEADER: Final = struct.Struct(">Q")
_START: Final = "import sys; sys.path[:0] = [{root!r}]; from anhuan.statements import sandbox; sandbox.serve()"


def run(task: str, data: bytes, **arguments: Any) -> Any:
    """Do a task on hostile bytes in the worker; raises Unreadable, NeedsPassword or TooLarge, nothing else."""
    with _lock:
        return _worker().ask(msgspec.msgpack.encode((task, data, arguments)))


def walls() -> frozenset[str]:
    """Which walls the system let us put around the worker; for the self-check and the tests."""
    return frozenset(run("walls", b""))


def close() -> None:
    """End the worker, if there is one."""
    global _current
    with _lock:
        if _current is not None:
            _current.end()
            _current = None


atexit.register(close)


class _Worker:
    """One limited process and the two pipes to it."""

    def __init__(self) -> None:
        code = _START.format(root=str(Path(__file__).resolve().parent.parent.parent))
        self.owner, self.tasks = os.getpid(), 0
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, cwd="/", env={"LANG": "C.UTF-8", "PATH": os.defpath}, start_new_session=True,
        )  # fmt: skip

    def fit(self) -> bool:
        """True while it lives, is ours (not a fork's) and has not served its share of files."""
        return self.process.poll() is None and self.owner == os.getpid() and self.tasks < _TASKS_PER_WORKER

    def ask(self, request: bytes) -> Any:
        """Send one request and wait for its answer, no longer than the wall clock allows."""
        self.tasks += 1
        pipe_in, pipe_out = self.process.stdin, self.process.stdout
        assert pipe_in is not None
        assert pipe_out is not None
        try:
            pipe_in.write(_HEADER.pack(len(request)) + request)
            pipe_in.flush()
            answer = _Deadline(pipe_out, WALL_SECONDS).message()
        except BaseException as error:
            self.end()
            if isinstance(error, OSError | EOFError):
                raise self._fate() from error
            raise
        kind, value = msgspec.msgpack.decode(answer)
        if kind != "ok":
            raise _ERRORS.get(kind, Unreadable)(value)
        return value

    def end(self) -> None:
        """Stop the process for good and close its pipes."""
        if self.owner == os.getpid():
            with suppress(ProcessLookupError):
                self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _fate(self) -> Unreadable:
        if self.process.returncode in (-signal.SIGXCPU, -signal.SIGXFSZ):
            return TooLarge("文件的处理超过了时间或空间限制")
        return Unreadable("文件无法读取：解析它的进程中断了")


class _Deadline:
    """Reads a framed message from a pipe before a moment in time."""

    def __init__(self, pipe: Any, seconds: float) -> None:
        self.descriptor = pipe.fileno()
        self.end = monotonic() + seconds

    def message(self) -> bytes:
        (size,) = _HEADER.unpack(self._exactly(_HEADER.size))
        if size > _MAX_ANSWER:
            raise TooLarge("文件的内容太多")
        return self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            left = self.end - monotonic()
            if left <= 0 or not select.select([self.descriptor], [], [], left)[0]:
                raise TooLarge(f"文件在 {WALL_SECONDS:.0f} 秒内没有读完")
            part = os.read(self.descriptor, min(size - len(parts), 1 << 20))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)


_lock = threading.RLock()
_current: _Worker | None = None


def _worker() -> _Worker:
    global _current
    if _current is None or not _current.fit():
        if _current is not None:
            _current.end()
        _current = _Worker()
    return _current


# --- inside the worker ---


def serve() -> None:
    """The worker's life: limits first, then one request after the other until the pipe closes."""
    pipe_in, pipe_out = _own_pipes()
    for module in (*_LATE, *(module for module, _ in _TASKS.values())):
        importlib.import_module(module)
    for name in _CODECS:
        codecs.lookup(name)
    _limit()
    confinement.confine()
    while len(header := pipe_in.read(_HEADER.size)) == _HEADER.size:
        request = pipe_in.read(_HEADER.unpack(header)[0])
        answer = _answer(request)
        pipe_out.write(_HEADER.pack(len(answer)) + answer)
        pipe_out.flush()


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep the pipes for ourselves: what a library prints must not reach the answer."""
    pipe_in, pipe_out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    return pipe_in, pipe_out


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_CPU, (_LIFETIME_CPU, _LIFETIME_CPU))


def walls_standing(data: bytes) -> list[str]:
    """Which walls of `confinement` stand around this worker. Only for the worker."""
    return sorted(confinement.standing)


def _answer(request: bytes) -> bytes:
    """Do one request; every failure is an answer, so that only a real crash ends the worker."""
    try:
        task, data, arguments = msgspec.msgpack.decode(request)
        used = resource.getrusage(resource.RUSAGE_SELF)
        soon = min(_LIFETIME_CPU, int(used.ru_utime + used.ru_stime) + _CPU_SECONDS)
        resource.setrlimit(resource.RLIMIT_CPU, (soon, _LIFETIME_CPU))
        module, function = _TASKS[task]
        value = getattr(importlib.import_module(module), function)(data, **arguments)
        answer = msgspec.msgpack.encode(("ok", value))
        return answer if len(answer) <= _MAX_ANSWER else _refusal(TooLarge("文件的内容太多"))
    except Unreadable as refused:
        return _refusal(refused)
    except MemoryError:
        return _refusal(TooLarge("读取文件需要的内存超过限制"))
    except Exception as error:  # whatever a library throws at a broken file
        return _refusal(Unreadable(f"文件无法读取：{type(error).__name__}"))


def _refusal(refused: Unreadable) -> bytes:
    return msgspec.msgpack.encode((refused.code, refused.message))
