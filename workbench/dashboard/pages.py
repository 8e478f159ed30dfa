"""The pages behind the overview. A new one is a class with `name`, `look` and `choose`, and one line here."""

from typing import Any

from workbench.widgets.page_pump import Page


def pages_of(desk: Any) -> list[Page]:
    """The pages of a `bootstrap.connection.Connection`, in the order of their tabs."""
    return []
