"""What was done, durably: acknowledged rows, intents, runs and locks."""
