"""SC230 to SC240: saving, copying, schedulers, closures, memory."""
