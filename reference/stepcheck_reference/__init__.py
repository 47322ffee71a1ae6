"""Update rules as published, and the oracle that judges trajectories by them. No torch, no Hypothesis."""
