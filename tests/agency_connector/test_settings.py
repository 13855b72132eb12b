"""connector.toml: what is misspelt or contradicts itself is said with the key and the mend."""

from pathlib import Path

import pytest

from agency_connector import settings
from foundation.operator import OperatorError

GOOD = """
[agency]
id = "oakshire"
name = "Oakshire"
[index]
url = "https://index.example"
[evaluator]
url = "https://evaluator.example"
[keys]
seal = "unsealed"
"""
DESK = '[[desks]]\nid = "front"\nname = "Front desk"\nphone = "0161 496 0000"\n'


def written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "connector.toml").write_text(text)
    return tmp_path


def test_the_database_is_a_file_in_the_folder_unless_another_is_named(tmp_path: Path) -> None:
    home = written(tmp_path, GOOD)
    told = settings.load(home)
    assert settings.database_url(told, home) == f"sqlite:///{tmp_path}/state/connector.db"
    told = settings.load(written(tmp_path, GOOD + '[database]\nurl = "postgresql://u@h/n"\n'))
    assert settings.database_url(told, home) == "postgresql://u@h/n"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("[publsihing]\n", "did you mean publishing"),
        (DESK + DESK, "same name"),
        (DESK.replace("0161 496 0000", "ask for Ann"), r"desks\[0\]\.phone"),
        (DESK + 'hours = ["weekdays 9-5"]\n', "hours"),
        (DESK + 'visibility = "secret"\n', "visibility"),
        ("[publishing]\nwithdrawal_share = 2\n", "withdrawal_share"),
    ],
)
def test_a_slip_is_told_with_its_key(tmp_path: Path, more: str, says: str) -> None:
    with pytest.raises(OperatorError, match=says):
        settings.load(written(tmp_path, GOOD + more))
