"""Two recordings of one cell compared: bits first, then the envelope of the rule, then everything that is no number."""
