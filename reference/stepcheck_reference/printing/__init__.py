"""Printing: rules, their facts and closed forms as Unicode and LaTeX."""
