"""Hypothesis strategies for scripts, gradients, shapes, dtypes, layouts and hyper-parameters.

Every draw is a boolean or an integer between -99 and 99. Hypothesis mixes constants from the modules
that happen to be imported into its draws, but none below 100 in magnitude, so one seed means the same
script whatever else the process has loaded.
"""

from stepcheck_properties.strategies.dtypes import dtypes
from stepcheck_properties.strategies.gradients import gradients, reals, seeds
from stepcheck_properties.strategies.hyper_parameters import hyper_parameters
from stepcheck_properties.strategies.layouts import layouts
from stepcheck_properties.strategies.scripts import scripts, tensors
from stepcheck_properties.strategies.shapes import shapes

__all__ = [
    "dtypes",
    "gradients",
    "hyper_parameters",
    "layouts",
    "reals",
    "scripts",
    "seeds",
    "shapes",
    "tensors",
]
