"""Environments with one torch each, by a uv that installs nothing."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from conformance.guard.environments.test_uv import UV_OUTPUTS
from stepcheck.certification.request import WrongRequest
from stepcheck.guard.environments import environments, uv
from stepcheck.guard.environments.environment import Environment, Unavailable
from stepcheck.guard.environments.environments import Environments, default_cache
from stepcheck.guard.environments.requirements import PINS, requirements

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the uv of these tests is a script")

UV = """#!{python}
import json, os, sys, time
from pathlib import Path
plan = json.loads(Path({plan!r}).read_text())
with open({log!r}, "a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1] == "venv":
    python = Path(sys.argv[-1], "bin", "python")
    python.parent.mkdir(parents=True)
    imported = plan.get("imported", {{"torch": "2.6.0+cu124", "numpy": "2.4.6", "python": "3.11.7"}})
    python.write_text(
        "#!{python}\\nimport sys\\n"
        f"print('a notice')\\nprint({{json.dumps(imported)!r}})\\nsys.exit({{plan.get('fails', 0)!r}})\\n"
    )
    python.chmod(0o755)
elif sys.argv[1:3] == ["pip", "install"]:
    print("Downloading torch (731.0MiB)", flush=True)
    time.sleep(plan.get("sleep", 0))
    print(plan.get("output", "Installed 23 packages in 244ms"))
    sys.exit(plan.get("status", 0))
elif sys.argv[1:3] == ["python", "find"]:
    print(plan.get("python", ""))
    sys.exit(0 if "python" in plan else 2)
"""


class FakeUv:
    """A program ``uv`` on the path that does as it is planned, and the environments it makes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output: list[str] = []
        self.plan()
        (folder / "bin").mkdir()
        script = folder / "bin" / "uv"
        script.write_text(
            UV.format(python=sys.executable, plan=str(folder / "plan.json"), log=str(folder / "log.jsonl"))
        )
        script.chmod(0o755)

    def plan(self, **entries: object) -> None:
        (self.folder / "plan.json").write_text(json.dumps(entries))

    def calls(self) -> list[list[str]]:
        log = self.folder / "log.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def environments(self, python: str | None = None, torch_backend: str | None = None) -> Environments:
        return Environments(self.folder / "cache", python, self.output.append, torch_backend)

    def installed(self) -> list[str]:
        """Return the names of the environments in the cache."""
        folder = self.folder / "cache" / "environments"
        return [path.name for path in folder.iterdir() if not path.name.startswith(".")] if folder.exists() else []


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeUv:
    installed = FakeUv(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    monkeypatch.delenv("UV_TORCH_BACKEND", raising=False)
    monkeypatch.setattr(environments, "_free", lambda folder: 100 * 10**9)
    return installed


def refusal(fake: FakeUv, version: str = "2.6.0") -> str:
    """Return why ``version`` is unavailable; nothing of it is left, and nobody trusts it."""
    with pytest.raises(Unavailable) as raised:
        fake.environments().environment(version)
    assert raised.value.version == version
    assert str(raised.value) == f"torch {version} is not available: {raised.value.reason}"
    assert "\n" not in raised.value.reason
    assert "Traceback" not in raised.value.reason
    assert fake.installed() == []
    assert fake.environments().cached() == []
    return raised.value.reason


def test_an_environment_is_installed_once_and_then_used_again(fake: FakeUv) -> None:
    installed = fake.environments().environment("2.6.0")
    assert installed == Environment("2.6.0", installed.python, "2.6.0+cu124")
    assert os.access(installed.python, os.X_OK)
    venv, install = fake.calls()
    assert venv[:4] == ["venv", "--no-project", "--python", sys.executable]
    assert install == ["pip", "install", "--no-build", "--python", str(installed.python), *requirements("2.6.0")]
    assert fake.output[1] == "torch 2.6.0: downloading torch (731.0MiB)"
    assert fake.output[-1].startswith("torch 2.6.0: installed as 2.6.0+cu124 in ")
    assert fake.environments().environment("2.6.0") == installed
    assert len(fake.calls()) == 2
    assert fake.environments().cached() == ["2.6.0"]


def test_cached_versions_are_listed_oldest_first_and_removed_one_at_a_time(fake: FakeUv) -> None:
    for version in ("2.10.0", "2.9.1"):
        fake.plan(imported={"torch": version, "numpy": "2", "python": "3"})
        fake.environments().environment(version)
    assert fake.environments().cached() == ["2.9.1", "2.10.0"]
    fake.environments().remove("2.9.1")
    fake.environments().remove("2.9.1")
    assert fake.environments().cached() == ["2.10.0"]
    assert len(fake.installed()) == 1


def test_requirements_depend_on_the_version_of_torch() -> None:
    assert requirements("2.2.2") == ("torch==2.2.2", "numpy", "numpy<2", "setuptools")
    assert requirements("2.4.0") == ("torch==2.4.0", "numpy", "numpy<2; sys_platform == 'win32'", "setuptools")
    assert requirements("2.10.0") == requirements("2.10.0") == ("torch==2.10.0", "numpy", "setuptools")
    assert all(pin.why for pin in PINS)


def test_a_backend_is_handed_to_uv_and_makes_another_environment(fake: FakeUv, monkeypatch: pytest.MonkeyPatch) -> None:
    one = fake.environments().environment("2.6.0")
    other = fake.environments(torch_backend="cpu").environment("2.6.0")
    assert one.python != other.python
    assert "--torch-backend=cpu" in fake.calls()[-1]
    monkeypatch.setenv("UV_TORCH_BACKEND", "cpu")
    assert fake.environments().environment("2.6.0") == other
    assert not [argument for call in fake.calls() for argument in call if "index" in argument]


def test_another_python_makes_another_environment(fake: FakeUv) -> None:
    fake.plan(python=sys.executable)
    assert fake.environments(python="3.11").environment("2.6.0") == fake.environments().environment("2.6.0")
    fake.plan()
    other = fake.environments(python="3.14t").environment("2.6.0")
    assert "-cp314t-" in str(other.python)
    assert fake.calls()[-2][:4] == ["venv", "--no-project", "--python", "3.14t"]
    with pytest.raises(Unavailable, match="uv finds no Python nosuch"):
        fake.environments(python="nosuch").environment("2.6.0")


@pytest.mark.parametrize("version", ["newest", "2.6.0rc1", "../2.6.0", "2.6.0+../x", ""])
def test_an_invalid_release_is_a_wrong_request(fake: FakeUv, version: str) -> None:
    with pytest.raises(WrongRequest, match="but should be a release such as"):
        fake.environments().environment(version)
    assert fake.calls() == []


@pytest.mark.parametrize("output", [name for name in UV_OUTPUTS if name != "nothing"])
def test_a_failure_of_uv_makes_the_release_unavailable(fake: FakeUv, output: str) -> None:
    text, reason = UV_OUTPUTS[output]
    fake.plan(output=text, status=1)
    assert refusal(fake) == reason


def test_without_uv_the_extra_is_named(fake: FakeUv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uv, "command", lambda: None)
    assert refusal(fake) == "uv, which installs it, is not installed: pip install 'stepcheck[matrix]'"


def test_a_full_disk_is_reported_before_anything_is_installed(fake: FakeUv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "_free", lambda folder: int(1.23e9))
    reason = refusal(fake)
    assert "the disk is full: it needs about " in reason
    assert f"GB, and {fake.folder / 'cache' / 'environments'} has 1.2 GB free" in reason
    assert fake.calls() == []


def test_torch_for_a_processor_alone_needs_less_room(fake: FakeUv) -> None:
    assert fake.environments(torch_backend="cpu")._needed() < fake.environments(torch_backend="cu126")._needed()


def test_free_space_is_that_of_where_the_cache_will_be(tmp_path: Path) -> None:
    assert environments._free(tmp_path / "not" / "yet") > 0


def test_the_last_line_of_a_failing_import_is_the_reason(fake: FakeUv) -> None:
    fake.plan(fails="Traceback (most recent call last):\n  File x\nImportError: libcudart.so: cannot open\n")
    assert refusal(fake) == "importing it fails: ImportError: libcudart.so: cannot open"
    fake.plan(fails=7)
    assert refusal(fake) == "importing it fails: exit status 7"


@pytest.mark.parametrize("version", ["2.6.1", "2.6.0rc1+cu124", "2.60"])
def test_another_version_than_requested_is_not_accepted(fake: FakeUv, version: str) -> None:
    fake.plan(imported={"torch": version, "numpy": "2", "python": "3"})
    assert refusal(fake) == f"the installed version is torch {version}"


def test_a_requested_build_has_to_match_exactly(fake: FakeUv) -> None:
    assert refusal(fake, "2.6.0+cpu") == "the installed version is torch 2.6.0+cu124"
    assert fake.environments().environment("2.6.0+cu124").built == "2.6.0+cu124"
    assert fake.environments().cached() == ["2.6.0+cu124"]


def test_a_cache_that_cannot_be_written_is_named(fake: FakeUv) -> None:
    (fake.folder / "cache").write_text("a file")
    with pytest.raises(Unavailable, match=r"cache/environments: (Not a directory|File exists)$"):
        fake.environments().environment("2.6.0")


def test_an_incomplete_environment_is_never_trusted_and_is_installed_again(fake: FakeUv) -> None:
    installed = fake.environments().environment("2.6.0")
    directory = installed.python.parents[1]
    (directory / "stepcheck.json").unlink()
    (directory / "left").touch()
    assert fake.environments().cached() == []
    assert fake.environments().environment("2.6.0") == installed
    assert "torch 2.6.0: removing an incomplete installation" in fake.output
    assert not (directory / "left").exists()


@pytest.mark.parametrize("mark", ["", "{}", "[]", '{"torch": 2}', '{"torch": "2.5.0"}'])
def test_a_marker_with_other_contents_is_not_trusted(fake: FakeUv, mark: str) -> None:
    installed = fake.environments().environment("2.6.0")
    (installed.python.parents[1] / "stepcheck.json").write_text(mark)
    assert fake.environments().cached() == []
    assert fake.environments().environment("2.6.0") == installed
    assert len(fake.calls()) == 4


def test_an_environment_without_its_python_is_installed_again(fake: FakeUv) -> None:
    installed = fake.environments().environment("2.6.0")
    installed.python.unlink()
    assert fake.environments().cached() == []
    assert fake.environments().environment("2.6.0") == installed


def test_an_interrupted_install_leaves_nothing(fake: FakeUv) -> None:
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals reach the main thread")
    fake.plan(sleep=600)

    def notify(line: str) -> None:
        if "downloading" in line:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        Environments(fake.folder / "cache", notify=notify).environment("2.6.0")
    assert fake.installed() == []


INSTALLS = """
import sys
from pathlib import Path
from stepcheck.guard.environments import environments
environments._free = lambda folder: 100 * 10**9
cache = environments.Environments(Path(sys.argv[1]), notify=lambda line: print(line, flush=True))
print(cache.environment("2.6.0"))
"""


def test_two_processes_install_one_environment_once(fake: FakeUv) -> None:
    fake.plan(sleep=1)
    command = [sys.executable, "-c", INSTALLS, str(fake.folder / "cache")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    output = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("waiting for another process that installs it" in text for text in output) == 1
    assert len(fake.calls()) == 2


def test_an_installation_whose_process_was_killed_is_waited_for_and_repeated(fake: FakeUv) -> None:
    fake.plan(sleep=1)
    command = [sys.executable, "-c", INSTALLS, str(fake.folder / "cache")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        while "downloading" not in first.stdout.readline():
            pass
        first.kill()
    fake.environments().environment("2.6.0")
    assert fake.output[:2] == [
        "torch 2.6.0: waiting for another process that installs it",
        "torch 2.6.0: removing an incomplete installation",
    ]


def test_unavailable_can_be_pickled() -> None:
    error = pickle.loads(pickle.dumps(Unavailable("2.6.0", "planted")))
    assert (error.version, error.reason, str(error)) == (
        "2.6.0",
        "planted",
        "torch 2.6.0 is not available: planted",
    )


def test_the_cache_is_where_the_user_or_the_platform_puts_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STEPCHECK_CACHE", str(tmp_path / "mine"))
    assert default_cache() == tmp_path / "mine"
    monkeypatch.delenv("STEPCHECK_CACHE")
    monkeypatch.setattr(Path, "home", lambda: Path("/home/me"))
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    monkeypatch.setenv("LOCALAPPDATA", "/local")
    for platform, directory in (
        ("linux", "/elsewhere/stepcheck"),
        ("darwin", "/home/me/Library/Caches/stepcheck"),
        ("win32", "/local/stepcheck"),
    ):
        monkeypatch.setattr(environments.sys, "platform", platform)
        assert default_cache() == Path(directory)
    monkeypatch.setattr(environments.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert default_cache() == Path("/home/me/.cache/stepcheck")
