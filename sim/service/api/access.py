"""What routes depend on: the service, who asks, and whose data they may touch."""

from __future__ import annotations

import csv
import datetime as dt
import io
import ipaddress
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from stampbench.firmware_emulator.outside import csv_cell
from stampbench.sim.service.clock import Calendar, to_datetime, to_us
from stampbench.sim.service.customers.privacy import require_member
from stampbench.sim.service.identity import Principal, Role, check_merchant, principal_of
from stampbench.sim.service.loyalty.ledger import lock_present
from stampbench.sim.service.problems import MalformedError, NotFoundError
from stampbench.sim.service.service import Service
from stampbench.sim.service.store.database import Cut, Database
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
Coordinate = Annotated[float, Field(ge=-1e5, le=1e5, allow_inf_nan=False)]
Contacts = Annotated[list[tuple[Coordinate, Coordinate]], Field(min_length=1, max_length=20)]
"""At most as many as a touchscreen reports."""

_bearer = HTTPBearer(auto_error=False, description="A key of an operator, vendor, merchant or app.")


class Body(BaseModel):
    """What a request carries: unknown fields are refused, infinities and NaN too."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


async def service_of(request: Request) -> Service:
    """Return the service that the app was made for (async, as what waits for nothing: it needs no thread)."""
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


@dataclass(slots=True)
class Access:
    """Somebody with a key, whose data it reaches, and the transaction in which that is done.

    Attributes:
        merchant_id: which merchant; 0 where the route is not about one.
        address: of the network, from which was asked; None where it says nothing.
        connection: of the route's transaction, see :class:`TransactionRouter`.
    """

    service: Service
    principal: Principal
    merchant_id: int = 0
    address: str | None = None
    connection: sa.Connection = field(init=False)

    @property
    def key_id(self) -> int:
        """The key."""
        return self.principal.key_id

    @property
    def now_us(self) -> int:
        """The service's time."""
        return self.service.clock.now_us()

    @property
    def calendar(self) -> Calendar:
        """Days where the shops are."""
        return self.service.calendar

    def member(self, name: str) -> int:
        """Return the member that the merchant calls so, made where new, and locked against erasure."""
        member_id = self.service.member(self.connection, self.merchant_id, name)
        lock_present(self.connection, member_id)
        return member_id

    def known_member(self, name: str) -> int:
        """Return the member that the merchant calls so.

        Raises:
            NotFoundError: none, or erased.
        """
        return require_member(self.connection, self.service.pseudonyms, self.merchant_id, name)


class TransactionRouter(APIRouter):
    """Runs each route in one transaction, of its argument ``access``: reading for GET, otherwise writing.

    It begins and ends in the thread of the route, so that no request holds a connection while it waits for a
    thread; an error rolls it back, and it is committed before the answer leaves.
    """

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Add a route, wrapped."""
        opened = Database.read if list(options.get("methods") or ()) == ["GET"] else Database.write

        @wraps(endpoint)
        def route(access: Access, **values: Any) -> Any:
            with opened(access.service.database) as access.connection:
                return endpoint(access=access, **values)

        super().add_api_route(path, route, **options)


def _merchant_access(*roles: Role) -> Callable[..., Access]:
    def check(request: Request, service: ServiceDep, principal: PrincipalDep, merchant_id: PathId) -> Access:
        with service.database.read() as connection:
            check_merchant(connection, principal, merchant_id)
        principal.require(*roles)
        request.state.merchant_id = merchant_id
        return Access(service, principal, merchant_id)

    return check


MerchantDep = Annotated[Access, Depends(_merchant_access(Role.MERCHANT, Role.VENDOR, Role.OPERATOR))]
"""The merchant's server, or those above it."""
AboveDep = Annotated[Access, Depends(_merchant_access(Role.VENDOR, Role.OPERATOR))]
"""Those above the merchant alone."""


async def _press_access(request: Request, service: ServiceDep, principal: PrincipalDep) -> Access:
    principal.require(Role.APP, Role.MERCHANT)
    merchant_id = principal.own_merchant()
    request.state.merchant_id = merchant_id
    return Access(service, principal, merchant_id, address_of(request))


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


def address_of(request: Request) -> str | None:
    """Return the network address of whoever asks: of IPv6 the network, as one subscriber has all of it.

    That of this machine says nothing: whoever comes through a proxy that does not tell has it.
    """
    try:
        address = ipaddress.ip_address(request.client.host if request.client is not None else "")
    except ValueError:
        return None
    if address.is_loopback:
        return None
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))


def _role_access(*roles: Role) -> Callable[..., Awaitable[Access]]:
    async def check(service: ServiceDep, principal: PrincipalDep) -> Access:
        principal.require(*roles)
        return Access(service, principal)

    return check


KeyDep = Annotated[Access, Depends(_role_access(*Role))]
"""Whoever holds a key."""
OperatorDep = Annotated[Access, Depends(_role_access(Role.OPERATOR))]
"""The operator of the service."""
KeeperDep = Annotated[Access, Depends(_role_access(Role.MERCHANT, Role.VENDOR, Role.OPERATOR))]
"""Whoever may make and withdraw keys."""


def _vendor_access(service: ServiceDep, principal: PrincipalDep, vendor_id: PathId) -> Access:
    principal.require(Role.VENDOR, Role.OPERATOR)
    found = None
    if principal.role is Role.OPERATOR:
        with service.database.read() as connection:
            found = connection.execute(sa.select(Vendor.id).where(Vendor.id == vendor_id)).first()
    if found is None and principal.vendor_id != vendor_id:
        raise NotFoundError("vendor", f"no vendor {vendor_id}")
    return Access(service, principal)


VendorDep = Annotated[Access, Depends(_vendor_access)]
"""A vendor's key for that vendor, or the operator's."""


class Page:
    """Which rows of a list are asked for, and how: the next ones are named in the header Link (RFC 8288)."""

    def __init__(
        self,
        request: Request,
        response: Response,
        after: Annotated[
            int | None, Query(ge=0, le=LARGEST_ID, description="Of the last row so far.")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=1000, description="Rows at most.")] = 1000,
    ) -> None:
        self._request, self._response = request, response
        self.cut = Cut(after, limit)

    def of(self, rows: Sequence[Mapping[str, Any]]) -> Any:
        """Return the rows as the API has them, or as CSV where that is asked for."""
        headers = {}
        told = [shown(row) for row in rows[: self.cut.limit]]
        if len(rows) > self.cut.limit:
            url = self._request.url.include_query_params(after=told[-1]["id"], limit=self.cut.limit)
            headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
        if "text/csv" in self._request.headers.get("Accept", ""):
            return Response(csv_of(told), media_type="text/csv", headers=headers)
        self._response.headers.update(headers)
        return told


PageDep = Annotated[Page, Depends()]
"""Part of a list."""


def csv_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as CSV with a line of names; what is no plain value stands as JSON."""
    file = io.StringIO()
    writer = csv.writer(file)
    names = list(rows[0]) if rows else []
    writer.writerow(names)
    for row in rows:
        values = (row[name] for name in names)
        writer.writerow(
            csv_cell(json.dumps(value) if isinstance(value, list | dict) else value) for value in values
        )
    return file.getvalue()


def moment_us(moment: dt.datetime, name: str) -> int:
    """Return microseconds since 1970.

    Raises:
        MalformedError: outside the years 2000 to 2199.
    """
    if not 2000 <= moment.year <= 2199:
        raise MalformedError(name, f"{name} {moment.isoformat()}: expected a time between 2000 and 2200")
    return to_us(moment)


def shown(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return stored columns as the API has them: times as ISO 8601 in UTC, without ``_us`` and ``_id``."""
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
