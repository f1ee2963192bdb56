"""What was done, durably: acknowledged rows, intents, runs, directories and locks."""
