"""The image of a unit: its zip, checked, unpacked beside the recipe that copies it. No container engine is needed here."""

import shutil
import zipfile
from pathlib import Path

from infra.bundle import ROOT, Unit

#: The folder of a build context that becomes ``/var/task``.
TASK = "task"


def recipe(unit: Unit, root: Path = ROOT) -> Path:
    """Where the unit's Dockerfile lies: beside its app."""
    return root / Path(unit.app).with_name("Dockerfile")


def lay(unit: Unit, bundle: Path, folder: Path) -> Path:
    """Make ``folder`` the context to build the unit's image from, and give it. ``bundle`` has passed :func:`infra.bundle.check`.

    Lambda runs an image as a user of its own, from a disk that cannot be written: everybody may read, nobody may write.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder / TASK)
    for path in (folder / TASK, *(folder / TASK).rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    shutil.copy(recipe(unit), folder / "Dockerfile")
    return folder
