"""The other side of each channel: what really moved, what it says about it, and what goes wrong there.

Each is the sandbox's own provider with its books in memory. Its thread of notices is ended at once: the runner carries them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from infra.local.sandbox.alipay import Keys as AlipayKeys
from infra.local.sandbox.fault import At, Fault, Kind, Script
from infra.local.sandbox.provider import Env, Reply, build
from infra.local.sandbox.stripe import Keys as StripeKeys
from infra.local.sandbox.unionpay import Keys as UnionPayKeys
from infra.local.sandbox.wechatpay import Keys as WechatKeys
from plugins.unionpay_refund.message import order_id_of

Message = tuple[dict[str, str], bytes]

#: How long a refund takes at a provider that takes its time, and how long it stands before it bounces.
SLOW_S, BOUNCES_S = 90.0, 3600.0
#: What is on the account of a merchant who is short of money.
SHORT_MINOR = 1_500

C, Q = At.CREATE, At.QUERY
#: What goes wrong with an answer at any provider; each of the first is carried out, or not.
_EITHER = {
    "hang": Fault(C, Kind.HANG),
    "cut": Fault(C, Kind.CUT),
    "500": Fault(C, Kind.ERROR),
    "429": Fault(C, Kind.ERROR, status=429, code="FREQUENCY_LIMITED"),
    "html": Fault(C, Kind.HTML, status=502),
    "html_200": Fault(C, Kind.HTML, status=200),
}
_ANSWERS = {
    "wrong_amount": Fault(C, Kind.WRONG_AMOUNT),
    "wrong_number": Fault(C, Kind.WRONG_NUMBER),
    "query_hang": Fault(Q, Kind.HANG),
    "query_500": Fault(Q, Kind.ERROR),
    "query_html": Fault(Q, Kind.HTML, status=502),
    "query_wrong_amount": Fault(Q, Kind.WRONG_AMOUNT),
}
_SIGNATURES = {
    "bad_signature": Fault(C, Kind.BAD_SIGNATURE),
    "unsigned": Fault(C, Kind.UNSIGNED),
    "query_bad_signature": Fault(Q, Kind.BAD_SIGNATURE),
}


def _ends(**how: tuple[str, float]) -> dict[str, Fault]:
    return {name: Fault(C, Kind.OUTCOME, status_text=word, seconds=seconds) for name, (word, seconds) in how.items()}


def _faults(*tables: Mapping[str, Fault]) -> dict[str, Fault]:
    found = {name: fault for table in (_ANSWERS, *tables) for name, fault in table.items()}
    for name, fault in _EITHER.items():
        found |= {f"{name}_executed": fault, name: replace(fault, executed=False)}
    return found


#: What can go wrong at each provider, by name.
FAULTS: dict[str, dict[str, Fault]] = {
    "wechatpay": _faults(
        _SIGNATURES,
        _ends(slow=("SUCCESS", SLOW_S), closed=("CLOSED", SLOW_S), closed_now=("CLOSED", 0.0), abnormal=("ABNORMAL", SLOW_S)),
        {
            "stale": Fault(C, Kind.STALE),
            "unknown_serial": Fault(C, Kind.UNKNOWN_SERIAL),
            "query_unknown": Fault(Q, Kind.ERROR, status=404, code="RESOURCE_NOT_EXISTS"),
            "redirect_hang": Fault(At.REDIRECT, Kind.HANG),
            "redirect_500": Fault(At.REDIRECT, Kind.ERROR, executed=False),
            "redirect_abnormal": Fault(At.REDIRECT, Kind.OUTCOME, status_text="ABNORMAL", seconds=SLOW_S),
        },
    ),
    "alipay": _faults(_SIGNATURES, _ends(slow=("SUCCESS", SLOW_S), dropped=("FAILED", SLOW_S))),
    "stripe": _faults(
        _ends(
            slow=("succeeded", SLOW_S),
            failed=("failed", SLOW_S),
            canceled=("canceled", SLOW_S),
            bounced=("bounced", BOUNCES_S),
            action=("requires_action", SLOW_S),
        ),
        {"500_kept": Fault(C, Kind.ERROR, executed=False, code="api_error")},
    ),
    "unionpay": _faults(_SIGNATURES, _ends(slow=("00", SLOW_S), refused=("63", SLOW_S))),
}


class Counted(Script):
    """A script that tells which of its faults really happened."""

    def __init__(self, name: str, happened: Callable[[str], None]) -> None:
        super().__init__()
        self._name, self._happened = name, happened
        self._names: dict[int, str] = {}
        self._kept: list[Fault] = []

    def scripted(self, name: str, fault: Fault) -> None:
        """Append a fault with the name it is counted under."""
        mine = replace(fault)
        self._names[id(mine)] = name
        self._kept.append(mine)
        self.add(mine)

    def take(self, at: At, key: str, kinds: Collection[Kind] = frozenset(Kind)) -> Fault | None:
        """See the script."""
        found = super().take(at, key, kinds)
        if found is not None:
            self._happened(f"{self._name} {self._names[id(found)]}")
        return found


class Side:
    """One provider. Amounts are minor units; keys are our refund numbers."""

    def __init__(self, name: str, now: Callable[[], float], happened: Callable[[str], None], base_url: str) -> None:
        self.name = name
        self.script = Counted(name, happened)
        provider: Any = build(Env(name, now, self.script, base_url, keys=keys_of(name)))
        provider.notifier.stop()
        self.provider = provider
        self._frozen: set[str] = set()

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The reply to a call."""
        reply: Reply = self.provider.answer(method, path, headers, body)
        return reply

    def pay(self, number: str, minor: int) -> None:
        """A buyer has paid."""
        self.provider.pay(number, minor)

    def go_wrong(self, fault: str) -> None:
        """One more fault on the script."""
        self.script.scripted(fault, FAULTS[self.name][fault])

    def fund(self, minor: int | None) -> None:
        """What is left on the merchant's account; None: any amount."""
        self.provider.book.fund(minor)

    def freeze(self, number: str) -> bool:
        """Risk control holds a payment; whether this provider has such a thing."""
        if self.name not in ("wechatpay", "alipay"):
            return False
        self.provider.levers["freeze"](number)
        self._frozen.add(number)
        return True

    def heal(self) -> None:
        """Nothing goes wrong any more, nothing is held, and there is money on the account."""
        self.script.clear()
        self.fund(None)
        for number in self._frozen:
            self.provider.levers["freeze"](number, "" if self.name == "wechatpay" else False)

    def time_passed(self) -> None:
        """What is due at the provider happens."""
        self.provider.book.end_due()

    def moved(self) -> dict[str, tuple[str, int]]:
        """What was taken from the merchant and not given back, by number: the payment, and the sum of all under this number."""
        number, payment, sums = _COLUMNS[self.name]
        sql = f"select {number} as key, {payment} as payment, sum({sums}) as minor from refund group by 1, 2"
        return {row["key"]: (row["payment"], row["minor"]) for row in self._rows(sql)}

    def _rows(self, sql: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = getattr(self.provider.book, "base", self.provider.book).rows(sql)
        return rows

    def notices(self) -> list[str]:
        """The numbers that it has something to say about: Stripe of all, the others of what has ended."""
        rows = self._rows(f"select {_COLUMNS[self.name][0]} as key from refund where {_ENDED[self.name]}")
        return sorted({row["key"] for row in rows if row["key"].startswith("R")})

    def notice_of(self, key: str, minor: int | None = None, fault: Kind | None = None) -> Message:
        """A genuine notice about that refund as it is now; spoilt where ``fault`` or another amount is given."""
        message: Message = self.provider.notice_of(key, minor, fault)
        return message

    def foreign(self, key: str) -> list[Message]:
        """Genuine notices about a number like ours that is not ours."""
        if self.name == "wechatpay":
            about = replace(self.provider.book.find(key), out_refund_no="Rnever-1")
            headers, body = self.provider.notifier.made(about)
            return [({name.lower(): value for name, value in headers.items()}, body)]
        if self.name == "unionpay":
            found = next(refund for refund in self.provider.book.all() if refund.key == key)
            about = replace(found, own="Rnever-1", order_id=order_id_of("Rnever-1"))
            return [(self.notice_of(key)[0], self.provider.notifier.made(about))]
        return []  # their notices are never believed: the refund is read again

    def bounce(self, key: str) -> bool:
        """The buyer's bank sends the money back; whether this provider has such a thing."""
        if self.name != "stripe" or self.provider.book.refund(key).status != "succeeded":
            return False
        self.provider.fail(key)
        return True

    def close(self) -> None:
        """The end."""
        self.provider.close()


#: Number, payment and what was taken, in the books of each provider.
_COLUMNS = {
    "wechatpay": ("out_refund_no", "transaction_id", "case status when 'CLOSED' then 0 else minor end"),
    "alipay": ("out_request_no", "trade_no", "case status when 'FAILED' then 0 else minor end"),
    "stripe": ("number", "(select id from payment where payment.charge = refund.charge)", "case when taken then minor else 0 end"),
    "unionpay": ("own", "transaction_id", "case when code in ('00', '05') then minor else 0 end"),
}
#: Of which refunds a provider tells.
_ENDED = {"wechatpay": "status != 'PROCESSING'", "alipay": "status = 'SUCCESS'", "stripe": "true", "unionpay": "code != '05'"}
_KEYS: dict[str, Callable[[], Any]] = {
    "wechatpay": WechatKeys.fresh, "alipay": AlipayKeys.fresh, "stripe": StripeKeys.fresh, "unionpay": UnionPayKeys.fresh,
}  # fmt: skip


@cache
def keys_of(name: str) -> Any:
    """The keys of that provider, made once per process."""
    return _KEYS[name]()
