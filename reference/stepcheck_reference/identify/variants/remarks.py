"""Remarks: what is odd about a variant that is printed or called wrongly, in plain words."""

from __future__ import annotations

from stepcheck_reference.identify.variants.naming import Name
from stepcheck_reference.identify.variants.variant import Variant


def remarks(name: Name, variant: Variant | None) -> tuple[str, ...]:
    """Return a sentence for each thing that a reader of ``variant`` may take for another."""
    if variant is None:
        return ()
    said = []
    numerator, divisor = variant.numerator, variant.divisor
    if numerator.buffer in ("sum", "damped", "rate_inside") and divisor.moment == "none":
        said.append("the buffer is no average: the weights of past gradients sum to up to 1/(1 − momentum)")
    if variant.decay == "coupled":
        said.append("the weight decay is coupled (L2), not decoupled: it is added to the gradient")
    if numerator.buffer == "gradient" and numerator.sign:
        said.append("this is sign descent; Rprop, as which it is printed, adapts a step size an element")
    if divisor.eps == "inside":
        said.append("ε is inside the root")
    corrections = [part for part in (numerator, divisor) if part.correction == "t_minus_1"]
    if corrections and not name.differences:
        said.append("it divides by zero at t = 1")
    if divisor.moment == "max_raw" and (numerator.correction, divisor.correction) == ("none", "none"):
        said.append("the maximum is over raw second moments, and no moment is corrected")
    if divisor.moment == "max_raw" and (numerator.correction, divisor.correction) == ("t", "none"):
        said.append("it lies between amsgrad_paper, which corrects nothing, and amsgrad, which corrects both moments")
    if name.rule and "no_first_correction" in name.rule:
        said.append("the first moment is never corrected, the second is")
    return tuple(said)
