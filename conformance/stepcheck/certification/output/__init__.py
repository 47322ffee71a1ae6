"""What ``certify --out`` writes, and what it takes over of an interrupted run."""
