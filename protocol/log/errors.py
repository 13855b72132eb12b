"""What is refused in a log, and why: one class per format, all of them LogError."""


class LogError(ValueError):
    """Something of a log is malformed, or does not prove what it is said to prove."""


class BadProof(LogError):
    """The proof does not show that the leaf, or the older tree, is in the tree."""


class NoSuchProof(LogError):
    """The tree of that size has no such leaf or older tree, so there is nothing to prove."""


class BadTile(LogError):
    """A tile's name is malformed, or its content is not what a tile of that name holds."""


class BadBundle(LogError):
    """The bytes are not an entry bundle of the stated width."""


class BadNote(LogError):
    """The bytes are not a signed note within the limits."""


class NotVerified(BadNote):
    """A known key's signature on the note is wrong, or no known key has signed it."""


class BadCheckpoint(LogError):
    """The note's text is not a checkpoint."""


class WrongLog(BadCheckpoint):
    """The checkpoint is of another log than the one that was asked for."""


class BadPolicy(LogError):
    """The trust file is malformed, or its quorum is not a majority of its witnesses."""


class NotCosigned(LogError):
    """Fewer witnesses have cosigned the checkpoint than the policy's quorum wants."""


class BadLogProof(LogError):
    """The bytes are not a tlog-proof file."""


class BadRequest(LogError):
    """The body is not an add-checkpoint request."""
