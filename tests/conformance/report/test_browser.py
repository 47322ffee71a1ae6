"""The HTML page in a real browser: whole without a network, as wide as a phone, and its script at work."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance import certificates
from conformance.report.headless import browser, opened
from stepcheck.report.html import render

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(browser() is None, reason="no Chromium or Chrome is installed; STEPCHECK_BROWSER can name one"),
]

PHONE, DESKTOP = 390, 1280


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("name", ["broken", "library"])
def test_a_page_is_drawn_whole_without_a_network(tmp_path: Path, name: str, width: int) -> None:
    page = opened(render(certificates.ALL[name]), tmp_path, width=width)
    assert page["width"] == width
    assert page["requests"] == []
    assert page["script"] == "ran"
    assert page["wide"] == []
    assert page["scroll"] <= page["client"]
    assert page["histograms"]
    assert all(height > 15 for _, height in page["histograms"])
    assert len(page["traces"]) == 2
    assert all(100 < size[0] <= width for size in page["traces"])
    assert page["smallest"] >= 9.0
    assert "Error in radii, step by step" in page["text"]
    assert page["copies"] == len(certificates.ALL[name].failures) * 2
    assert page["copied"] in ("Copied", "Selected")


def test_a_table_that_is_wider_than_a_phone_scrolls_in_its_own_box(tmp_path: Path) -> None:
    page = opened(render(certificates.EXPECTED), tmp_path, width=PHONE)
    assert page["scrolled"] == 1
    assert page["scroll"] <= page["client"]


@pytest.mark.parametrize("name", ["broken", "expected", "attacked"])
def test_nothing_that_is_folded_up_is_wider_than_a_phone(tmp_path: Path, name: str) -> None:
    text = render(certificates.ALL[name])
    page = opened(text.replace("<details", "<details open"), tmp_path, width=360)
    assert page["wide"] == []
    assert page["scroll"] <= page["client"]
    assert len(page["opened"]) == text.count("<details")


def test_a_link_to_a_failure_opens_what_it_is_folded_into(tmp_path: Path) -> None:
    assert "failure-3" not in opened(render(certificates.BROKEN), tmp_path)["opened"]
    assert "failure-3" in opened(render(certificates.BROKEN), tmp_path, fragment="#failure-3")["opened"]


def test_a_message_that_is_a_script_is_not_run(tmp_path: Path) -> None:
    page = opened(render(certificates.ATTACKED), tmp_path)
    assert page["title"] != "pwned"
    assert page["images"] == 0
    assert "document.title='pwned'" in page["text"]
    assert page["scroll"] <= page["client"]


def test_a_page_that_is_none_of_this_would_be_seen(tmp_path: Path) -> None:
    planted = (
        '<img src="https://example.org/pixel.png" alt=""><div class="band" style="width:900px">wide</div>'
        "<script>document.title = 'pwned'</script>"
    )
    text = render(certificates.BROKEN)
    start = text.index("<meta http-equiv")
    page = opened(text[:start] + text[text.index(">", start) + 1 :].replace("<main>", f"<main>{planted}"), tmp_path)
    assert page["requests"] == ["https://example.org/pixel.png"]
    assert page["wide"] == ["DIV.band"]
    assert page["scroll"] > page["client"]
    assert page["title"] == "pwned"


def test_the_policy_alone_keeps_a_planted_script_and_image_out(tmp_path: Path) -> None:
    planted = '<img src="https://example.org/pixel.png" alt=""><script>document.title = \'pwned\'</script>'
    page = opened(render(certificates.BROKEN).replace("<main>", f"<main>{planted}"), tmp_path)
    assert page["title"] != "pwned"
    assert page["images"] == 1
    assert page["script"] == "ran"
