"""What a user's own tests need: a judge without a model."""
