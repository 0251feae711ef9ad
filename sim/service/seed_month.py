"""A shop with two months behind it: members, presses and stamps on their cards, written past the service.

Rows are written as presses would have written them: fifteen thousand requests would take a minute.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from stampbench.sim.service.clock import DAY_US, HOUR_US
from stampbench.sim.service.seed import SeededMerchant
from stampbench.sim.service.service import Service
from stampbench.sim.service.tables.customers import Member
from stampbench.sim.service.tables.loyalty import Entry
from stampbench.sim.service.tables.presses import Press

MEMBERS: Final = 5_000
STOPPED, GONE, TODAY, STAMPS_TODAY = 300, 38, 130, 250
"""Of 5,000 members: stopped at 8 stamps; of these not seen for 30 days; came today; pressed by those."""
_OTHER_CARDS: Final = (1, 2, 3, 4, 5, 6, 7, 9)


def seed_month(service: Service, merchant: SeededMerchant, *, members: int = MEMBERS, seed: int = 1) -> None:
    """Give a merchant without members as many, in the proportions of the figures above.

    The program must give a coupon for more than nine stamps, and the merchant have no press yet.
    """
    rng, now_us, calendar = np.random.default_rng(seed), service.clock.now_us(), service.calendar
    stopped, gone, today, pressed_today = (
        members * count // MEMBERS for count in (STOPPED, GONE, TODAY, STAMPS_TODAY)
    )
    today_us = now_us - calendar.start_of(calendar.local(now_us).date())
    noon_us = now_us - today_us + 12 * HOUR_US
    names, presses, entries = [], [], []
    common = {"merchant_id": merchant.merchant_id}
    with service.database.write() as connection:
        first = connection.execute(sa.select(sa.func.coalesce(sa.func.max(Member.id), 0))).scalar_one() + 1
        number = connection.execute(sa.select(sa.func.coalesce(sa.func.max(Press.id), 0))).scalar_one()
        for m in range(members):
            days_ago = rng.integers(1, 30) if m >= gone else rng.integers(31, 60)
            stamps = 8 if m < stopped else int(rng.choice(_OTHER_CARDS))
            last_us = noon_us - int(days_ago) * DAY_US
            last_us += int(np.clip(rng.normal(0.0, 2.6), -9.0, 9.0) * HOUR_US)  # within that day
            comes_today = stopped <= m < stopped + today
            if comes_today:
                stamps = 2 if m - stopped < pressed_today - today else 1
                last_us = now_us - int(rng.uniform(0.02, 0.98) * min(today_us, 4 * HOUR_US))
            joined_us = last_us - 4 * DAY_US
            names.append(
                common
                | {
                    "id": first + m,
                    "pseudonym": service.pseudonyms.of(merchant.merchant_id, "member", f"member {m}"),
                    "joined_us": joined_us,
                    "joined_day": calendar.day(joined_us),
                }
            )
            store = min(int(rng.random() < 0.35), len(merchant.stores) - 1)
            stamp = next(one for one in merchant.stamps if one.store_id == merchant.stores[store].store_id)
            for k in range(stamps):
                at_us = last_us - (0 if comes_today else k // 3 * DAY_US)
                number += 1
                its: dict[str, Any] = common | {
                    "member_id": first + m,
                    "at_us": at_us,
                    "day": calendar.day(at_us),
                }
                presses.append(
                    its
                    | {
                        "id": number,
                        "store_id": stamp.store_id,
                        "stamp_id": stamp.stamp_id,
                        "key_digest": number.to_bytes(32, "big"),
                        "request_digest": bytes(32),
                        "kind": "pattern",
                        "purpose": "stamp",
                        "outcome": "accepted",
                        "reason": "ok",
                        "factor": "",
                        "value": 1,
                        "pressed_us": at_us,
                        "hour": calendar.local(at_us).hour,
                    }
                )
                entries.append(
                    its
                    | {
                        "account": "stamps",
                        "kind": "press",
                        "amount": 1,
                        "reference": f"press:{number}",
                        "press_id": number,
                    }
                )
        for table, rows in ((Member, names), (Press, presses), (Entry, entries)):
            connection.execute(sa.insert(table.columns()), rows)
        if not service.database.is_sqlite:  # numbers were given here: the sequences go on after them
            for name in ("members", "presses"):
                connection.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))"
                )
