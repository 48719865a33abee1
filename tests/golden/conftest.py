import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--keep", action="store_true", help="write what the golden campaigns' documents say anew")


@pytest.fixture
def keep(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--keep", default=False))
