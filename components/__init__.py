"""The eight stages as Kubeflow Pipelines components: each body is one call into ``msm``."""
