"""A server that is killed in the middle of a storm, again and again, and what it has to keep.

command.py   the command line
run.py       storm, kill, look, start again
server.py    one start of the server, to its end
browser.py   one of those who storm it; writes down what it was told
players.py   all of them, and what they do
observer.py  one more, who watches the lobby
database.py  the database, read as others would
checks.py    compares what was told with what is there
"""
