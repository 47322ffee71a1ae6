"""The HTML page: that it has what the certificate has, and nothing that a message injects."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from conformance import certificates
from stepcheck.certification.certificate import Certificate
from stepcheck.report.html import render
from stepcheck_reference.verdict import Verdict

EMPTY = {"meta", "link", "br", "img", "input", "hr"}
CONTRAST = 4.5
"""The least ratio of luminances between text and what is behind it, WCAG 2.2, success criterion 1.4.3."""


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text; notes what is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text = ""
        self.wrong: list[str] = []
        self.feed(text)
        self.close()
        self.wrong += self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.text += data

    def all(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        """Return the attributes of every ``tag`` that has those ``wanted``; "class_" stands for class."""
        names = {name.rstrip("_"): value for name, value in wanted.items()}
        return [
            attributes
            for name, attributes in self.elements
            if name == tag and all(value in attributes.get(key, "").split() for key, value in names.items())
        ]


def read(certificate: Certificate) -> Page:
    return Page(render(certificate))


def spaced(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("name", certificates.ALL)
def test_a_page_is_well_formed_and_every_link_in_it_has_a_target(name: str) -> None:
    parsed = read(certificates.ALL[name])
    assert parsed.wrong == []
    ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    inside = [link["href"] for link in parsed.all("a") if link["href"].startswith("#")]
    assert {link[1:] for link in inside} <= set(ids)
    assert {button["data-from"] for button in parsed.all("button")} <= set(ids)
    labelled = {attributes["aria-labelledby"] for _, attributes in parsed.elements if "aria-labelledby" in attributes}
    assert labelled <= set(ids)


@pytest.mark.parametrize("name", certificates.ALL)
def test_a_page_loads_nothing_outside_itself(name: str) -> None:
    text = render(certificates.ALL[name])
    parsed = Page(text)
    assert [tag for tag, attributes in parsed.elements if "src" in attributes or "style" in attributes] == []
    assert [link["href"] for link in parsed.all("link")] == ["data:,"]
    assert "url(" not in text
    assert "@import" not in text
    (policy,) = [meta["content"] for meta in parsed.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")


def test_the_policy_allows_the_page_its_own_script_and_style_alone() -> None:
    text = render(certificates.ATTACKED)
    (policy,) = [meta["content"] for meta in Page(text).all("meta") if "http-equiv" in meta]
    for tag in ("style", "script"):
        (inside,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_the_head_has_the_verdict_and_the_number_of_cells_with_each() -> None:
    parsed = read(certificates.EXPECTED)
    assert parsed.all("p", class_="verdict")[0]["class"].split() == ["verdict", "expected_broken"]
    text = spaced(parsed.text)
    assert "torch.optim.Adam: expected broken (stepcheck)" in text
    for words in ("1 holds", "1 expected broken", "1 vacuous", "1 not applicable", "1 not run"):
        assert words in text


def test_every_cell_has_its_verdict_in_colour_sign_and_word_its_ratio_and_its_errors() -> None:
    text = render(certificates.EXPECTED)
    for verdict, sign, ratio in (("holds", "✓", "0.750"), ("expected_broken", "!", "25"), ("vacuous", "∅", "")):
        word = verdict.replace("_", " ")
        (entry,) = re.findall(f'<td class="{verdict}".*?</td>', text, re.DOTALL)
        assert spaced(re.sub("<title>.*?</title>|<[^>]+>", "", entry)) == spaced(f"{sign}{word} {ratio}")
        assert '<svg class="histogram"' in entry
    assert '<td class="not_applicable" title="no complex tensors">' in text


def test_a_broken_cell_leads_to_its_failure() -> None:
    text = render(certificates.BROKEN)
    for anchor in re.findall(r'<td class="broken"[^>]*><a href="#([^"]+)"', text):
        assert f'<details class="failure" id="{anchor}"' in text
    assert len(re.findall(r'<td class="broken"[^>]*><a href=', text)) == 3


def test_each_failure_has_its_message_program_and_script() -> None:
    text = render(certificates.BROKEN)
    parsed = Page(text)
    assert len(parsed.all("details", class_="failure")) == len(certificates.BROKEN.failures)
    for failure in certificates.BROKEN.failures:
        assert failure.message in parsed.text
        assert f"python -m stepcheck replay {failure.token}" in parsed.text
        assert failure.standalone in parsed.text
    traces = sum(bool(entry.trace) for entry in certificates.BROKEN.failures)
    assert len(parsed.all("svg", class_="trace")) == 2 * traces
    text = spaced(parsed.text)
    for words in (
        "-0.25 ± 0.01",
        "steps 1–2",
        "gradient (1.0, nan)",
        "lr of group 0 set to 0.5",
        "Same failure in 1 more place",
    ):
        assert words in text


def test_the_first_failure_is_open_and_the_others_are_folded_up() -> None:
    opened = [entry for entry in read(certificates.BROKEN).all("details", class_="failure") if "open" in entry]
    assert len(opened) == 1
    assert not [entry for entry in read(certificates.EXPECTED).all("details", class_="failure") if "open" in entry]


def test_known_issues_have_a_section_with_explanations_and_links() -> None:
    parsed = read(certificates.EXPECTED)
    text = spaced(parsed.text)
    assert "Known issues" in text
    assert "It is known" in text
    assert "https://example.org/1" in [link["href"] for link in parsed.all("a")]
    assert "No longer occurs in Adam[default] single bfloat16 cpu." in text


def test_a_library_has_a_section_a_class_and_broken_ones_are_open() -> None:
    parsed = read(certificates.LIBRARY)
    parts = parsed.all("details", class_="part")
    assert [("open" in part) for part in parts] == [True, False, False]
    assert len(parsed.all("table", class_="classes")) == 1
    assert "torch.optim.SGD" in parsed.text
    assert "cuda:0" in parsed.text


def test_the_arithmetic_of_each_class_of_a_library_has_its_source() -> None:
    cells = [
        certificates.cell(target=f"torch.optim.{name}", arithmetic="torch single", arithmetic_source=f"{name}.py")
        for name in ("SGD", "Adam")
    ]
    text = spaced(read(certificates.certificate(*cells, target="torch.optim")).text)
    assert "torch single: SGD.py (SGD[default] single float32 cpu)" in text
    assert "torch single: Adam.py (Adam[default] single float32 cpu)" in text
    assert "torch.optim is checked against" not in text


def test_an_interrupted_run_gives_the_number_of_missing_cells() -> None:
    assert "3 cells missing; the verdict covers the remaining cells" in spaced(read(certificates.INTERRUPTED).text)
    assert "No cell was checked." in read(certificates.EMPTY).text


def test_strict_changes_the_exit_code_on_the_page() -> None:
    assert "exit code0" in "".join(Page(render(certificates.EXPECTED)).text.split("\n"))
    assert "exit code1 (--strict)" in "".join(Page(render(certificates.EXPECTED, strict=True)).text.split("\n"))


def test_hostile_messages_stay_text() -> None:
    text = render(certificates.ATTACKED)
    parsed = Page(text)
    assert len(parsed.all("script")) == len(parsed.all("style")) == 1
    assert parsed.all("img") == []
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202e]", text)
    assert parsed.text.count("<img src=x onerror=\"document.title='pwned'\">") > 5
    assert "\\x00\\x1b[31m\\u202e" in parsed.text
    assert [name for _, attributes in parsed.elements for name in attributes if name.startswith("on")] == []


def test_several_thousand_cells_are_one_page_of_a_few_megabytes() -> None:
    dtypes = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")
    cells = [
        certificates.cell(
            Verdict.EXPECTED_BROKEN if number % 7 == 0 else Verdict.HOLDS,
            dtype,
            *([certificates.broken(known_issue="known-gap", explanation="known")] if number % 7 == 0 else []),
            configuration=f"configuration {number}",
            mode=mode,
            target=f"torch.optim.Class{name}",
        )
        for name in range(11)
        for number in range(10)
        for mode in ("single", "foreach", "fused", "differentiable")
        for dtype in dtypes
    ]
    text = render(certificates.certificate(*cells, target="torch.optim"))
    assert len(cells) == 2640
    assert len(re.findall('<td class="(?:holds|expected_broken)"', text)) == 2640
    assert len(text.encode()) < 6_000_000


# What can be read by everybody.


def colours(scheme: str) -> dict[str, str]:
    """Return the style sheet's colours by name, as the light or dark scheme has them."""
    (style,) = re.findall(r"<style>(.*?)</style>", render(certificates.EMPTY), re.DOTALL)
    light, dark = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    colors = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light))
    return colors | (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", dark)) if scheme == "dark" else {})


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == 21.0
    assert contrast("#777777", "#ffffff") < CONTRAST < contrast("#767676", "#ffffff")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_of_the_standard(scheme: str) -> None:
    palette = colours(scheme)
    pairs = [(text, back) for text in ("ink", "quiet", "link") for back in ("paper", "card", "code")]
    pairs += [(verdict, f"{verdict}-tint") for verdict in ("holds", "broken", "expected_broken", "vacuous")]
    pairs += [("none", "paper"), ("none", "card"), ("broken", "card"), ("holds", "card")]
    weak = {pair: contrast(palette[pair[0]], palette[pair[1]]) for pair in pairs}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < CONTRAST} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_bars_and_lines_have_the_contrast_of_the_standard(scheme: str) -> None:
    palette = colours(scheme)
    backs = ("card", "holds-tint", "broken-tint", "expected_broken-tint", "vacuous-tint")
    weak = {
        (mark, back): contrast(palette[mark], palette[back]) for mark in ("bar", "edge", "broken") for back in backs
    }
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 3.0} == {}
