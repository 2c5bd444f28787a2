"""No wall: one's own notebooks on one's own machine. What limits there are hold."""

from __future__ import annotations

from scrapdb.running.walls.limits import command as command
from scrapdb.running.walls.limits import missing as missing

NAME = "none"
