"""The service over HTTP: an API for programs, pages for people, and Slack's questions.

Begin with `app`, whose table `ROUTES` has every address. A handler is a function of a `Call`, which has who asks and
what; it runs in a thread, since it asks the ledger and reads files. `guard` stands before all of them: it answers only
who calls the server by its own name, sets the headers, and writes the log.
"""
