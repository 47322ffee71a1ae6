"""Envelopes: where every element has to be after a step, as a centre and a radius.

The radius is a running error bound (Wilkinson 1963; Higham 2002, section 3.3) on true balls instead of first-order
estimates: every n-ary sum and product is bounded for each order of evaluation, underflow included. For subjects of 32
bits and less the centre is binary64 and its own rounding is part of the radius. For float64 subjects the centre has 113
bits, and a binary64 evaluation of the same equations, the *shadow*, supplies the magnitudes that the radius is made of.

Higham 2002 is N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, SIAM; Wilkinson 1963 is J. H.
Wilkinson, Rounding Errors in Algebraic Processes, HMSO.
"""
