"""Darkroom: generate, edit, converse with and cut out images, on its owner's AWS account."""
