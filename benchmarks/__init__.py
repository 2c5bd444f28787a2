"""How fast scrapdb is, beside its peers, on the same files in the same run: `make bench`."""
