"""One desk for a trader who runs several bots."""

__version__ = "0.1.0"
