#!/usr/bin/env python3
"""Take the pictures of the README anew, in a real browser.

    scripts/take_pictures.py                     # into docs/pictures/: about a minute
    scripts/take_pictures.py --folder /tmp/new   # elsewhere, to compare

The scenes are those of the tests of the page, which set the server's clock and check each scene
before its picture is taken. Look at every picture before you commit it.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
SCENES = ("tests/end_to_end/test_page_states.py", "tests/end_to_end/test_play.py")


def main() -> int:
    """Run; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument(
        "--folder", type=Path, default=PICTURES, metavar="F", help="default: docs/pictures/"
    )
    folder = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as taken:
        environment = {**os.environ, "STILLHERE_PICTURES": taken}
        code = subprocess.run([ROOT / "scripts" / "test", *SCENES], env=environment).returncode
        if code != 0:
            print("take_pictures.py: a scene failed; no picture was replaced", file=sys.stderr)
            return code
        folder.mkdir(parents=True, exist_ok=True)
        for name in sorted(path.name for path in PICTURES.glob("*.png")):
            shutil.copyfile(Path(taken, f"readme-light-{name}"), folder / name)
            print(folder / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
