"""Rendering: a template and what it is given become one page of HTML, in a process that can do nothing else."""
