"""What models there are, by which names, and what each can do."""
