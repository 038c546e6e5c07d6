"""A page of HTML as its tags, attributes and text: what tests look at."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """Tags opened, their attributes, and all text."""

    def __init__(self, source):
        super().__init__()
        self.source, self.tags, self.attributes, self.words = source, [], [], []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())
