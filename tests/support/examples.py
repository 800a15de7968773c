"""The number of Hypothesis' examples: small by default, more on demand."""

import os

_TIMES = int(os.environ.get("STILLHERE_EXAMPLES", "1"))


def examples(usual: int) -> int:
    """The value for `max_examples`: `usual`, times the environment's STILLHERE_EXAMPLES."""
    return usual * _TIMES
