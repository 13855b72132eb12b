"""The settings that the tests of every kind of source begin from."""

COLUMNS = {
    "local_id": "Ref",
    "given": "First",
    "family": "Last",
    "born": "DOB",
    "role": "Role",
    "status": "Status",
    "opened": "Opened",
    "nhs_number": "NHS",
}
HEADER = ["Ref", "First", "Last", "DOB", "Role", "Status", "Opened", "NHS"]
POLICY = {
    "open_status": ["open"],
    "longest_life_days": 365,
    "lawful_basis": "uk-gdpr-6-1-e",
    "desk": "front-desk",
    "roles": {"Client": "subject"},
}
