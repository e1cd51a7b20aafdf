"""The component ``recipe``."""
