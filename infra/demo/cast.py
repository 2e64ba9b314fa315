"""What the process of the demonstration's people is told on its standard input."""

from pydantic import BaseModel


class Cast(BaseModel):
    """One line of JSON. `url` of the server without a trailing slash; `tokens` has those of `teacher` and `class`."""

    url: str
    lesson_id: str
    tokens: dict[str, str]
