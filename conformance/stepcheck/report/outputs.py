"""Outputs: the requested reports and where each is written, checked before anything runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stepcheck import files
from stepcheck.certification.certificate import Certificate
from stepcheck.certification.request import WrongRequest

STDOUT = "-"
GITHUB = "GITHUB_STEP_SUMMARY"
GITHUB_LIMIT = 1024 * 1024
"""Bytes that GitHub accepts as the summary of one step; of a longer one it shows nothing."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """``files`` by format, "html", "json", "junit" or "md"; ``printed`` is what stdout gets, "text" or a format."""

    files: Mapping[str, Path]
    printed: str = "text"

    def write(self, render: Callable[[str], str]) -> None:
        """Write every file, ``render``ed in its format.

        Raises WrongRequest for those that cannot be written, after the others are.
        """
        errors: list[str] = []
        for form, path in self.files.items():
            try:
                files.write(path, render(form))
            except OSError as error:
                errors.append(_unwritable(form, path, error))
        if errors:
            raise WrongRequest("; ".join(errors))


def resolve_outputs(requested: Mapping[str, str | None]) -> Outputs:
    """Return the outputs of ``requested``: format to path, "-" for stdout, None where it is not requested.

    Raises WrongRequest where two have the same path, or a file cannot be written.
    """
    printed = [form for form, path in requested.items() if path == STDOUT]
    if len(printed) > 1:
        raise WrongRequest(f"{' and '.join(printed)} would be printed, but only one can be; give the others a path")
    paths = {form: Path(path) for form, path in requested.items() if path is not None and path != STDOUT}
    formats: dict[str, str] = {}
    for form, path in paths.items():
        other = formats.setdefault(os.path.realpath(path), form)
        if other != form:
            raise WrongRequest(f"{form}={path}, but {other} is written there already")
        try:
            files.check(path)
        except OSError as error:
            raise WrongRequest(_unwritable(form, path, error)) from error
    return Outputs(paths, printed[0] if printed else "text")


def render(form: str, certificate: Certificate, *, strict: bool = False) -> str:
    """Return ``certificate`` in one format."""
    if form == "json":
        return certificate.to_json() + "\n"
    if form == "md":
        from stepcheck.report.markdown import render as render_markdown

        return render_markdown(certificate)
    if form == "junit":
        from stepcheck.report.junit import render as render_junit

        return render_junit(certificate, strict=strict)
    from stepcheck.report.html import render as render_html

    return render_html(certificate, strict=strict)


def append_step_summary(render: Callable[[int], str]) -> str:
    """Append a summary to the file that GITHUB_STEP_SUMMARY names; return why that failed, or "".

    ``render`` returns it in at most so many bytes: with what the file already contains it stays within GitHub's limit.
    """
    name = os.environ.get(GITHUB, "")
    if not name:
        return ""
    path = Path(name)
    try:
        size = path.stat().st_size if path.exists() else 0
        text = render(GITHUB_LIMIT - size - 1)
        with path.open("ab") as file:
            file.write((("\n" if size and text else "") + text).encode(errors="replace"))
    except OSError as error:
        return _unwritable(GITHUB, path, error)
    return ""


def _unwritable(what: str, path: Path, error: OSError) -> str:
    return f"{what}={path}, but should be a file that can be written ({error.strerror or error})"
