"""What holds a company before anything is written: figures, and signs that a source is another client's."""
