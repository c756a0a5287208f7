"""Pictures: reading them, putting colour behind them, cutting them out, writing them. Pillow, numpy and isal only."""
