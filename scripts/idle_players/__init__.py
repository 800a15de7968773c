"""Simulated players over real WebSockets, and a verdict on how the server treated them.

command.py      the command line
run.py          one run; `machine.py` and `progress.py` look after this process and the display
plans.py        what each player will do, decided in advance                     (pure)
player.py       does it, and records what happens; `visit.py` is their browser
observer.py     one more player, who watches the lobby
lobby_check.py  compares the versions of the lobby                               (pure)
rules.py        what is due to a player, and whether it came                     (pure)
verdict.py      sums that up                                                     (pure)
"""
