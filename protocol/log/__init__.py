"""The log's formats and proofs, without storage: what the index writes and everybody can check.

    proofs, compact_range     the Merkle tree of RFC 6962 and RFC 9162: heads, proofs, streaming
    tiles, tile_tree, bundles C2SP tlog-tiles: names of tiles, proofs and growth over them, entries
    notes, checkpoints        C2SP signed-note, tlog-checkpoint, tlog-cosignature
    policies, log_proofs      C2SP tlog-policy and tlog-proof
    witness                   C2SP tlog-witness: the request, and the decision as a pure function
    errors                    everything that these raise

Hashes of leaves and nodes are in `protocol.merkle`, keys in `protocol.verifier_keys`.
"""
