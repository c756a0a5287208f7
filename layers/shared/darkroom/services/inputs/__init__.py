"""Pictures that come in: uploaded, linked, or made before."""
