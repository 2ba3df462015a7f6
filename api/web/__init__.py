"""What every page is made with: rendering, forms, static files, navigation. Pages themselves stand in `api.pages`."""

from api.web.forms import Form, Problem
from api.web.navigation import Entry, Task
from api.web.rendering import PAGE, PUBLIC_PAGE, page, see

__all__ = ["PAGE", "PUBLIC_PAGE", "Entry", "Form", "Problem", "Task", "page", "see"]
