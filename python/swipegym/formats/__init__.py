"""Logs in other programs' formats, a module each. Log.save and read_log find the file formats by their suffix."""
