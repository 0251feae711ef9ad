"""A merchant's patterns for its offline apps: one merchant, signed, for a while."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any, Final

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from stampbench.sim.service.clock import HOUR_US, SECOND_US
from stampbench.sim.service.problems import MalformedError
from stampbench.sim.service.tables.tenants import Stamp

_ALGORITHM: Final = "Ed25519"


class BundleSigner:
    """Signs bundles (JWS, RFC 7515, with Ed25519, RFC 9864); the key follows from the service's secret."""

    def __init__(self, secret: bytes) -> None:
        seed = hashlib.sha256(b"bundle:" + secret).digest()
        public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        jwk: dict[str, str | list[str]] = {
            "kty": "OKP",
            "crv": "Ed25519",
            "d": _base64url(seed),
            "x": _base64url(public),
        }
        self._key = OKPKey.import_key(jwk)

    @property
    def public_key(self) -> dict[str, Any]:
        """With which apps check bundles, as a JWK."""
        return dict(self._key.as_dict(private=False))

    def sign(self, content: dict[str, Any]) -> str:
        """Return the content as a compact JWS."""
        return jws.serialize_compact(
            {"alg": _ALGORITHM}, json.dumps(content).encode(), self._key, algorithms=[_ALGORITHM]
        )

    def open(self, text: str) -> dict[str, Any]:
        """Return the content of a bundle that was signed here.

        Raises:
            MalformedError: it was not.
        """
        try:
            payload = jws.deserialize_compact(text, self._key, algorithms=[_ALGORITHM]).payload
        except (JoseError, ValueError):
            raise MalformedError("bundle", "the bundle was not signed by this service") from None
        content: dict[str, Any] = json.loads(payload)
        return content


def bundle_of(connection: sa.Connection, merchant_id: int, *, now_us: int, hours: int) -> dict[str, Any]:
    """Return the patterns of one merchant's active stamps, and until when they are good."""
    rows = connection.execute(
        sa.select(Stamp.serial, Stamp.pads)
        .where(Stamp.merchant_id == merchant_id, Stamp.state == "active")
        .order_by(Stamp.id)
    )
    return {
        "merchant": merchant_id,
        "iat": now_us // SECOND_US,
        "exp": (now_us + hours * HOUR_US) // SECOND_US,
        "stamps": [{"serial": row.serial, "pads_mm": json.loads(row.pads)} for row in rows],
    }


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
