"""What is wrong with what was given."""


class ReportError(ValueError):
    """One line: which file, what is wrong with it, what to do."""
