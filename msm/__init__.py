"""Model Spec Midtraining: from a spec in Markdown to a compared, registered model."""

__version__ = "0.1.0"
