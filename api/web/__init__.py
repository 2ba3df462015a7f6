"""What every page is made with: rendering, forms, static files, navigation. Pages themselves stand in `api.pages`."""

from api.web.forms import Form, Problem
from api.web.navigation import Entry, Task
from api.web.rendering import BEFORE, PAGE, PUBLIC_PAGE, Page, page, see

__all__ = ["BEFORE", "PAGE", "PUBLIC_PAGE", "Entry", "Form", "Page", "Problem", "Task", "page", "see"]
