"""What a connection can watch."""
