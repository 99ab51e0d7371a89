"""One call through Stripe's own library, and what came back. Whatever cannot be trusted is Unknown: it may have been carried out.

The library makes the requests and reads the answers; the bytes travel over a transport of ours, for the time-outs, sizes and
proxies that a payment wants. It never repeats a call: when to repeat, and with what, is the caller's to know.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from aftersales.errors import Unknown
from plugins.stripe_refund.setting import Setting

if TYPE_CHECKING:
    import stripe

#: Refunds of one payment on one page (Stripe's most), and how many pages are read before something must be wrong.
PAGE, MOST_PAGES = 100, 20


@dataclass(frozen=True, slots=True)
class Answer:
    """``said`` is the JSON object, or of an error the object under ``error``. ``replayed``: from Stripe's memory of the key."""

    status: int
    said: Mapping[str, Any]
    request_id: str
    replayed: bool = False

    def word(self, name: str) -> str:
        """A text of an error; empty on success."""
        return str(self.said.get(name) or "") if self.status >= 300 else ""

    @property
    def code(self) -> str:
        """Stripe's code of an error; some have none."""
        return self.word("code")

    @property
    def kind(self) -> str:
        """Stripe's type of an error."""
        return self.word("type")

    @property
    def param(self) -> str:
        """The parameter that an error is about."""
        return self.word("param")


class Refused(Exception):
    """A question was answered with an error."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status} {answer.code}")
        self.answer = answer


class Wire:
    """Calls Stripe over one pool of connections per process, from any thread."""

    def __init__(self, setting: Setting) -> None:
        self._setting, self._lock = setting, Lock()
        self._made: stripe.StripeClient | None = None
        self._end: Callable[[], None] = _nothing

    def create(self, key: str, params: Mapping[str, Any]) -> Answer:
        """Ask for a refund under an Idempotency-Key: the refund, or an error. Raises Unknown."""
        asked: Any = dict(params)
        return self._call(lambda client: client.v1.refunds.create(asked, {"idempotency_key": key}))

    def refunds(self, payment: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        """Every refund of a payment, the newest first. Raises Refused, and Unknown for a list that cannot be relied on."""
        after: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            answer = self._asked(partial(_page, {**payment, **after, "limit": PAGE}))
            found, more = answer.said.get("data"), answer.said.get("has_more")
            if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found) or not isinstance(more, bool):
                raise Unknown("Stripe's list of refunds is not of its form.", request_id=answer.request_id, sent=True)
            yield from found
            if not more:
                return
            if not found or not isinstance(found[-1].get("id"), str):
                break
            after = {"starting_after": found[-1]["id"]}
        raise Unknown("Stripe's list of refunds does not end.", sent=True)

    def refund(self, number: str) -> Mapping[str, Any]:
        """A refund as it stands now. Raises Refused and Unknown."""
        return self._asked(lambda client: client.v1.refunds.retrieve(number)).said

    def dispute(self, number: str) -> Mapping[str, Any]:
        """A dispute as it stands now. Raises Refused and Unknown."""
        return self._asked(lambda client: client.v1.disputes.retrieve(number)).said

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        with self._lock:
            end, self._end, self._made = self._end, _nothing, None
        end()

    # --- inside -------------------------------------------------------------------------------------------------------
    def _asked(self, call: Callable[[stripe.StripeClient], Any]) -> Answer:
        answer = self._call(call)
        if answer.status >= 300:
            raise Refused(answer)
        return answer

    def _call(self, call: Callable[[stripe.StripeClient], Any]) -> Answer:
        """The answer to one call. The library turns a body that is not Stripe's into errors of many kinds: all of them Unknown."""
        client = self._client()
        import stripe

        try:
            said = call(client).last_response
            answer = Answer(said.code, said.data, _header(said.headers, "request-id"), _replayed(said.headers))
        except stripe.StripeError as error:
            answer = _error(error)
        except (AttributeError, KeyError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise Unknown("Stripe's answer cannot be read.", sent=True) from error
        if not isinstance(answer.said, Mapping):
            raise Unknown("Stripe's answer is not of its form.", request_id=answer.request_id, sent=True)
        return answer

    def _client(self) -> stripe.StripeClient:
        with self._lock:
            if self._made is None:
                import stripe

                from plugins.stripe_refund.transport import transport

                # Of the library's own accord it would write an id of this machine to the home folder and send it along.
                stripe.enable_telemetry = False
                logging.getLogger("stripe").setLevel(logging.WARNING)  # below that it logs whole bodies
                http, self._end = transport(self._setting)
                self._made = stripe.StripeClient(
                    self._setting.api_key,
                    base_addresses={"api": self._setting.base_url},
                    max_network_retries=0,
                    http_client=http,
                )
            return self._made


def _page(asked: Any, client: stripe.StripeClient) -> Any:
    return client.v1.refunds.list(asked)


def _error(error: stripe.StripeError) -> Answer:
    """The answer in an error of the library. Raises Unknown for what is no error of Stripe's own form, whatever its status."""
    body: Any = error.json_body
    said = body.get("error") if isinstance(body, Mapping) else None
    headers = error.headers or {}
    status, request_id = error.http_status or 0, _header(headers, "request-id")
    if status < 400 or not isinstance(said, Mapping):
        raise Unknown(f"Stripe's answer ({status or 'none'}) is not of its form.", status=status, request_id=request_id, sent=True)
    return Answer(status, said, request_id, _replayed(headers))


def _replayed(headers: Mapping[str, str]) -> bool:
    return _header(headers, "idempotent-replayed").lower() == "true"


def _header(headers: Mapping[str, str], name: str) -> str:
    return str(headers.get(name) or "")


def _nothing() -> None:
    """Nothing is open yet."""
