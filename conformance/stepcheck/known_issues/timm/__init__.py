"""Known issues of timm."""
