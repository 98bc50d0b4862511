"""Reading a page as a person's browser does: which forms it has, what they would send, where they go."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

Pairs = list[tuple[str, str]]


@dataclass(slots=True)
class Form:
    """A form of a page: where it goes, and what it sends when nothing is changed."""

    action: str
    method: str
    fields: Pairs = field(default_factory=list)
    buttons: Pairs = field(default_factory=list)
    boxes: dict[str, str] = field(default_factory=dict)  # not ticked

    def tick(self, name: str) -> None:
        """Tick this box where the form has it."""
        if name in self.boxes:
            self.fields.append((name, self.boxes.pop(name)))

    def filled(self, **changes: str) -> bytes:
        """The body that goes out, with these fields changed or added."""
        kept = [(name, value) for name, value in self.fields if name not in changes]
        return urlencode([*kept, *changes.items()]).encode()

    def has(self, name: str) -> bool:
        """Whether there is such a field or button."""
        return any(name == known for known, _ in (*self.fields, *self.buttons))

    def value(self, name: str) -> str:
        """What stands in a field, or nothing."""
        return next((value for known, value in self.fields if known == name), "")


class _Reader(HTMLParser):
    """Collects forms with their fields; controls outside name their form by its id."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.by_id: dict[str, Form] = {}
        self.outside: list[tuple[str, str, str, bool]] = []
        self._form: Form | None = None
        self._select = ""
        self._text: list[str] | None = None
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A form begins, or one of its controls stands here."""
        said = {name: value or "" for name, value in attrs}
        match tag:
            case "form":
                self._form = Form(said.get("action", ""), said.get("method", "get").lower())
                self.forms.append(self._form)
                if "id" in said:
                    self.by_id[said["id"]] = self._form
            case "input" if said.get("name") and "disabled" not in said:
                self._input(said)
            case "button" if said.get("name"):
                self._keep(said.get("form", ""), said["name"], said.get("value", ""), button=True)
            case "select":
                self._select = said.get("name", "")
                self._chosen = False
            case "option" if self._select and ("selected" in said or not self._chosen):
                self._drop_choice()
                self._keep("", self._select, said.get("value", ""))
                self._chosen = True
            case "textarea":
                self._area, self._text = said.get("name", ""), []

    def handle_endtag(self, tag: str) -> None:
        """A form or a control ends."""
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea" and self._text is not None:
            self._keep("", self._area, "".join(self._text))
            self._text = None

    def handle_data(self, data: str) -> None:
        """Text counts inside a text area alone."""
        if self._text is not None:
            self._text.append(data)

    def _input(self, said: dict[str, str]) -> None:
        kind = said.get("type", "text")
        if kind in ("checkbox", "radio") and "checked" not in said and "required" not in said:
            if kind == "checkbox" and self._form is not None:
                self._form.boxes[said["name"]] = said.get("value", "on")
            return  # what must be ticked is ticked: people want to go on
        if kind in ("submit", "image", "file"):
            self._keep(said.get("form", ""), said["name"], said.get("value", ""), button=True)
            return
        self._keep(said.get("form", ""), said["name"], said.get("value", "on" if kind in ("checkbox", "radio") else ""))

    def _keep(self, form: str, name: str, value: str, *, button: bool = False) -> None:
        if form:
            self.outside.append((form, name, value, button))
        elif self._form is not None:
            (self._form.buttons if button else self._form.fields).append((name, value))

    def _drop_choice(self) -> None:
        if self._chosen and self._form is not None:
            self._form.fields = [one for one in self._form.fields if one[0] != self._select]


def forms_of(page: bytes) -> list[Form]:
    """The forms of a page, in order."""
    reader = _Reader()
    reader.feed(page.decode("utf-8", "replace"))
    for form, name, value, button in reader.outside:
        if (found := reader.by_id.get(form)) is not None:
            (found.buttons if button else found.fields).append((name, value))
    return reader.forms


def form_to(page: bytes, action: str, *, having: str = "csrf") -> Form | None:
    """The first form of a page that is sent to this address and has this field."""
    found = (one for one in forms_of(page) if one.action.partition("?")[0] == action and one.method == "post")
    return next((one for one in found if one.has(having)), None)
