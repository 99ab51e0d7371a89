import subprocess
import sys
from pathlib import Path


def test_the_package_alone_says_that_it_runs_nothing(tmp_path: Path) -> None:
    """Where only the core is installed, a command that runs the system explains itself instead of breaking."""
    core = Path(__file__).parents[2] / "aftersales"
    (tmp_path / "aftersales").symlink_to(core)
    script = "import sys; sys.path.insert(0, sys.argv.pop()); from aftersales.command import main; sys.exit(main(['run']))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "checkout" in done.stderr
    assert "Traceback" not in done.stderr
