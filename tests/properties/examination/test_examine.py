import json
import subprocess
import sys
from dataclasses import replace

import pytest

from properties.adam_in_float32 import ADAM, ARITHMETICS, AdamInFloat32
from stepcheck_properties import laws
from stepcheck_properties.examination.examine import examine
from stepcheck_properties.examination.verdicts import Examination
from stepcheck_properties.harness import Harness
from stepcheck_properties.law import Facts
from stepcheck_properties.profile import QUICK
from stepcheck_reference.oracle.histogram import INSIDE
from stepcheck_reference.scripts.script_json import to_json
from stepcheck_reference.scripts.trajectory import Fault

SMALL = replace(QUICK, bulk_elements=64, examples=3)


def examined(subject, budget=SMALL, seed=7, **more) -> Examination:
    return examine(subject, ADAM, ARITHMETICS, "float32", budget, seed, **more)


def verdicts(examination):
    return {entry.law.code: entry.verdict for entry in examination.verdicts}


def witness(examination, code, output):
    return next(f for f in examination.failures if (f.law.code, f.output) == (code, output))


def test_a_correct_subject_keeps_every_law():
    examination = examined(AdamInFloat32(), QUICK)
    assert set(verdicts(examination).values()) == {"holds", "not_applicable"}
    assert all(verdicts(examination)[code] == "holds" for code in ("SC101", "SC102", "SC103", "SC104", "SC201"))
    assert not examination.failures
    assert examination.compared >= 24_000
    assert examination.observability == "stepwise"
    assert max(deviation.ratio for deviation in examination.worst.values()) <= 1.0
    assert examination.worst_from_zero is not None
    assert examination.worst_from_zero.ratio <= 1.0


def test_ratios_are_counted_over_all_scripts_and_only_what_breaks_is_beyond_the_edge():
    right, wrong = examined(AdamInFloat32()), examined(AdamInFloat32(eps_inside=True))
    for examination in (right, wrong):
        assert set(examination.ratios) == {"theta", "m", "v"}
        assert 0 < sum(examination.ratios["theta"]) <= examination.compared
    assert not any(sum(counts[INSIDE:]) for counts in right.ratios.values())
    assert sum(wrong.ratios["theta"][INSIDE:]) > 0
    assert sum(wrong.ratios["m"][INSIDE:]) == 0


@pytest.mark.parametrize(
    ("subject", "broken"),
    [
        (AdamInFloat32(eps_inside=True), {"SC101"}),
        (AdamInFloat32(forgets_on_reload=True), {"SC101", "SC102"}),
        (AdamInFloat32(counts_to=30), {"SC101", "SC103"}),
        (AdamInFloat32(wrong_from=8), {"SC101", "SC102"}),
        (AdamInFloat32(moves_without_gradient=True), {"SC101", "SC204"}),
        (AdamInFloat32(raises_on_empty=True), {"SC201"}),
        (AdamInFloat32(crashes_at=2), {"SC201"}),
        (AdamInFloat32(second_moment_starts_at=1.0), {"SC104"}),
    ],
    ids=lambda value: ",".join(sorted(value)) if isinstance(value, set) else str(value),
)
def test_a_wrong_subject_breaks_its_laws_and_each_failure_reproduces(subject, broken):
    examination = examined(subject)
    broken_codes = {code for code, verdict in verdicts(examination).items() if verdict == "broken"}
    assert {code for code in broken_codes if not laws.find(code).has_own_scripts} == broken
    assert {failure.law.code for failure in examination.failures} == broken_codes
    for failure in examination.failures:
        harness = Harness(subject, ADAM, ARITHMETICS, "float32", Facts(ADAM))
        assert harness.reproduces(failure)
        again = harness.failure(failure.law, failure.output, failure.script)
        assert again.breach.message == failure.breach.message


def test_the_same_seed_gives_the_same_examination_and_another_seed_other_scripts():
    def scripts_of(seed):
        scripts = []

        def subject(script, reference=None):
            scripts.append(to_json(script))
            return AdamInFloat32()(script)

        return examined(subject, seed=seed), scripts

    first, second, other = scripts_of(11), scripts_of(11), scripts_of(12)
    assert first == second
    assert first[1] != other[1]
    wrong = AdamInFloat32(eps_inside=True)
    assert examined(wrong, seed=3) == examined(wrong, seed=3)


def test_nothing_is_written_into_the_working_directory(tmp_path):
    code = (
        "from properties.adam_in_float32 import *\n"
        "from stepcheck_properties.examination.examine import examine\n"
        "from stepcheck_properties.profile import QUICK\n"
        "from dataclasses import replace\n"
        "examine(AdamInFloat32(), ADAM, ARITHMETICS, 'float32', replace(QUICK, bulk_elements=16, examples=30), 1)\n"
        "import sys, json\n"
        "print(json.dumps(sorted(n for n in ('torch', 'pytest') if n in sys.modules)))"
    )
    path = [entry for entry in sys.path if entry]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}\n{code}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == []
    assert list(tmp_path.iterdir()) == []


def test_what_only_laws_scripts_show_is_judged_although_each_reference_shows_it_too():
    def subject(script, reference=None):
        sizes = [tensor.size for tensor in script.tensors]
        return AdamInFloat32(wrong_from=1 if sizes == [5, 6, 1] else None)(script, reference)

    failure = witness(examined(subject), "SC101", "theta")
    assert failure.origin.startswith("SC")
    assert failure.breach.deviation.ratio > 1


def test_a_crash_stops_the_cell_after_it_is_confirmed():
    examination = examined(AdamInFloat32(crashes_at=2), reductions=0)
    assert examination.stopped == "two_groups: crashed at step 2"
    assert examination.scripts == 1


def test_a_crash_in_a_script_of_a_law_alone_breaks_what_is_said_of_every_script():
    def subject(script, reference=None):
        trajectory = AdamInFloat32()(script)
        closes = "closure" in script.invocation
        return replace(trajectory, fault=Fault("crashed", "by closures", 1)) if closes else trajectory

    examination = examined(subject)
    assert examination.stopped.endswith("crashed at step 1")
    assert verdicts(examination)["SC201"] == "broken"


def test_a_crash_that_does_not_recur_is_reported_and_breaks_nothing():
    scripts = []

    def subject(script, reference=None):
        trajectory = AdamInFloat32()(script)
        scripts.append(script)
        return replace(trajectory, fault=Fault("hung", "no answer", 1)) if len(scripts) == 1 else trajectory

    examination = examined(subject)
    assert not examination.failures
    assert examination.unconfirmed == ("two_groups: hung at step 1, not when repeated",)


def test_an_exception_of_the_runner_propagates():
    def subject(script, reference=None):
        if script.label == "":
            raise RuntimeError("worker is gone")
        return AdamInFloat32()(script)

    with pytest.raises(RuntimeError, match="worker is gone"):
        examined(subject)


def test_a_dtype_without_arithmetic_is_an_error():
    with pytest.raises(KeyError, match="float64"):
        examine(AdamInFloat32(), ADAM, ARITHMETICS, "float64", SMALL, 1)


def test_nothing_compared_is_vacuous_and_no_counter_is_not_applicable():
    def blind(script, reference=None):
        trajectory = AdamInFloat32()(script)
        traces = tuple(
            replace(
                trace, count=trace.count * 0 - 1, theta=trace.theta * float("nan"), before=trace.before * float("nan")
            )
            for trace in trajectory.traces
        )
        return replace(trajectory, traces=traces)

    examination = examined(blind, reductions=0)
    assert verdicts(examination)["SC103"] == "not_applicable"
    assert verdicts(examination)["SC101"] == "vacuous"


def test_progress_is_reported_after_every_script_and_when_the_runs_of_laws_are_judged():
    reports = []
    examination = examined(AdamInFloat32(), on_progress=lambda *news: reports.append(news))
    assert [done for done, _, _ in reports] == [*range(1, examination.scripts + 1), examination.scripts]
    assert reports[-1][2] == examination.compared
    assert all(done <= total for done, total, _ in reports)


def test_format_independent_laws_are_left_to_one_dtype_where_the_profile_says_so():
    here = verdicts(examined(AdamInFloat32(), reductions=0))
    elsewhere = verdicts(examined(AdamInFloat32(), replace(SMALL, in_this_dtype=False), reductions=0))
    left = {code for code, verdict in elsewhere.items() if verdict == "not_run"}
    independent = {law.code for law in laws.ALL if law.format_independent}
    assert left == {code for code in independent if here[code] != "not_applicable"}
    assert {"SC231", "SC304", "SC401", "SC501"} <= left
    assert all(elsewhere[code] == here[code] for code in here if code not in left)
    assert not left & {law.code for law in laws.ALL if not law.has_own_scripts}
