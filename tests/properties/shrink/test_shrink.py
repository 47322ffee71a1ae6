"""Shrinking: the smallest script of an error shows that error and nothing else."""

from dataclasses import replace

from properties.adam_in_float32 import ADAM, ARITHMETICS, AdamInFloat32
from stepcheck_properties.examination.examine import examine
from stepcheck_properties.examination.verdicts import Examination
from stepcheck_properties.profile import QUICK
from stepcheck_reference.scripts.script import Literal

SMALL = replace(QUICK, bulk_elements=64, examples=3)


def examined(subject, **more) -> Examination:
    return examine(subject, ADAM, ARITHMETICS, "float32", SMALL, 7, **more)


def witness(examination, code, output):
    return next(failure for failure in examination.failures if failure.key == (code, output))


def test_the_smallest_script_of_eps_inside_is_one_step_of_one_number():
    script = witness(examined(AdamInFloat32(eps_inside=True)), "SC101", "theta").script
    assert [tensor.shape for tensor in script.tensors] == [()]
    assert [step.gradients for step in script.steps] == [(Literal((1.0,)),)]
    assert script.tensors[0].initial == Literal((0.0,))
    assert script.groups[0].hyper == {"lr": 1.0, "beta1": 0.0, "beta2": 0.0, "eps": 1.0}


def test_the_smallest_script_of_a_wrong_vector_loop_keeps_its_width():
    script = witness(examined(AdamInFloat32(wrong_from=8)), "SC102", "m").script
    assert [tensor.shape for tensor in script.tensors] == [(8,)]
    assert len(script.steps) == 1


def test_the_smallest_script_of_a_lost_state_keeps_one_reload():
    script = witness(examined(AdamInFloat32(forgets_on_reload=True)), "SC102", "m").script
    assert [step.reload for step in script.steps] == ["", "loaded"]
    assert [tensor.shape for tensor in script.tensors] == [()]


def test_the_smallest_script_of_a_stuck_counter_keeps_its_steps_and_nothing_else():
    script = witness(examined(AdamInFloat32(counts_to=30)), "SC103", "count").script
    assert len(script.steps) == 31
    assert [tensor.shape for tensor in script.tensors] == [()]
    assert {step.gradients for step in script.steps} == {(Literal((0.0,)),)}


def test_the_smallest_script_of_a_move_without_gradient_has_a_step_without_one():
    script = witness(examined(AdamInFloat32(moves_without_gradient=True)), "SC101", "theta").script
    assert [step.gradients for step in script.steps] == [(Literal((1.0,)),), (None,)]


def test_shrinking_stays_inside_its_budget_and_a_budget_of_zero_leaves_scripts_alone():
    runs = []

    def subject(script, reference=None):
        runs.append(script)
        return AdamInFloat32(eps_inside=True)(script)

    plain = examined(subject, reductions=0)
    first_runs = len(runs)
    assert all(failure.runs == 0 for failure in plain.failures)
    runs.clear()
    some = examined(subject, reductions=5)
    assert len(runs) <= first_runs + 2 * 5 * len(some.failures)  # a law may take two runs
