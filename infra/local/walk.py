"""Walk: a whole claim as commands to paste into a shell, from a fresh order to the refund. ``aftersales run`` prints it."""

from __future__ import annotations

import shlex
import sys

from infra.local.home import Home
from infra.local.token import token

WALK = r"""export no_proxy="127.0.0.1,$no_proxy"
API={api}/v1; LOCAL={folder}; PY={python}
MALL='Authorization: Bearer {mall}'
BUYER='Authorization: Bearer {buyer}'
JSON='Content-Type: application/json'; EN='Accept-Language: en'
say() {{ printf '\n— %s\n' "$*"; }}
once() {{ echo "Idempotency-Key: walk-$(date +%s)-$RANDOM$RANDOM"; }}
ago() {{ "$PY" -c 'import datetime, pathlib, sys; from infra.local.home import Home
now = Home(pathlib.Path(sys.argv[1])).clock().now()
print((now - datetime.timedelta(hours=int(sys.argv[2]))).isoformat(timespec="seconds"))' "$LOCAL" "$1"; }}
pick() {{ "$PY" -c 'import json, sys
said = json.load(sys.stdin)
for name in sys.argv[1:]: said = said[int(name)] if isinstance(said, list) else said[name]
print(said if isinstance(said, str) else json.dumps(said, ensure_ascii=False, indent=1))' "$@"; }}

say 1. Paid at the provider, through its test-only port, and pushed by the mall, with its picture of the goods
NUMBER=$(date +%s)$RANDOM; ORDER=walk-$NUMBER
curl -s {truth}/payments -d '{{"transaction_id": "4200'$NUMBER'", "total": 9950}}'
curl -s -X PUT "$API/orders/$ORDER" -H "$MALL" -H "$JSON" -d '{{"order_id": "'$ORDER'", "merchant": "m1", "currency": "CNY",
  "status": "signed", "buyer": {{"id": "walker", "locale": "en"}}, "paid_at": "'$(ago 30)'", "shipped_at": "'$(ago 20)'",
  "signed_at": "'$(ago 2)'", "lines": [{{"line_id": "l1", "sku": "SB-500", "title": "Strawberries, per jin", "vertical": "fresh",
  "category": "strawberry", "unit_price_minor": 1990, "pieces": 5, "terms": {{"no_return": true}}}}],
  "payments": [{{"payment_id": "p1", "channel": "wechatpay", "transaction_id": "4200'$NUMBER'", "paid_minor": 9950}}]}}'

upload() {{ curl -s -o /dev/null -w 'uploaded: %{{http_code}}\n' "$(pick url < "$LOCAL/walk.json")" --form-string "$(field key)" \
  --form-string "$(field Content-Type)" --form-string "$(field max)" --form-string "$(field expires)" \
  --form-string "$(field signature)" -F "file=@$1"; }}
field() {{ echo "$1=$(pick fields "$1" < "$LOCAL/walk.json")"; }}
"$PY" -m infra.local.photos "$LOCAL/shown.jpg" --shown
curl -s "$API/orders/$ORDER/proofs" -H "$MALL" -H "$JSON" -H "$(once)" \
  -d '{{"role": "catalogue", "line_id": "l1", "bytes": '$(wc -c < "$LOCAL/shown.jpg")'}}' > "$LOCAL/walk.json"
upload "$LOCAL/shown.jpg"
curl -s -X POST "$API/orders/$ORDER/proofs/$(pick evidence_id < "$LOCAL/walk.json")/hand-in" -H "$MALL" -H "$(once)" | pick role

say 2. What is possible
curl -s "$API/orders/$ORDER/options" -H "$BUYER" -H "$EN" | pick lines 0 offers 1 rules

say 3. A draft: one of five jin is spoiled
CASE=$(curl -s "$API/cases" -H "$BUYER" -H "$JSON" -H "$(once)" \
  -d '{{"order_id": "'$ORDER'", "kind": "claim", "reason": "spoiled", "items": [{{"line_id": "l1", "pieces": 1}}]}}' | pick case_id)
echo "case $CASE"

say 4. A photo, by a signed upload as browsers do it
"$PY" -m infra.local.photos "$LOCAL/walk.jpg" --home "$LOCAL"
curl -s "$API/cases/$CASE/evidence" -H "$BUYER" -H "$JSON" -H "$(once)" \
  -d '{{"bytes": '$(wc -c < "$LOCAL/walk.jpg")'}}' > "$LOCAL/walk.json"
upload "$LOCAL/walk.jpg"

say 5. Handed in: the worker looks, the rules decide, the sandbox of WeChat Pay pays
curl -s -X POST "$API/cases/$CASE/submit" -H "$BUYER" -H "$(once)" | pick state
stands() {{ STATE=$(curl -s "$API/cases/$CASE" -H "$BUYER" | pick state); }}
for i in $(seq 100); do stands; if [ "$STATE" = closed ]; then break; fi; sleep 0.2; done
curl -s "$API/cases/$CASE" -H "$BUYER" -H "$EN" | pick decision findings | grep -E '"(text|confidence)"'
curl -s "$API/cases/$CASE" -H "$BUYER" -H "$EN" | pick decision reason
curl -s "$API/cases/$CASE" -H "$BUYER" | pick refunds 0

say 6. Who did what, and what the buyer was told
curl -s "$API/cases/$CASE/timeline" -H "$BUYER" -H "$EN" | pick steps | grep '"text"'
curl -s "$API/notices" -H "$BUYER" | pick notices 0 text
if [ "$STATE" = closed ]; then echo "walked: case $CASE is closed"; else echo "the case is $STATE"; fi
"""

#: What its last line says when the claim went all the way.
ARRIVED = "walked: case "


def walk(home: Home) -> str:
    """The commands, with this home's addresses and tokens for twelve hours."""
    return WALK.format(
        api=home.url,
        truth=home.truth_url,
        folder=shlex.quote(str(home.folder)),
        python=shlex.quote(sys.executable),
        mall=token(home, "integrator", "m1", "mall"),
        buyer=token(home, "buyer", "m1", "walker"),
    )
