"""Stacks in AWS: what is looked at before a deployment, what comes after it, and how one is taken down."""
