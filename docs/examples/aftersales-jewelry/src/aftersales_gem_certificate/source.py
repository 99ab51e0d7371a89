"""What the laboratory says, in the words of the core."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aftersales.errors import BadSignature, Unknown
from aftersales.fact import OrderFact
from aftersales.lookup import Heard, HeardFact, Lookup, Subject, pairs

from aftersales_gem_certificate.client import Client

SOURCE = "gem_certificate"
#: What a trade's rules can judge; its ``Ask`` names those that it knows.
STATUSES = ("valid", "revoked", "not_found")


@dataclass(frozen=True, slots=True)
class GemCertificate:
    """Asks the laboratory about a certificate by its number, and understands the appraisals that it tells of."""

    client: Client

    def ask(self, subject: Subject, now: datetime) -> Lookup:
        """What it knows about the line's certificate. Raises Unknown without a trustworthy answer."""
        found = self.client.post("/certificates", {"number": str(subject.line.data.get("certificate", ""))})
        if found.get("status") not in STATUSES or not _is_plain(found.get("data", {})):
            raise Unknown("The laboratory answers in another form.")
        return Lookup(SOURCE, subject.line.line_id, found["status"], now, data=pairs(found.get("data", {})))

    def heard(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Heard:  # noqa: ARG002 (the port's signature)
        """What its notice tells of an order. Raises BadSignature for one that is not its own; never a side effect."""
        signed = self.client.signature(body).encode()
        if not hmac.compare_digest(signed, headers.get("x-signature", "").encode()):
            raise BadSignature("This notice is not signed by the laboratory.")
        told = json.loads(body)
        at = datetime.fromisoformat(told["at"])
        fact = OrderFact(told["fact"], at, told.get("line_id", ""), SOURCE, told["data"])
        return Heard((HeardFact(told["merchant"], told["order_id"], fact),), reply=b'{"code":"SUCCESS"}')


def _is_plain(data: object) -> bool:
    return isinstance(data, dict) and all(type(value) in (str, int, bool) for value in data.values())
