"""What people read: results, tables, advice."""
