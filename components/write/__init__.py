"""See ``component.py``."""
