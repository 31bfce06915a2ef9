"""A page opened in a real browser, and a script that works in it."""

import html
import json
import re
import shutil
import subprocess

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1300,900",
)


def play(page, script, folder, milliseconds=20_000):
    """Run `script`, the body of an async function, in a page; what it returns, by way of JSON.

    Waits in the script pass at once: the browser's clock runs ahead.
    """
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    ending = f"""<script>
    const wait = ms => new Promise(done => setTimeout(done, ms));
    (async () => {{ {script} }})().catch(error => ({{ error: String(error) }})).then(answer => {{
      const pre = document.createElement("pre");
      pre.id = "answer";
      pre.textContent = JSON.stringify(answer);
      document.body.replaceChildren(pre);
    }});</script></body>"""
    path = folder / "played.html"
    path.write_text(page.replace("</body>", ending), encoding="utf-8")
    profile = folder / "profile"
    command = [
        browser,
        *FLAGS,
        f"--user-data-dir={profile}",
        f"--virtual-time-budget={milliseconds}",
    ]
    done = subprocess.run(
        [*command, "--dump-dom", path.as_uri()], capture_output=True, timeout=240, check=True
    )
    found = re.search(r'<pre id="answer">(.*?)</pre>', done.stdout.decode(), re.DOTALL)
    assert found, "the script did not come to its end"
    answer = json.loads(html.unescape(found[1]))
    assert not (isinstance(answer, dict) and "error" in answer), answer
    return answer
