"""What the author wrote and what it means."""
