"""What an operator looks at: problems by cause, how grave they are, since when, and what to type. Pure."""
