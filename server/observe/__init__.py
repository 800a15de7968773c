"""What those who run the server see: figures, the audit log, collector pauses."""
