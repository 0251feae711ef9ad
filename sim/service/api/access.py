"""What routes depend on: the service, who asks, and whose data they may touch."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import Depends, Header, Path, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from stampbench.sim.service.clock import to_datetime, to_us
from stampbench.sim.service.identity import Principal, Role, check_merchant, principal_of
from stampbench.sim.service.problems import MalformedError, NotFoundError
from stampbench.sim.service.service import Service
from stampbench.sim.service.tables.tenants import Vendor

LARGEST_ID: Final = 2**63 - 1
_NO_NUL: Final = r"^[^\x00]*$"

Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
PathId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_NO_NUL)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40, pattern=_NO_NUL)]
Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000, pattern=_NO_NUL)
]
Amount = Annotated[int, Field(ge=0, le=1_000_000_000)]
Moment = Annotated[AwareDatetime, Field(description="With a time zone; between 2000 and 2200.")]
IdempotencyKey = Annotated[str, Header(min_length=8, max_length=200)]
Month = Annotated[str, Path(pattern=r"^20[0-9][0-9]-(0[1-9]|1[0-2])$")]
Day = Annotated[dt.date, Field(ge=dt.date(2000, 1, 1), le=dt.date(2199, 12, 31))]

_bearer = HTTPBearer(auto_error=False, description="A key of an operator, vendor, merchant or app.")


class Body(BaseModel):
    """What a request carries: unknown fields are refused, infinities and NaN too."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


async def service_of(request: Request) -> Service:
    """The service that the app was made for (async, as what waits for nothing: it needs no thread)."""
    service: Service = request.app.state.service
    return service


ServiceDep = Annotated[Service, Depends(service_of)]


def _principal(
    service: ServiceDep,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Principal:
    with service.database.read() as connection:
        return principal_of(connection, None if bearer is None else bearer.credentials)


PrincipalDep = Annotated[Principal, Depends(_principal)]


@dataclass(frozen=True, slots=True)
class Access:
    """Somebody with a key that reaches a merchant."""

    service: Service
    principal: Principal
    merchant_id: int

    @property
    def key_id(self) -> int:
        """The key."""
        return self.principal.key_id


def _access(*roles: Role) -> Callable[..., Access]:
    def check(request: Request, service: ServiceDep, principal: PrincipalDep, merchant_id: PathId) -> Access:
        with service.database.read() as connection:
            check_merchant(connection, principal, merchant_id)
        principal.require(*roles)
        request.state.merchant_id = merchant_id
        return Access(service, principal, merchant_id)

    return check


MerchantDep = Annotated[Access, Depends(_access(Role.MERCHANT, Role.VENDOR, Role.OPERATOR))]
"""The merchant's server, or those above it."""
AppDep = Annotated[Access, Depends(_access(Role.APP, Role.MERCHANT, Role.VENDOR, Role.OPERATOR))]
"""Apps too."""
AboveDep = Annotated[Access, Depends(_access(Role.VENDOR, Role.OPERATOR))]
"""Those above the merchant alone."""


async def _press_access(request: Request, service: ServiceDep, principal: PrincipalDep) -> Access:
    principal.require(Role.APP, Role.MERCHANT)
    merchant_id = principal.own_merchant()
    request.state.merchant_id = merchant_id
    return Access(service, principal, merchant_id)


PressDep = Annotated[Access, Depends(_press_access)]
"""An app or a merchant's server; the merchant follows from the key."""


async def _sender(
    request: Request,
    service: ServiceDep,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Access:
    text = "" if bearer is None else bearer.credentials
    principal = service.keys.find(text)
    if principal is None:
        principal = await run_in_threadpool(_principal, service, bearer)
        service.keys.note(text, principal)
    return await _press_access(request, service, principal)


SenderDep = Annotated[Access, Depends(_sender)]
"""As :data:`PressDep`, known by sight: who uses it must see that the key was not withdrawn since."""


async def _operator(principal: PrincipalDep) -> Principal:
    principal.require(Role.OPERATOR)
    return principal


OperatorDep = Annotated[Principal, Depends(_operator)]
"""The operator of the service."""


def _vendor_access(service: ServiceDep, principal: PrincipalDep, vendor_id: PathId) -> Access:
    principal.require(Role.VENDOR, Role.OPERATOR)
    found = None
    if principal.role is Role.OPERATOR:
        with service.database.read() as connection:
            found = connection.execute(sa.select(Vendor.id).where(Vendor.id == vendor_id)).first()
    if found is None and principal.vendor_id != vendor_id:
        raise NotFoundError("vendor", f"no vendor {vendor_id}")
    return Access(service, principal, 0)


VendorDep = Annotated[Access, Depends(_vendor_access)]
"""A vendor's key for that vendor, or the operator's."""


def moment_us(moment: dt.datetime, name: str) -> int:
    """Microseconds since 1970.

    Raises:
        MalformedError: outside the years 2000 to 2199.
    """
    if not 2000 <= moment.year <= 2199:
        raise MalformedError(name, f"{name} {moment.isoformat()}: expected a time between 2000 and 2200")
    return to_us(moment)


def shown(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Stored columns as the API has them: times as ISO 8601 in UTC, without ``_us`` and ``_id``."""
    answer: dict[str, Any] = {}
    for name, value in mapping.items():
        if name.endswith("_us"):
            answer[name.removesuffix("_us")] = None if value is None else to_datetime(value).isoformat()
        elif isinstance(value, Mapping):
            answer[name] = shown(value)
        elif isinstance(value, list):
            answer[name] = [shown(item) if isinstance(item, Mapping) else item for item in value]
        else:
            answer[name.removesuffix("_id")] = value
    return answer
