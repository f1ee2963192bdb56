"""How the API spells things: pure codecs, bytes in and out, one module per contract."""
