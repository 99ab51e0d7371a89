import os
import subprocess
import sys
from pathlib import Path

import pytest

from aftersales.errors import AftersalesError
from infra.local import cli, docs

ROOT = Path(__file__).resolve().parents[2]


#: Folders whose README is the guide to every module in them.
GUIDED = ("aftersales", "functions", "plugins", "verticals")


@pytest.mark.parametrize("folder", GUIDED)
def test_a_folders_guide_names_every_room(folder):
    """A newcomer finds each module or folder by name in the README beside it."""
    guide = (ROOT / folder / "README.md").read_text(encoding="utf-8")
    rooms = [p for p in (ROOT / folder).iterdir() if not p.name.startswith(("_", ".")) and (p.suffix == ".py" or p.is_dir())]
    missing = [p.name for p in rooms if f"`{p.name}`" not in guide and f"`{p.name}/`" not in guide]
    assert len(rooms) > 1
    assert missing == []


@pytest.fixture
def written(tmp_path):
    """A folder into which the documents have just been written."""
    assert cli.main(["docs", "--root", str(tmp_path)]) == 0
    return tmp_path


def test_the_repositorys_documents_are_fresh():
    """What the docs say is what the code does. If this fails, run `aftersales docs`."""
    assert cli.main(["docs", "--check"]) == 0


def test_fresh_documents_pass_the_check(written, capsys):
    """Written documents are fresh, and writing them again writes nothing."""
    capsys.readouterr()
    assert cli.main(["docs", "--check", "--root", str(written)]) == 0
    assert cli.main(["docs", "--root", str(written)]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", docs.DOCUMENTS)
@pytest.mark.parametrize("spoil", ["gone", "one word", "one more line"])
def test_a_stale_document_is_caught(written, capsys, name, spoil):
    """A document that is missing or differs by a word fails the check, which names it and says what to run, and is left alone."""
    path = written / name
    content = path.read_text(encoding="utf-8")
    if spoil == "gone":
        path.unlink()
    else:
        path.write_text(content.replace("48 h", "47 h", 1) if spoil == "one word" else content + "\n", encoding="utf-8")
    before = path.read_bytes() if path.exists() else None
    assert cli.main(["docs", "--check", "--root", str(written)]) == 1
    said = capsys.readouterr().err
    assert name in said
    assert "aftersales docs" in said
    assert (path.read_bytes() if path.exists() else None) == before
    assert cli.main(["docs", "--root", str(written)]) == 0
    assert path.read_text(encoding="utf-8") == content


def test_documents_do_not_depend_on_the_process():
    """Another process with another hash seed prints the same, whatever this one has loaded."""

    class OnlyHere(AftersalesError):
        """An error of this test, which is nobody's documentation."""

    env = {**os.environ, "PYTHONHASHSEED": "77", "PYTHONIOENCODING": "utf-8"}
    code = "from infra.local.docs import tables; print(tables(), end='')"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, check=True)
    assert ran.stdout.decode("utf-8") == docs.tables()
    assert OnlyHere.code not in docs.tables()


def test_every_state_and_error_is_told():
    """No state of a case, parcel or refund and no error of the core is left out."""
    told = docs.tables()
    names = {name for one in docs.machines() for row in one.rows for name in row}
    codes = {error.code for error in AftersalesError.__subclasses__() if error.__module__ == "aftersales.errors"}
    assert [name for name in sorted(names | codes) if f"`{name}`" not in told] == []


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(60, "1 min"), (900, "15 min"), (3_600, "1 h"), (48 * 3_600, "48 h"), (72 * 3_600, "72 h"), (7 * 86_400, "7 d"), (90, "90 s")],
)
def test_lengths_read_as_people_say_them(seconds, said):
    """Hours up to three days, days beyond, minutes below an hour."""
    assert docs.length(docs.timedelta(seconds=seconds)) == said
