"""HTTP: routes, the session cookie, guards, problem details, pages."""
