"""The pages: one page, one module, with a pure function that finds what it shows. `routes` has the table of them."""
