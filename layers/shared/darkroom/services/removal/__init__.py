"""Cut-outs: made here, or paid for."""
