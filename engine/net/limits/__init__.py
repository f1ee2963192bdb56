"""What one API key may do: how often, how much at once, how many requests a day."""
