"""Whose page this kernel serves: what is remembered for a person (layout, zone, labels) goes by this name."""

import os

from workbench.commands.spec import Role

ALONE = "desk"
"""The one person of a page that knows no names, and of a notebook."""

HEADER, ROLE_HEADER = "X-Workbench-User", "X-Workbench-Role"
VARIABLE, ROLE_VARIABLE = "HTTP_X_WORKBENCH_USER", "HTTP_X_WORKBENCH_ROLE"
"""Where Voila hands the kernel those headers; the page's server sets them from the session, whatever a browser sent."""

KEY_VARIABLE = "WORKBENCH_PAGE_KERNEL_KEY"
"""What a heated kernel shows to its own server when it asks who has come."""


def current_user() -> str:
    """The name that the session was opened with, else 'desk'. In a heated kernel: right once a viewer has come."""
    return os.environ.get(VARIABLE) or ALONE


def current_role() -> Role:
    """What that person may do. A kernel of the page that was told nothing is a viewer's; whoever runs a notebook or a
    terminal may do all."""
    said = os.environ.get(ROLE_VARIABLE)
    if said in list(Role):
        return Role(said)
    return Role.VIEWER if KEY_VARIABLE in os.environ else Role.ADMIN
