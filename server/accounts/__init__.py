"""Who may sign in: names, passwords, attempt limits, session tokens."""
