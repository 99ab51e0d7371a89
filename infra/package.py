"""``python -m infra.package``: builds what is deployed, under ``build/aftersales/``.

``api.zip`` and ``vision.zip`` for Lambda (Python 3.13 on arm64) and ``template.json``, which CloudFormation takes as it is::

    aws cloudformation package --template-file build/aftersales/template.json --s3-bucket B --output-template-file build/out.json
    aws cloudformation deploy --template-file build/out.json --stack-name aftersales --capabilities CAPABILITY_IAM

Nothing here talks to AWS or needs credentials. Every fault that can be seen from here ends the build: a module left out, a wheel
for another machine, a bundle over its size, a template that cfn-lint doubts.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.bundle import LAMBDA, MIB, ROOT, UNITS, BuildFailed, Target, Unit, belonging, check, needed, pack, stage
from infra.template import assemble, lint

#: The stage file in infra/stages that the functions run with, unless another is named.
STAGE = "aws"


def build(unit: Unit, target: Target, work: Path) -> tuple[Path, int]:
    """Stage, pack and check one unit below ``work``; give Chalice's output folder and the unzipped size in bytes."""
    expected = belonging(unit)  # before staging: a file that somebody adds meanwhile belongs to the next build
    stage(unit, target, work / unit.name / "stage")
    bundle = pack(unit, work / unit.name / "stage", work / unit.name / "out")
    return bundle.parent, check(unit, target, bundle, expected)


def release(units: Sequence[Unit], stage_file: Path, work: Path, out: Path) -> Path:
    """Build the units for Lambda, put zips and template into ``out`` and give the template's path."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    packed = []
    for unit in (needed(one, stage_file) for one in units):
        print(f"building {unit.name} for Python {LAMBDA.python} on {LAMBDA.machine} …", flush=True)
        folder, size = build(unit, LAMBDA, work)
        zipped = (folder / "deployment.zip").stat().st_size
        print(f"  {zipped / MIB:.1f} MiB zipped, {size / MIB:.1f} MiB unzipped, at most {unit.max_bytes / MIB:.0f} MiB")
        shutil.copy(folder / "deployment.zip", out / f"{unit.name}.zip")
        packed.append((unit, json.loads((folder / "sam.json").read_text())))
    template = out / "template.json"
    template.write_text(json.dumps(assemble(packed, stage_file), indent=2) + "\n")
    lint(template)
    return template


def main(argv: Sequence[str] | None = None) -> int:
    """Build and give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.package", description="Builds what is deployed.")
    parser.add_argument("--stage", default=STAGE, help="the stage file in infra/stages that the functions run with")
    parser.add_argument("--unit", choices=sorted(UNITS), action="append", help="only this unit (default: all)")
    args = parser.parse_args(argv)
    units = [UNITS[name] for name in args.unit or ("api", "vision")]
    try:
        template = release(units, ROOT / "infra" / "stages" / f"{args.stage}.toml", ROOT / "build", ROOT / "build" / "aftersales")
    except (BuildFailed, FileNotFoundError) as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    print(f"ready: {template.relative_to(ROOT)} and the zips beside it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
