"""docs/conventions.md is what its script makes of its results, and no wrong name gets into it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "conventions.json"


@pytest.fixture(scope="module")
def pages() -> ModuleType:
    spec = importlib.util.spec_from_file_location("conventions_page", ROOT / "benchmarks" / "conventions_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answer(**changed: Any) -> dict[str, Any]:
    blank = {"configuration": "by default", "name": "adam", "rule": "adam", "base": "adam", "verdict": "proved"}
    blank |= {"differences": [], "remarks": [], "hyper": {}, "nearest": None, "opaque": [], "unverified": ""}
    return {**blank, "contradicted": False, "ran": True, "title": "Adam", **changed}


def entry(*answers: dict[str, Any], ended: str = "") -> dict[str, Any]:
    return {"answers": list(answers), "ended": ended, "package": "p", "release": "1", "date": "2026-12-01"}


def section(page: str, head: str) -> str:
    return page.partition(f"\n## {head}")[2].partition("\n## ")[0]


def test_the_page_is_that_of_the_results(pages: ModuleType) -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert (ROOT / "docs" / "conventions.md").read_text(encoding="utf-8") == pages.page(results)


def test_code_that_does_more_than_was_read_has_no_name_in_any_configuration(pages: ModuleType) -> None:
    odd = entry(answer(contradicted=True, unverified="it leaves"), answer(configuration="decay", ran=False))
    page = pages.page({"p.Adam": odd, "p.Other": entry(answer()), "p.Untried": entry(answer(unverified="nothing"))})
    assert "`p.Adam`" not in section(page, "By rule")
    assert "`p.Untried`" not in section(page, "By rule")
    assert "`p.Adam`" in section(page, "Not borne out by runs")
    assert "`p.Other`" in section(page, "By rule")


def test_a_class_that_is_called_like_another_rule_is_shown(pages: ModuleType) -> None:
    other = answer(name="adan_optax", rule="adan_optax", base="adan_optax", title="Adan as in optax")
    plain = answer(name="adan", rule="adan", base="adan")
    page = pages.page({"p.adan": entry(other), "q.Adan": entry(plain)})
    assert "`p.adan`" in section(page, "One name")
    assert "`q.Adan`" not in section(page, "One name")


def test_what_has_no_name_says_why(pages: ModuleType) -> None:
    near = {"rule": "adam", "equation": "v", "of_rule": "g²", "of_code": "g·|g|"}
    none = answer(name=None, rule=None, base=None, verdict="none", nearest=near)
    unread = answer(name=None, rule=None, base=None, verdict="not read", opaque=["torch.norm"])
    page = pages.page({"p.N": entry(none), "p.U": entry(unread), "p.F": entry(ended="took more than 9 s")})
    assert "g·\\|g\\|" in section(page, "No rule here")
    assert "torch.norm" in section(page, "Not read")
    assert "took more than 9 s" in section(page, "Not read")
