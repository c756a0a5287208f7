"""The segmentation models Darkroom knows by name."""
