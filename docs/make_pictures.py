"""Make the pictures of the README from the demo: ``python docs/make_pictures.py``.

Run it from the repository's folder, with the extra ``test`` installed and Chromium on the PATH.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

REQUEST = "d869069c-1c88-49a9-9779-0fbb5587aaa5"
DOCS = Path(__file__).resolve().parent
SIZE = (900, 860)


def made(*arguments: str) -> bytes:
    """Return what the program prints."""
    command = [sys.executable, "-m", "retryctl", *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


def page_picture(html: str, chromium: str) -> bytes:
    """Return a screenshot of the top of a page, as PNG."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        width, height = SIZE
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_content(html)
        picture = page.screenshot()
        browser.close()
    return picture


def main() -> None:
    """Write the three pictures."""
    (DOCS / "trace.svg").write_bytes(made("trace", "--from", "demo", REQUEST, "-o", "svg"))
    (DOCS / "summary.svg").write_bytes(made("summary", "--from", "demo", "-o", "svg"))
    page = made("trace", "--from", "demo", REQUEST, "-o", "html").decode()
    chromium = shutil.which("chromium") or "chromium-browser"
    (DOCS / "page.png").write_bytes(page_picture(page, chromium))


if __name__ == "__main__":
    main()
