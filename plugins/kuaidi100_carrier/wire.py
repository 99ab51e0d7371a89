"""One signed question about an order, and its answer.

The platform signs no answers: HTTPS vouches for them. What cannot be read is Unknown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aftersales.errors import Unknown
from plugins.kuaidi100_carrier.post import Post
from plugins.kuaidi100_carrier.setting import Setting
from plugins.kuaidi100_carrier.sign import signature


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: whether it was done, the platform's code and sentence, and its data."""

    done: bool
    code: str
    message: str
    data: Mapping[str, Any]


class Wire:
    """Calls the platform. ``now`` is the real time in seconds: signatures."""

    def __init__(self, setting: Setting, now: Callable[[], float]) -> None:
        self._setting, self._now, self._post = setting, now, Post(setting.times)

    def call(self, method: str, said: Mapping[str, Any]) -> Answer:
        """The answer. Raises Unknown for silence, another status than 200, and what is not of its form."""
        param, t = json.dumps(said, separators=(",", ":"), ensure_ascii=False), str(int(self._now() * 1000))
        sign = signature(param, t, self._setting.key, self._setting.secret)
        form = {"method": method, "key": self._setting.key, "t": t, "sign": sign, "param": param}
        body = self._post.form(self._setting.base_url, form)
        try:
            found = json.loads(body)
            data = found.get("data") or {}
            return Answer(found["result"] is True, str(found["returnCode"]), str(found.get("message") or ""), dict(data))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Unknown("Kuaidi100's answer is not of its form.") from error

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        self._post.close()
