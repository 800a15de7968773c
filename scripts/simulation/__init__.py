"""Simulated players over real WebSockets, and a judge of what the server owed them.

`crowd` decides what each player will do, `player` and `observer` do it and write down what they
met, `judge` says what was due and whether it came, `verdict` adds that up. `crowd`, `lobby`,
`judge` and `verdict` are pure. Nothing here imports the server: it is judged by the contract alone.
"""
