"""The capability suite: what midtraining may break, always read as a difference from the start."""
