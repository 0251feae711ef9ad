"""The stamp service's twin: authentication, fraud control, loyalty, attendance, customers, billing.

HTTP in front, SQL behind. Follow one press: ``api/presses.py`` → ``presses/authentication.py`` →
``shops/matching.py`` → ``fraud/checks.py`` → ``presses/decision.py`` → ``loyalty/cards.py``.
"""

from __future__ import annotations
