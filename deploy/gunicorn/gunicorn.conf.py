"""How the index and the evaluator serve: `index-service run --gunicorn <this file>`.

Where they listen, and with how many workers and threads, stands in index.toml and evaluator.toml.
`foundation.serving.TUNABLE` lists what may be set here. SIGHUP reads this file anew.
"""

# Seconds in which a worker must show that it lives. A request may take as long as it needs; this
# is for a process that hangs.
timeout = 60

# Seconds that requests under way have to finish after SIGTERM or SIGHUP. Longer than a database's
# lock is waited for (10 s) twice over, shorter than TimeoutStopSec of the units.
graceful_timeout = 30

# Seconds that an idle connection is kept. Longer than the reverse proxy keeps its own towards us,
# so that it is never we who close a connection on which a request is coming.
keepalive = 75

# Workers show that they live by touching a file: not one on a disk that may be slow.
worker_tmp_dir = "/dev/shm"  # noqa: S108 - gunicorn makes a private file there
