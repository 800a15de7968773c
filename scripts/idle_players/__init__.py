"""Simulated players over real WebSockets, and a verdict on what the server owed them.

command.py      the command line
run.py          one run; `machine.py` and `progress.py` look after this process and the display
plans.py        what each player will do, decided beforehand                     (pure)
player.py       does it, and writes down what they met; `visit.py` is their browser
observer.py     one more player, who watches the lobby
lobby_check.py  holds the versions of the lobby against each other               (pure)
rules.py        what was due to a player, and whether it came                    (pure)
verdict.py      adds that up                                                     (pure)
"""
