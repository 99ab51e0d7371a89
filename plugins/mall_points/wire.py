"""The contract's words, and the HTTP client that speaks them. README.md has the contract to the byte."""

from __future__ import annotations

from aftersales.signed import Contract, Http, Setting

CONTRACT = Contract("POINTS", "points", "The membership system")


def opened(setting: Setting) -> Http:
    """A pool of connections. The environment's proxies are not asked: these calls go where the settings say."""
    import httpx

    times = httpx.Timeout(setting.read_s, connect=setting.connect_s)
    client = httpx.Client(timeout=times, trust_env=False, follow_redirects=False)
    return Http(client, (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL), (httpx.TransportError,))
