"""Prints the probation service's caseload, one JSON object to a line: the program it exports with.

python probation_caseload.py caseload.json
"""

import json
import sys
from pathlib import Path


def main() -> None:
    """Flatten the caseload: every key in every line."""
    for person in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        name, order = person["name"], person["order"]
        line = {
            "crn": person["crn"],
            "firstName": name["first"],
            "secondName": name["second"],
            "surname": name["surname"],
            "dateOfBirth": person["born"],
            "pnc": person["pnc"],
            "postcode": person["postcode"],
            "orderState": order["state"],
            "since": order["since"],
            "lastAppointment": order["last_appointment"],
        }
        print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
