"""The promises of the design, each checked from the outside: by the table, the bus, the queues and Glacier's ledger."""
