"""The template's IAM policies, in force on a laptop as they are on AWS."""
