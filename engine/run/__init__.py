"""One company end to end, the fleet, and the engine that owns every task."""
