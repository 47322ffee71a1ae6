"""What a subject is given: constructor arguments, parameters and gradients in memory."""
