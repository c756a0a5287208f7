"""Steps that are taken again on other pictures."""
