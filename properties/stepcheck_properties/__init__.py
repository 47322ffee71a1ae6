"""Laws, and the strategies that generate scripts to test them with."""
