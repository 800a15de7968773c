"""The HTTP edge: routes, the session cookie, guards, problem details, pages."""
