import re
from pathlib import Path

from aftersales.audit import problem
from aftersales.kits import KITS

ROOT = Path(__file__).resolve().parents[2]
#: Parts of the store's kit, named by their modules on the page.
OF_THE_STORE = "aftersales/testing/store_"


def test_every_kit_is_on_the_page():
    """Whoever looks for what holds a port finds every class that can be inherited, and where it lies."""
    page = (ROOT / "docs" / "kits.md").read_text(encoding="utf-8")
    for path in sorted((ROOT / "aftersales" / "testing").glob("*.py")):
        for name in re.findall(r"^class (\w+Contract)\b", path.read_text(encoding="utf-8"), re.MULTILINE):
            is_part = path.relative_to(ROOT).as_posix().startswith(OF_THE_STORE) and name != "StoreContract"
            assert f"`{path.stem}`" in page if is_part else f"`{name}` | `aftersales.testing.{path.stem}`" in page, name
    for kit in KITS:
        assert f"`{kit.port}`" in page


def test_every_code_of_the_check_is_explained():
    """Each code that the check prints stands in the table of levels, alone or by its first word."""
    page = (ROOT / "docs" / "quality.md").read_text(encoding="utf-8")
    assert problem.__doc__
    codes = set()
    for path in (ROOT / "aftersales" / "audit").glob("*.py"):
        codes |= set(re.findall(r"Problem\(\s*\"(\w+\.\w+)\"", path.read_text(encoding="utf-8")))
    assert len(codes) > 30
    missing = [code for code in sorted(codes) if f"`{code}`" not in page and f"`{code.partition('.')[0]}.*`" not in page]
    assert missing == []
