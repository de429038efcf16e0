"""What ends a command of the lab with one line on stderr."""


class LabError(Exception):
    """Bad input or a part that is missing; the text is for the user."""


class RunFailed(Exception):
    """One run did not give a figure: `status` is crash, timeout or wrong."""

    def __init__(self, status, note):
        super().__init__(note)
        self.status, self.note = status, note
