"""The parts of the pytest plugin, imported once a test uses it: cases, session, outcomes, summary, scaffold."""
