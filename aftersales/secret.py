"""Secrets: read by name when first needed, kept for a while, asked for again, and never shown in a log.

A stage file names one as ``secret:NAME``, or as ``secret:NAME#FIELD`` where the secret is a JSON object. What changes together
(a private key and the serial number of its certificate, say) is kept in the fields of one secret: read, and renewed, at once.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any

from aftersales import redaction
from aftersales.errors import BadSettings
from aftersales.ports import Secrets

log = logging.getLogger(__name__)

#: How long a value is used before it is asked for again: so late, at most, is a rotated secret picked up.
MAX_AGE_S = 600.0
#: A secret that cannot be read again is tried again after this; until then its last value stays in use.
RETRY_S = 60.0

#: What every keeper of secrets takes as a name: no path, nothing hidden, no wild card.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+=-]{0,127}")


def checked_name(name: str) -> str:
    """The name, if it is one. Raises BadSettings."""
    if not NAME.fullmatch(name) or ".." in name:
        raise BadSettings("This is no name of a secret.", found=name[:130], expected=NAME.pattern)
    return name


@dataclass(frozen=True, slots=True)
class _Text:
    value: str
    until: float  # seconds since 1970


class KeptSecrets:
    """The secrets of ``source`` that this process asked for. Safe for threads. ``now`` is the real time in seconds since 1970."""

    def __init__(self, source: Secrets, now: Callable[[], float] = time.time) -> None:
        self._source, self._now = source, now
        self._lock = Lock()
        self._texts: dict[str, _Text] = {}
        self._values: dict[str, tuple[str, str]] = {}  # address → the text it was taken from, and the value

    def value(self, address: str) -> str:
        """The secret ``NAME``, or the field of ``NAME#FIELD``, without the white space around it.

        Raises BadSettings, which names it and never shows it, when it was never read before; later failures are logged.
        """
        name, mark, field = address.partition("#")
        with self._lock:
            text = self._text(name)
            taken, value = self._values.get(address, ("", ""))
            if taken != text:
                try:
                    value = _field(name, field, text) if mark else text
                except BadSettings as error:
                    if not value:
                        raise
                    log.error("%s The value before stays in use.", error.message)  # noqa: TRY400  # no trace wanted
                redaction.learn(value)
                self._values[address] = (text, value)
            return value

    def _text(self, name: str) -> str:
        """The whole secret, asked for again once it is too old (or from the future: somebody has set the machine's time)."""
        kept, now = self._texts.get(name), self._now()
        if kept is not None and now < kept.until <= now + MAX_AGE_S:
            return kept.value
        try:
            text, until = self._asked(name), now + MAX_AGE_S
        except BadSettings as error:
            if kept is None:
                raise
            log.error("%s The value before stays in use.", error.message)  # noqa: TRY400  # no trace wanted
            text, until = kept.value, now + RETRY_S
        redaction.learn(text)
        self._texts[name] = _Text(text, until)
        return text

    def _asked(self, name: str) -> str:
        text = self._source.read(name).strip()
        if not text:
            raise BadSettings(f"The secret {name} is empty.", name=name)
        return text


def _field(name: str, field: str, text: str) -> str:
    said: Any = None
    with suppress(ValueError):  # not even as a cause: it holds what was read
        said = json.loads(text)
    if not isinstance(said, dict):
        raise BadSettings(f"The secret {name} is no JSON object, and the field {field} of it is asked for.", name=name)
    value = said.get(field)
    if not isinstance(value, str) or not value.strip():
        raise BadSettings(f"The secret {name} has no text in the field {field}.", name=name, field=field)
    return value.strip()
