"""Working days and holidays of China, as the State Council's yearly notices say. See README.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugins.china_workdays.calendar import ChinaWorkdays
from plugins.china_workdays.setting import Setting


def build(settings: Mapping[str, Any]) -> ChinaWorkdays:
    """The calendar; the library behind it is loaded with the first question. Raises BadSettings, the wrong day named."""
    return ChinaWorkdays(Setting.parse(settings))
