"""Thousands of sockets, hostile clients among them, and their effect on a bystander.

run.py       the phases of a run, and the table
holder.py    a process that holds a part of the sockets
hostiles.py  clients that never finish, never stop or never read
"""
