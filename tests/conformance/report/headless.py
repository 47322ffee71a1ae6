"""A page opened in a real browser without a window, and what the page reports about itself."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

PROBE = """
addEventListener("load", async () => {
  await new Promise((done) => setTimeout(done, 50));
  const root = document.documentElement;
  const boxed = (element) => element.closest(".scroll, pre");
  const wide = [...document.body.querySelectorAll("*")].filter((element) =>
    !boxed(element) && !element.closest(".aloud") && element.getBoundingClientRect().right > root.clientWidth + 1);
  const sizes = (selector) => [...document.querySelectorAll(selector)].map((element) => {
    const box = element.getBoundingClientRect();
    return [Math.round(box.width), Math.round(box.height)];
  });
  const button = document.querySelector("details[open] button.copy");
  if (button) { button.click(); await new Promise((done) => setTimeout(done, 50)); }
  parent.postMessage(JSON.stringify({
    title: document.title,
    script: root.dataset.script || "",
    width: innerWidth, scroll: root.scrollWidth, client: root.clientWidth,
    wide: wide.slice(0, 5).map((element) => `${element.tagName}.${element.className.baseVal ?? element.className}`),
    requests: performance.getEntriesByType("resource").map((entry) => entry.name),
    histograms: sizes("table.cells svg.histogram").filter(([width]) => width > 0),
    traces: sizes("details[open] svg.trace").filter(([width]) => width > 0),
    text: document.body.innerText,
    opened: [...document.querySelectorAll("details[open]")].map((element) => element.id),
    copies: [...document.querySelectorAll("button.copy")].filter((element) => !element.hidden).length,
    copied: button ? button.textContent : "",
    scrolled: [...document.querySelectorAll(".scroll")].filter((box) =>
      box.checkVisibility() && box.scrollWidth > box.clientWidth).length,
    images: document.images.length,
    smallest: Math.min(...[...document.querySelectorAll("details[open] svg.trace text")].map((text) =>
      parseFloat(getComputedStyle(text).fontSize) * text.ownerSVGElement.getBoundingClientRect().width
      / text.ownerSVGElement.viewBox.baseVal.width)),
  }), "*");
});
"""
"""What the copy of the page that is opened says of itself, to the frame around it."""

FRAME = """<!DOCTYPE html><meta charset="utf-8"><title>frame</title>
<iframe src="page.html{fragment}" width="{width}" height="{height}" style="border:0"></iframe><pre id="report"></pre>
<script>
addEventListener("message", (event) => {{ document.getElementById("report").textContent = event.data; }});
</script>
"""
"""The page stands in a frame, because a browser's window may not get as narrow as a phone."""


def browser() -> str | None:
    """Return the browser's program: what STEPCHECK_BROWSER names, or the first one on the path."""
    return os.environ.get("STEPCHECK_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)


def opened(text: str, folder: Path, *, width: int = 390, height: int = 844, fragment: str = "") -> dict[str, Any]:
    """Return what a browser ``width`` pixels wide makes of the page ``text``, without a network.

    The page's own policy stays in force; only the probe is allowed in addition to its script.
    """
    program = browser()
    assert program is not None
    digest = base64.b64encode(hashlib.sha256(PROBE.encode()).digest()).decode()
    text = text.replace("script-src ", f"script-src 'sha256-{digest}' ", 1)
    text = text.replace("</body>", f"<script>{PROBE}</script></body>")
    (folder / "page.html").write_text(text, encoding="utf-8")
    frame = FRAME.format(width=width, height=height, fragment=fragment)
    (folder / "frame.html").write_text(frame, encoding="utf-8")
    done = subprocess.run(
        [
            program,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={folder / 'profile'}",
            f"--window-size={max(width, 600) + 50},{height + 100}",
            "--virtual-time-budget=5000",
            "--dump-dom",
            (folder / "frame.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    match = re.search(r'<pre id="report">(.+?)</pre>', done.stdout, re.DOTALL)
    assert match, done.stdout[-2000:] + done.stderr[-2000:]
    report: dict[str, Any] = json.loads(html.unescape(match[1]))
    return report
