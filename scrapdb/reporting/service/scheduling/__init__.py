"""Scheduling: reports that ask for themselves by the clock.

Begin with `due.step`, which a worker calls now and then. `taking` takes up the schedules that bundles name, `clock`
says when one is due, `moving` what its dates are then, `wishes` what is asked for; `changing` is for people.
"""
