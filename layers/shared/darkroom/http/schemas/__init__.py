"""What requests and answers have in them, a file for each resource."""
