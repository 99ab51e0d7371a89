"""Installed: packages as an installer leaves them, for tests of what entry points offer."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent


def install(
    folder: Path, name: str, files: Mapping[str, str], entries: Mapping[str, Mapping[str, str]], requires: str | None = None
) -> Path:
    """Write distribution ``name`` 1.0 into ``folder``: ``files`` by path, ``entries`` by group and name; give the folder."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(dedent(content), encoding="utf-8")
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    needs = f"Requires-Dist: {requires}\n" if requires else ""
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}", encoding="utf-8")
    groups = [f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in found.items()) for group, found in entries.items()]
    (info / "entry_points.txt").write_text("\n".join(groups), encoding="utf-8")
    return folder
