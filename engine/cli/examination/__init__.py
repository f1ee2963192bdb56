"""What `dimsync doctor` makes of what it has looked at: findings, each with its remedy. Pure."""
