"""The demo: its story, its stage, and whether what it shows is true."""
