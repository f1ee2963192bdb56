"""What one API key may use: requests a second, requests at once, requests a day."""
