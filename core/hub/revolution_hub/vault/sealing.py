"""Sealing: AES-256-GCM envelopes that open only with the right key, in the right place.

A blob is `version (1) | commitment (32) | nonce (12) | ciphertext and tag (16 more than the plaintext)`.
Message key and commitment are derived by HKDF-SHA256 from the sealing key, the nonce and the place, so a
blob moved to another tenant, credential, field or version is refused before anything is decrypted.
"""

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from revolution_hub.errors import VaultError
from revolution_hub.vault.master_key import MasterKey

DATA_KEY_BYTES = 32
_FORMAT = 1
_COMMITMENT = slice(1, 33)
_NONCE = slice(33, 45)
_CIPHERTEXT = slice(45, None)
_SHORTEST = 45 + 16
_NONCE_BYTES = 12
_CANARY = b"revolution-hub/canary"


def new_data_key() -> bytes:
    """Return a fresh random key for one tenant's credentials."""
    return secrets.token_bytes(DATA_KEY_BYTES)


def wrap_data_key(master: MasterKey, data_key: bytes, *, tenant_id: str, key_id: str) -> bytes:
    """Seal a data key with the master key, for this tenant and under this key id."""
    if len(data_key) != DATA_KEY_BYTES:
        raise ValueError(f"a data key has {DATA_KEY_BYTES} bytes")
    return _lock(master.reveal(), data_key, _place("data-key", tenant_id, key_id, master.key_id))


def unwrap_data_key(master: MasterKey, blob: bytes, *, tenant_id: str, key_id: str) -> bytes:
    """Open what `wrap_data_key` made. Raises VaultError as `open_sealed` does."""
    return _unlock(master.reveal(), blob, _place("data-key", tenant_id, key_id, master.key_id))


def seal(
    data_key: bytes,
    plaintext: bytes,
    *,
    tenant_id: str,
    credential_id: str,
    field: str,
    version: int,
    key_id: str,
) -> bytes:
    """Seal one field of one version of a credential. Equal plaintexts give unequal blobs."""
    place = _place("credential", tenant_id, credential_id, field, str(version), key_id)
    return _lock(data_key, plaintext, place)


def open_sealed(
    data_key: bytes,
    blob: bytes,
    *,
    tenant_id: str,
    credential_id: str,
    field: str,
    version: int,
    key_id: str,
) -> bytes:
    """Open what `seal` made, given the same place.

    Raises VaultError `seal_unknown_format` for a format this release does not know, and `seal_broken` for
    everything else that is wrong, without saying what.
    """
    place = _place("credential", tenant_id, credential_id, field, str(version), key_id)
    return _unlock(data_key, blob, place)


def canary(master: MasterKey) -> bytes:
    """Make a blob to keep beside the data, by which `check_canary` later knows the key again."""
    return _lock(master.reveal(), _CANARY, _place("canary"))


def check_canary(master: MasterKey, blob: bytes) -> None:
    """Raise VaultError `master_key_wrong` unless this is the key that made the canary."""
    try:
        _unlock(master.reveal(), blob, _place("canary"))
    except VaultError as error:
        if error.code == "seal_unknown_format":
            raise
        raise VaultError(
            "the master key is not the one the stored data was sealed with", code="master_key_wrong"
        ) from None


def _place(purpose: str, *parts: str) -> bytes:
    """Write the place down so that no two places look alike: every part goes behind its length."""
    encoded = [part.encode() for part in ("revolution-hub", purpose, *parts)]
    return bytes([_FORMAT]) + b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def _derive(key: bytes, nonce: bytes, place: bytes) -> tuple[bytes, bytes]:
    if len(key) != DATA_KEY_BYTES:
        raise _broken()
    derived = HKDF(algorithm=SHA256(), length=64, salt=nonce, info=place).derive(key)
    return derived[:32], derived[32:]


def _lock(key: bytes, plaintext: bytes, place: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    message_key, commitment = _derive(key, nonce, place)
    return bytes([_FORMAT]) + commitment + nonce + AESGCM(message_key).encrypt(nonce, plaintext, place)


def _unlock(key: bytes, blob: bytes, place: bytes) -> bytes:
    if blob and blob[0] != _FORMAT:
        raise VaultError(
            "the sealed value has a format this release does not know", code="seal_unknown_format"
        )
    if len(blob) < _SHORTEST:
        raise _broken()
    nonce = blob[_NONCE]
    message_key, commitment = _derive(key, nonce, place)
    # AES-GCM alone does not commit to its key: a crafted blob can open under two. Hence this comes first.
    if not hmac.compare_digest(commitment, blob[_COMMITMENT]):
        raise _broken()
    try:
        return AESGCM(message_key).decrypt(nonce, blob[_CIPHERTEXT], place)
    except InvalidTag:
        raise _broken() from None


def _broken() -> VaultError:
    return VaultError("a sealed value does not open", code="seal_broken")


def stamp(data_key: bytes, text: str, *, tenant_id: str, purpose: str) -> bytes:
    """Return a mark that only the holder of the key can make for this text, tenant and purpose."""
    place = _place("stamp", tenant_id, purpose)
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=place).derive(data_key)
    return hmac.digest(key, text.encode(), "sha256")


def same_stamp(one: bytes, other: bytes) -> bool:
    """Compare two stamps in constant time."""
    return hmac.compare_digest(one, other)
