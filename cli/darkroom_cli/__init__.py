"""The command `darkroom`: Darkroom from a shell, over its HTTP API alone."""
