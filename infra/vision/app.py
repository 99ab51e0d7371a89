"""The vision unit's Chalice app: jobs of the photo queue, one function of its own with more memory and a slower start."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from chalice.app import Chalice

from aftersales import redaction
from aftersales.registry import Registry
from functions.follow import verify_photo

redaction.install()
app = Chalice(app_name="aftersales-vision")
log = logging.getLogger(__name__)


@cache
def registry() -> Registry:
    """What is switched on at this stage; read once per process, at the first job."""
    here = Path(__file__).resolve().parent
    packed = next((r for r in (here, here / "vendor", here.parents[1]) if (r / "infra" / "stages").is_dir()), here)
    stage = Path(os.environ.get("AFTERSALES_STAGE", packed / "infra" / "stages" / "aws.toml"))
    return Registry.from_file(stage, with_secrets=False)  # code that opens strangers' files has none to lose


@app.middleware("all")
def guard(event: Any, get_response: Callable[[Any], Any]) -> Any:
    """An error that ends a function is printed by Lambda itself, past every log: nothing must be read in it either."""
    return redaction.guarded(lambda: get_response(event))


@app.on_sqs_message(queue="photos", batch_size=1)  # the queue is set by infra/package.py
def look_at_photos(event: Any) -> dict[str, Any]:
    """Verify each photo; a job that breaks comes back alone, and after a few times rests in the dead-letter queue."""
    failed = []
    for record in event.to_dict()["Records"]:
        try:
            verify_photo(registry(), json.loads(record["body"]))
        except Exception:  # whatever it is, the other jobs go on and this one is tried again
            log.exception("a photo could not be verified")
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
