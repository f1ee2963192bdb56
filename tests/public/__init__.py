"""What other programs may rely on: every public name, its documentation, and what it looks like."""
