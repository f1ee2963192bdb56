"""The command line: a thin client of `engine.Engine`. Only it reads the settings file, and only it prints."""
