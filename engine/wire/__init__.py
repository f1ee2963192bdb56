"""The API's wire formats: pure codecs between values and bytes, one module per contract."""
