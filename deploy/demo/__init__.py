"""The demo: a partnership of fictional agencies on this machine, run by the real programs."""
