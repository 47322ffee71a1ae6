"""Adam with Nesterov momentum."""
