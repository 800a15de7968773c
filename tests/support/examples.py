"""How much Hypothesis makes up: little in every run, more where somebody asks for it."""

import os

_TIMES = int(os.environ.get("STILLHERE_EXAMPLES", "1"))


def examples(usual: int) -> int:
    """What `max_examples` should be: `usual`, times the environment's STILLHERE_EXAMPLES."""
    return usual * _TIMES
