"""The way to the system: signed JSON over HTTP, with one time-out for everything."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

from aftersales.errors import Rejected, Unknown


@dataclass(frozen=True, slots=True)
class Client:
    """``key`` signs the raw body; no connection is kept."""

    base_url: str
    key: bytes
    timeout_s: float = 3.0

    def signature(self, body: bytes) -> str:
        """What stands in ``X-Signature``."""
        return hmac.new(self.key, body, hashlib.sha256).hexdigest()

    def post(self, path: str, said: dict[str, Any]) -> dict[str, Any]:
        """What the system answers. Raises Unknown without a trustworthy answer, Rejected for a final no (409)."""
        from http.client import HTTPException
        from urllib.error import HTTPError
        from urllib.request import Request, urlopen

        body = json.dumps(said, sort_keys=True).encode()
        headers = {"Content-Type": "application/json", "X-Signature": self.signature(body)}
        request = Request(f"{self.base_url}{path}", body, headers, method="POST")
        try:
            with urlopen(request, timeout=self.timeout_s) as answer:
                found = json.loads(answer.read())
        except HTTPError as error:
            with error:
                if error.code == 409:
                    raise Rejected("The system refuses it.", cause="refused") from error
            raise Unknown(f"The system answers {error.code}.") from error
        except (OSError, HTTPException, ValueError) as error:
            raise Unknown("The system does not answer.") from error
        if not isinstance(found, dict):
            raise Unknown("The system answers in another form.")
        return found
