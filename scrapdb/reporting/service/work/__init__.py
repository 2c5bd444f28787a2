"""Work: processes that take requests out of the ledger and make their reports. Begin with `worker`."""
