"""Nonces and data keys never repeat, in one process or in many that were forked from it (V2)."""

import os

from revolution_hub.vault import sealing

FORKS = 8
EACH = 2_000
MANY = 20_000
PLACE = {"tenant_id": "ten_1", "credential_id": "con_1", "field": "document", "key_id": "dek_1"}
NONCE = slice(33, 45)


def test_nonces_differ_across_forks() -> None:
    # Given processes forked at the same state, which seal the same under the same key
    pipes = []
    for _ in range(FORKS):
        reading, writing = os.pipe()
        if os.fork() == 0:
            os.close(reading)
            blobs = [sealing.seal(bytes(range(32)), b"same", version=1, **PLACE) for _ in range(EACH)]
            with os.fdopen(writing, "wb") as file:
                file.write(b"".join(blob[NONCE] for blob in blobs) + sealing.new_data_key())
            os._exit(0)
        os.close(writing)
        pipes.append(reading)
    nonces: set[bytes] = set()
    keys: set[bytes] = set()
    for reading in pipes:
        with os.fdopen(reading, "rb") as file:
            said = file.read()
        nonces |= {said[at : at + 12] for at in range(0, EACH * 12, 12)}
        keys.add(said[EACH * 12 :])
    for _ in pipes:
        os.wait()
    # Then no nonce and no data key comes twice
    assert len(nonces) == FORKS * EACH
    assert len(keys) == FORKS


def test_many_nonces_are_unique_and_every_bit_of_them_is_used() -> None:
    nonces = [sealing.seal(bytes(range(32)), b"", version=1, **PLACE)[NONCE] for _ in range(MANY)]
    assert len(set(nonces)) == len(nonces)
    for bit in range(96):
        ones = sum(int.from_bytes(one) >> bit & 1 for one in nonces)
        assert 0.45 < ones / len(nonces) < 0.55, bit
