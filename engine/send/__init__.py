"""Make it so: chunks -> outcomes, reconciled and written down."""
