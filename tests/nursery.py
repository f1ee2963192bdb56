"""Starts programs of the engine as forks of one process that has loaded the engine: no test waits for imports.

Each is a process of its own, with its own streams, folder and environment, and can be killed. What Python reads when
it starts (`PYTHON...`, the locale) is the nursery's; a test of that starts the program for itself, and so does one of
the first and last moments of a process.
"""

from __future__ import annotations

import gc
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from runpy import run_module
from tempfile import TemporaryFile
from typing import IO, Any, NoReturn, Self

ROOT = Path(__file__).parents[1]
PATIENCE_S = 20.0
CREDENTIALS = {"API_KEY": "demo-key", "CLIENT_ID": "demo-client", "CLIENT_SECRET": "demo-secret"}


def environment(**more: str) -> dict[str, str]:
    """Return a plain environment: no colours asked for, no terminal named, credentials that the sandbox knows.

    No certificates, either: to load them takes a twentieth of a second, and no host here has one.
    """
    plain = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "TMPDIR"}}
    plain["SSL_CERT_FILE"] = os.devnull
    return {**plain, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", "LC_ALL": "C.UTF-8", **CREDENTIALS, **more}


@dataclass(slots=True)
class Forked:
    """A process that the nursery has started."""

    pid: int
    _told: int  # a pipe, on which the nursery tells the exit code
    returncode: int | None = None  # None: it runs; negative: the signal that ended it
    cpu_s: float = 0.0  # user and system, once it has ended

    def poll(self) -> int | None:
        """Return the exit code; None: it runs."""
        return self._look(0.0)

    def wait(self, timeout: float = PATIENCE_S) -> int:
        """Return the exit code, as soon as there is one. Raises TimeoutError."""
        code = self._look(timeout)
        if code is None:
            raise TimeoutError(f"process {self.pid} still runs after {timeout} s")
        return code

    def kill(self) -> None:
        """`kill -9` it; nothing happens to one that has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended just now
                os.kill(self.pid, signal.SIGKILL)

    def _look(self, timeout_s: float) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], timeout_s)[0]:
            code, cpu_s = os.read(self._told, 64).split()
            self.returncode, self.cpu_s = int(code), float(cpu_s)
            os.close(self._told)
        return self.returncode


class Nursery:
    """The process that forks; it ends with the block."""

    def __enter__(self) -> Self:
        self._control, its = socket.socketpair()
        command = [sys.executable, "-m", "tests.nursery", str(its.fileno())]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, pass_fds=[its.fileno()]
        )
        its.close()
        return self

    def __exit__(self, *_: object) -> None:
        self._control.close()
        assert self._process.wait(PATIENCE_S) == 0

    def start(
        self, module: str, *words: str, cwd: Path, stdout: IO[bytes], stderr: IO[bytes], env: Mapping[str, str]
    ) -> Forked:
        """Start `python -m MODULE WORDS`, with nothing to read."""
        told, tell = os.pipe()
        asked = json.dumps({"module": module, "words": words, "cwd": str(cwd), "env": dict(env)})
        with Path(os.devnull).open("rb") as nothing:
            streams = [stream.fileno() for stream in (nothing, stdout, stderr)]
            socket.send_fds(self._control, [asked.encode()], [*streams, tell])
            answer = self._control.recv(16)
        os.close(tell)
        assert answer, "the nursery has ended: standard error says why"
        return Forked(int(answer), told)

    def run(self, module: str, *words: str, cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
        """Run `python -m MODULE WORDS` to its end."""
        with TemporaryFile() as out, TemporaryFile() as err:
            code = self.start(module, *words, cwd=cwd, stdout=out, stderr=err, env=env).wait()
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(words, code, out.read(), err.read())


# The process itself.


def main(control: socket.socket) -> None:
    """Fork for each message that comes; tell the exit code of each process that ends."""
    load()
    ended, wake = os.pipe()
    for end in (ended, wake):
        os.set_blocking(end, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who interrupts the tests ends the nursery by closing its socket
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    children: dict[int, int] = {}  # process -> the pipe on which to tell its exit code
    while True:
        ready, _, _ = select.select([control.fileno(), ended], [], [])
        if ended in ready:
            os.read(ended, 4096)
            reap(children)
        if control.fileno() in ready:
            message, fds, _, _ = socket.recv_fds(control, 65_536, 4)
            if not message:
                return
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                signal.signal(signal.SIGINT, signal.default_int_handler)
                be(json.loads(message), fds[:3])
            *streams, children[pid] = fds
            for stream in streams:
                os.close(stream)
            control.send(str(pid).encode())


LATE = ("anyio._backends._asyncio", "anyio._core._signals", "concurrent.futures.thread", "encodings.utf_8_sig")
"""What is imported by programs that run, and by no module of the engine when it is loaded."""


def load() -> None:
    """Import what programs may need, once for all of them."""
    for name in (
        "anyio._backends._asyncio",
        "anyio._core._signals",
        "concurrent.futures.thread",
        "encodings.utf_8_sig",
    ):
        import_module(name)
    with suppress(ImportError):
        import_module("uvloop")  # an extra
    package = import_module("engine")
    for each in pkgutil.walk_packages(package.__path__, "engine."):
        if not each.name.endswith("__main__") and not each.name.startswith("engine.distribution"):
            import_module(each.name)
    gc.collect()
    gc.freeze()


def reap(children: dict[int, int]) -> None:
    """Tell the exit codes of the children that have ended, and the processor time that they used."""
    while children:
        pid, status, usage = os.wait4(-1, os.WNOHANG)
        if pid == 0:
            return
        tell = children.pop(pid)
        cpu_s = usage.ru_utime + usage.ru_stime
        os.write(tell, f"{os.waitstatus_to_exitcode(status)} {cpu_s}".encode())
        os.close(tell)


def be(asked: Mapping[str, Any], streams: list[int]) -> NoReturn:
    """Be the program that is asked for."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 256)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv = [asked["module"], *asked["words"]]
    code = 0
    try:
        run_module(asked["module"], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  it ends the program, as in any other
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as its_end:
        main(its_end)
