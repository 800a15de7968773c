"""Errors of concurrent tasks."""


def first_error(error: BaseException) -> BaseException:
    """Return the first error of a group, or of a group in it; any other error itself."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
