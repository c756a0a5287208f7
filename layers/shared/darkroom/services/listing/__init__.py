"""Models as users compare and choose them."""
