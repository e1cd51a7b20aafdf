"""Kubeflow pipelines built from a recipe, one task for each task of the experiment."""
