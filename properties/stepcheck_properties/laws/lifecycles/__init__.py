"""SC230 to SC240: saving and copying, closures, schedulers, memory, sparse and skipped gradients."""
