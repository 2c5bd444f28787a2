"""The commands: one subcommand, one module, which is imported when it is called. `cli.app` has the table of them."""
