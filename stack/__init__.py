"""The local stand: PostgreSQL, an S3 server and MLflow with a password, on the loopback.

The same services as on a cluster, with generated secrets, to try and to test: docs/stand.md.
"""
