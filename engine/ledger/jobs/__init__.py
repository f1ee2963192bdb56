"""What the ledger does in a database: one module for each subject, with its statements as SQLite spells them."""
