"""What each verb understands, and what it does."""
