"""Child processes that never outlive their parent, each with a log file of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.local.home import ROOT

STOP_TIMEOUT_S = 10.0

#: A part talks to this machine only: nobody is asked for credentials.
ALONE = {"AWS_EC2_METADATA_DISABLED": "true"}

# Started in place of the part, it asks the kernel to end this process with its parent and then becomes the part. Done here and
# not in preexec_fn, which must not be used where threads run. The parent may have ended in between: getppid tells.
_WITH_PARENT = """
import ctypes, os, sys
if sys.platform == "linux":
    PR_SET_PDEATHSIG, SIGTERM = 1, 15
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGTERM)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execv(sys.executable, [sys.executable, "-m", *sys.argv[2:]])
"""


class Child:
    """One part as a process: ``python -m module arguments``.

    It ends with the thread that started it (that is how the kernel counts parents), so start it from one that lasts.
    """

    def __init__(self, module: str, *arguments: str, environment: Mapping[str, str], log: Path) -> None:
        self._command = [module, *arguments]
        self._environment = environment
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process; None while none runs."""
        return self._process.pid if self.runs and self._process else None

    @property
    def runs(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process; its output is added to the log."""
        if self.runs:
            return
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _WITH_PARENT, str(os.getpid()), *self._command],
                env={**os.environ, **ALONE, **self._environment},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the parent, which ends the parts in order
            )

    def stop(self) -> None:
        """End the process in order; by force when it takes too long."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the process as a crash would (SIGKILL)."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def said(self, most: int = 2_000) -> str:
        """The end of the log."""
        try:
            return self._log.read_bytes()[-most:].decode(errors="replace").strip()
        except FileNotFoundError:
            return ""
