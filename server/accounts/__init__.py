"""Accounts and sign-in: names, passwords, attempt limits, session tokens."""
