"""Observability: metrics, the audit log, collector pauses."""
