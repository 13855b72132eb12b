"""Fixtures of API and pages: the police's app in this process, and a browser at it."""

import pytest
from flask import Flask

from agency_connector.app import create_app
from tests.agency_connector.lookups.conftest import template, town
from tests.agency_connector.lookups.county import County
from tests.agency_connector.pages.browser import Browser

__all__ = ["template", "town"]


@pytest.fixture
def app(town: County) -> Flask:
    """The police's connector."""
    return create_app(town.police)


@pytest.fixture
def officer(town: County, app: Flask) -> Browser:
    """A browser in which pc-archer has signed in."""
    browser = Browser(app, town.police)
    assert browser.sign_in("pc-archer").status_code == 303
    return browser
