"""``python -m infra.package``: builds what is deployed, under ``build/aftersales/``.

``api.zip`` for Lambda (Python 3.13 on arm64), the folder ``vision`` that an image is made from, or ``vision.zip``
(``--vision zip``: without the reader of words), and ``template.json``, which CloudFormation takes as it is::

    docker build --build-arg DIGEST=sha256:… build/aftersales/vision
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

from infra import bundle
from infra.bundle import LAMBDA, MACHINES, MIB, PROFILES, ROOT, UNITS, BuildFailed, Target, Unit
from infra.image import lay
from infra.template import assemble, lint

#: The stage file in infra/stages that the functions run with, unless another is named.
STAGE = "aws"


def build(unit: Unit, target: Target, work: Path, guests: Sequence[str] = ()) -> tuple[Path, int]:
    """Stage, pack and check one unit below ``work``; give Chalice's output folder and the unzipped size in bytes.

    ``guests`` are packages of third parties; the stage file says which of their trades and plugins are active.
    """
    expected = bundle.belonging(unit)  # before staging: a file that somebody adds meanwhile belongs to the next build
    bundle.stage(unit, target, work / unit.name / "stage", guests=guests)
    packed = bundle.pack(unit, work / unit.name / "stage", work / unit.name / "out")
    return packed.parent, bundle.check(unit, target, packed, expected)


def release(
    units: Sequence[Unit], stage_file: Path, work: Path, out: Path, target: Target = LAMBDA, guests: Sequence[str] = ()
) -> Path:
    """Build the units for Lambda, put zips, image folders and template into ``out``, and give the template's path.

    With some of the units only, there is no template, and ``out`` is given.
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    packed = []
    for unit in (bundle.needed(one, stage_file) for one in units):
        print(f"building {unit.name} for Python {target.python} on {target.machine} …", flush=True)
        folder, size = build(unit, target, work, guests)
        zipped = (folder / "deployment.zip").stat().st_size
        print(f"  {zipped / MIB:.1f} MiB zipped, {size / MIB:.1f} MiB unzipped, at most {unit.max_bytes / MIB:.0f} MiB")
        if unit.image:
            lay(unit, folder / "deployment.zip", out / unit.name)
        else:
            shutil.copy(folder / "deployment.zip", out / f"{unit.name}.zip")
        packed.append((unit, json.loads((folder / "sam.json").read_text())))
    if len(packed) < len(UNITS):  # a part of the system has no template: its alarms and roles name the other part
        return out
    template = out / "template.json"
    template.write_text(json.dumps(assemble(packed, stage_file, target), indent=2) + "\n")
    lint(template)
    return template


def main(argv: Sequence[str] | None = None) -> int:
    """Build and give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.package", description="Builds what is deployed.")
    parser.add_argument("--stage", default=STAGE, help="the stage file in infra/stages that the functions run with")
    parser.add_argument("--unit", choices=sorted(UNITS), action="append", help="only this unit, without a template (default: all)")
    parser.add_argument("--vision", choices=sorted(PROFILES), default="image", help="how the vision unit is deployed (image)")
    parser.add_argument("--machine", choices=sorted(MACHINES), default=LAMBDA.architecture, help="the CPU that Lambda runs it on")
    parser.add_argument(
        "--with", dest="guests", metavar="PACKAGE", action="append", default=[], help="a third party's wheel or folder"
    )
    args = parser.parse_args(argv)
    profiles = {**UNITS, "vision": PROFILES[args.vision]}
    units = [profiles[name] for name in args.unit or ("api", "vision")]
    build_folder, stage_file = ROOT / "build", ROOT / "infra" / "stages" / f"{args.stage}.toml"
    try:
        template = release(units, stage_file, build_folder, build_folder / "aftersales", MACHINES[args.machine], args.guests)
    except (BuildFailed, FileNotFoundError) as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    print(f"ready: {template.relative_to(ROOT)}" + (" and what it names beside it" if template.is_file() else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
