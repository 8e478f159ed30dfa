"""Whose page this kernel serves: what is remembered for a person (layout, zone, labels) goes by this name."""

import os

ALONE = "desk"
"""The one person of a page that knows no names, and of a notebook."""

HEADER = "X-Workbench-User"
VARIABLE = "HTTP_X_WORKBENCH_USER"
"""Where Voila hands the kernel that header; the page's server sets it from the session, whatever a browser sent."""

KEY_VARIABLE = "WORKBENCH_PAGE_KERNEL_KEY"
"""What a heated kernel shows to its own server when it asks who has come."""


def current_user() -> str:
    """The name that the session was opened with, else 'desk'. In a heated kernel: right once a viewer has come."""
    return os.environ.get(VARIABLE) or ALONE
