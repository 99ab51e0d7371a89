"""Print the measured figures: ``python -m plugins.vision.measure quality spoilage`` prints two parts, without names all of them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from plugins.vision.measure import cost, fingerprint, honesty, masking, quality, reading, spoilage

PARTS = {
    "quality": quality.report,
    "fingerprint": fingerprint.report,
    "spoilage": spoilage.report,
    "reading": reading.report,
    "masking": masking.report,
    "honesty": honesty.report,
    "intake": cost.limits,
    "time": cost.timing,
}


def main() -> int:
    """Run the parts that were named and give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m plugins.vision.measure", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="part", help=", ".join(PARTS))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="the folder with manifest.csv and images/")
    parser.add_argument("--most", type=int, default=60, help="photos per set or class")
    args = parser.parse_args()
    if not (args.data / "manifest.csv").is_file():
        print(f"no photos in {args.data}: name the folder with --data", file=sys.stderr)
        return 2
    for name in args.parts or PARTS:
        PARTS[name](args.data, args.most)
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
