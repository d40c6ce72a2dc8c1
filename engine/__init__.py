"""One turn of a conversation and all that survives it."""
