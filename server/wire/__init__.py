"""Everything that a client sees: messages, close codes, views, problems, credentials."""
