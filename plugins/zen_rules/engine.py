"""The engine: a checked table compiled once, kept by its digest, and asked which row holds.

::

    Table ── written anew from its parsed cells ──► JDM ── compiled once ──► decision ── facts as JSON text ──► row, outputs
                (never the merchant's own bytes)            (kept, `tables` at most)       (amounts as decimals)

So nothing reaches the engine that was not read and written by this system: literals, comparisons, intervals and lists. Such a table
has no loop to run and no call to make; what it costs is its cells, which the check limits.
"""

from __future__ import annotations

from collections import OrderedDict
from decimal import Decimal
from threading import Lock
from typing import Any

from aftersales.errors import Unknown
from aftersales.ruling.fact import Figures
from aftersales.ruling.result import Said
from aftersales.ruling.table import Fired, Table
from plugins.zen_rules.setting import Setting
from plugins.zen_rules.write import context_of, jdm_of

#: The output that says which row it was. No output of a merchant's has this name.
ROW = "_row"


class ZenTables:
    """The tables of all merchants in one process. Safe for threads; holds nothing of a case."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._lock = Lock()
        self._kept: OrderedDict[str, Any] = OrderedDict()

    def run(self, table: Table, figures: Figures) -> Fired:
        """See :class:`~aftersales.ports.TableEngine`."""
        decision = self._decision(table)
        try:
            said: dict[str, Any] = decision.evaluate(context_of(table, figures))["result"]
            row = said.pop(ROW)
        except Exception as error:  # the binding raises plain exceptions, and KeyError or TypeError mean it said nothing
            raise Unknown(f"The table engine gives no answer: {type(error).__name__}.", table=table.digest) from error
        outputs = {name: _exact(value) for name, value in said.items() if value is not None}
        known = isinstance(row, int) and 0 <= row < len(table.rows)
        if not known or outputs != table.rows[row].result.outputs():
            raise Unknown("The table engine names a row, and not what stands in it.", table=table.digest, row=str(row)[:20])
        return Fired(row, outputs)

    def _decision(self, table: Table) -> Any:
        with self._lock:
            found = self._kept.get(table.digest)
            if found is not None:
                self._kept.move_to_end(table.digest)
                return found
        made = _compiled(table)  # outside the lock: one merchant's large table makes nobody else wait
        with self._lock:
            self._kept[table.digest] = made
            while len(self._kept) > self._setting.tables:
                self._kept.popitem(last=False)
        return made


def _compiled(table: Table) -> Any:
    import zen

    try:
        decision = zen.ZenEngine().create_decision(jdm_of(table, ROW))
        decision.validate()
    except Exception as error:
        raise Unknown(f"The table engine cannot read a checked table: {type(error).__name__}.", table=table.digest) from error
    return decision


def _exact(value: Any) -> Said:
    """A number as it was written: the binding gives decimals as floats, whose shortest text is what was read."""
    return Decimal(str(value)) if isinstance(value, float) else value
