"""The exit codes of the verbs that judge, as their help shows them."""

from __future__ import annotations

EXIT_CODES = """
\b
Exit codes:
  0    conforms, also where only known issues break (1 with --strict)
  1    a law is broken, or the optimizer crashes or hangs
  2    the request is wrong
  3    stepcheck contradicts itself
  5    nothing was compared
  130  interrupted, by Ctrl-C, SIGTERM or SIGHUP; what is finished is kept
"""
