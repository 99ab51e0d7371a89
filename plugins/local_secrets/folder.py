"""LocalSecrets: one file per secret, which its owner alone can read, in a folder that nobody else can write to."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from aftersales.errors import BadSettings
from aftersales.secret import checked_name

#: As much as Secrets Manager takes (its quotas, read 2026-11): what works here works there.
LARGEST = 64 * 1024


class LocalSecrets:
    """The secrets of ``folder``. A link is followed within the folder only (that is how volumes change all files at once)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> str:
        """The text of the file. Raises BadSettings, with what to do about it, for one that others could read or replace."""
        file = self._folder / checked_name(name)
        content = self._content(name, file)
        text = ""
        with suppress(UnicodeDecodeError):  # not even as a cause: it holds what was read
            text = content.decode()
        if not text.strip():
            raise BadSettings(f"The secret {name} is empty, or no text.", todo=f"Write it into {file}.", name=name)
        return text

    def _content(self, name: str, file: Path) -> bytes:
        """The bytes of the file; what is judged is what was opened, whatever is put in its place meanwhile."""
        try:
            folder = self._folder.resolve(strict=True)
            _check_folder(folder)
            real = file.resolve(strict=True)
            if folder not in real.parents:
                raise BadSettings(
                    f"The secret {name} is a link that leads out of the folder.", todo=f"Put the file itself at {file}.", name=name
                )
            with os.fdopen(os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:
                _check_file(name, file, os.fstat(opened.fileno()))
                return opened.read(LARGEST)
        except FileNotFoundError as error:
            raise BadSettings(
                f"There is no secret {name}.", todo=f"Write it into {file} and run: chmod 600 {file}", name=name
            ) from error
        except (OSError, RuntimeError) as error:  # no right to it; links in a circle
            raise BadSettings(f"The secret {name} cannot be read: {error}", name=name) from error


def _check_folder(folder: Path) -> None:
    mode = folder.stat().st_mode
    if not stat.S_ISDIR(mode):
        raise BadSettings(f"{folder} is no folder of secrets.", todo="Name a folder in the setting folder of local_secrets.")
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise BadSettings(f"Others can write to {folder}, and replace the secrets in it.", todo=f"Run: chmod 700 {folder}")


def _check_file(name: str, file: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise BadSettings(f"The secret {name} is no file.", todo=f"Write it into {file}.", name=name)
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BadSettings(f"Others than its owner can get at the secret {name}.", todo=f"Run: chmod 600 {file}", name=name)
    if found.st_size > LARGEST:
        raise BadSettings(f"The secret {name} is larger than {LARGEST} bytes.", name=name, found=found.st_size)
