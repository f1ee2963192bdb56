"""What must change, decided as plain functions over plain values."""
