"""A server that is killed in a storm, again and again, and checks of what it keeps.

command.py   the command line
run.py       storm, kill, check, start again
server.py    one start of the server, to its end
browser.py   one client of the storm; records what it is told
players.py   all of them, and what they do
observer.py  one more, which watches the lobby
database.py  the database, read by another connection
checks.py    compares what was told with what is stored
"""
