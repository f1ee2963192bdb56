"""What `dimsync init` finds out and writes: whose each export is, which mapping reads it, and the first settings."""
