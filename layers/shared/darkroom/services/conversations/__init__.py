"""Chat with a picture: what was said, planned, painted and rendered, in versions."""
