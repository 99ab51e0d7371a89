"""How the library's requests travel: explicit time-outs, a bounded answer, no proxy of the environment, no redirect."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aftersales.errors import Unknown
from plugins.stripe_refund.setting import Setting

if TYPE_CHECKING:
    import httpx
    import stripe

#: No answer about refunds is larger; what is, comes from somebody else.
LARGEST = 4 << 20

#: What of the library's headers is sent: not its description of this machine.
_SENT = frozenset({"authorization", "content-type", "idempotency-key", "stripe-version"})


def transport(setting: Setting) -> tuple[stripe.HTTPClient, Callable[[], None]]:
    """The library's HTTP client, over one pool of connections, and how to close it."""
    import httpx
    import stripe

    times = httpx.Timeout(setting.read_s, connect=setting.connect_s)
    # The environment's proxies are not asked: payment calls go where the settings say.
    pool = httpx.Client(timeout=times, trust_env=False, follow_redirects=False)

    class Transport(stripe.HTTPClient):
        name = "aftersales"

        def request(
            self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, *, _usage: Any = None
        ) -> tuple[Any, int, Mapping[str, str]]:
            sent = {name: value for name, value in (headers or {}).items() if name.lower() in _SENT}
            fixed = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "aftersales"}
            request = pool.build_request(method, url, content=post_data or None, headers={**sent, **fixed})
            return _exchange(pool, request, setting.total_s)

        def close(self) -> None:
            pool.close()

    return Transport(), pool.close


def _exchange(pool: httpx.Client, request: httpx.Request, total_s: float) -> tuple[bytes, int, Mapping[str, str]]:
    """Raw body, status and headers. The whole of it has a limit too: a trickle would never run into ``read_s``. Raises Unknown."""
    import httpx

    until, parts, size = time.monotonic() + total_s, [], 0
    try:
        response = pool.send(request, stream=True)
        try:
            for part in response.iter_raw():
                parts.append(part)
                size += len(part)
                if size > LARGEST or time.monotonic() > until:
                    raise Unknown("Stripe's answer does not end.", sent=True)
        finally:
            response.close()
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise Unknown(f"Stripe cannot be reached: {type(error).__name__}.", sent=False) from error
    except httpx.TransportError as error:
        raise Unknown(f"Stripe gave no answer: {type(error).__name__}.", sent=True) from error
    response.headers.pop("stripe-notice", None)  # the library would turn it into a Python warning
    return b"".join(parts), response.status_code, response.headers
