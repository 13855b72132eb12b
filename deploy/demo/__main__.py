import sys
from datetime import datetime
from pathlib import Path
from deploy.demo.partnership import bring_up
from deploy.demo.programs import Services
from deploy.demo.state import fresh
from deploy.demo.telling import Telling

with fresh(Path("demo-state").absolute()) as f:
    s = Services(f / "logs")
    try:
        bring_up(f, s, Telling(), datetime.now().date())
    finally:
        s.stop()
