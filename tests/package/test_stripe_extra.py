"""A library that few stages need is bundled where the stage asks for it, and nowhere else."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.bundle import API, LAMBDA, MIB, ROOT, VISION, needed, this_machine
from infra.local.sandbox import Sandbox
from infra.package import build

STAGES = ROOT / "infra" / "stages"

REFUND = """
import json, sys
from pathlib import Path
sys.path[:] = sys.argv[2:] + [part for part in sys.path if 'site-packages' not in part]
from aftersales.channel import RefundOrder
from aftersales.money import Money
from datetime import UTC, datetime
from plugins.stripe_refund import build
channel = build(json.loads(sys.argv[1]))
amount = Money(1990, "CNY")
receipt = channel.refund(RefundOrder("Rc1-1", "m1", "o1", "b1", "p1", "pi_SANDBOX1", amount, Money(9950, "CNY"), datetime.now(UTC)))
channel.close()
import stripe
print(json.dumps({"status": receipt.status, "library": stripe.__file__}))
"""


@pytest.fixture(scope="module")
def with_stripe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stage like the deployed one, with Stripe switched on."""
    said = (STAGES / "aws.toml").read_text(encoding="utf-8")
    assert '# stripe = "stripe_refund"' in said
    stage = tmp_path_factory.mktemp("stages") / "cards.toml"
    stage.write_text(said.replace('# stripe = "stripe_refund"', 'stripe = "stripe_refund"'), encoding="utf-8")
    return stage


def test_a_stage_without_stripe_carries_nothing_of_it() -> None:
    """The deployed stage does not switch it on: the unit is what it was."""
    assert needed(API, STAGES / "aws.toml") == API


def test_a_stage_with_stripe_asks_for_its_library(with_stripe: Path) -> None:
    """The unit that pays gets the list; the one that looks at photos does not."""
    assert needed(API, with_stripe).requirements == ("api", "stripe")
    assert needed(VISION, with_stripe) == VISION


def test_the_bundle_with_stripe_fits_lambda(with_stripe: Path, tmp_path: Path) -> None:
    """Built for Lambda it has the library in the locked version, for that machine, within its size."""
    built, size = build(needed(API, with_stripe), LAMBDA, tmp_path)
    print(f"api with stripe: {size / MIB:.1f} MiB unzipped, at most {API.max_bytes / MIB:.0f}")
    with zipfile.ZipFile(built / "deployment.zip") as archive:
        about = [name.partition("/")[0] for name in archive.namelist() if name.startswith("stripe-") and name.endswith("METADATA")]
    version = about[0].removeprefix("stripe-").removesuffix(".dist-info")
    assert f"stripe=={version} " in (ROOT / "requirements" / "stripe.txt").read_text(encoding="utf-8")


def test_the_bundle_with_stripe_refunds_with_nothing_but_itself(with_stripe: Path, tmp_path: Path) -> None:
    """Built for this machine and unzipped alone, it refunds through the library, and writes nothing into a home folder."""
    built, _ = build(needed(API, with_stripe), this_machine(), tmp_path)
    with zipfile.ZipFile(built / "deployment.zip") as archive:
        archive.extractall(tmp_path / "alone")
    with Sandbox() as sandbox:
        sandbox.pay("pi_SANDBOX1", 9950, provider="stripe")
        settings = json.dumps(sandbox.settings(provider="stripe"))
        command = [sys.executable, "-I", "-S", "-c", REFUND, settings, str(tmp_path / "alone")]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={"HOME": str(tmp_path)}, timeout=60)
        assert done.returncode == 0, done.stderr
        assert sandbox.truth("stripe")["total"]["executed"] == 1990
    said = json.loads(done.stdout)
    assert (said["status"], said["library"]) == ("succeeded", str(tmp_path / "alone" / "stripe" / "__init__.py"))
    assert not (tmp_path / ".config").exists()
