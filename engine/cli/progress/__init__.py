"""What a person sees of a run that is under way: a screen on a terminal, lines elsewhere, a log file."""
