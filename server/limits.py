"""The limits of all parts: what the server allows before it refuses, sheds or cuts off.

Each part declares its own, with documented fields and defaults; `app.py` passes them in.
SECURITY.md publishes the defaults; what an operator may change is in `settings.py`.
"""

import msgspec

from server.accounts.limits import Limits as AccountLimits
from server.bots.limits import Limits as BotLimits
from server.budget.limits import Limits as BudgetLimits
from server.observe.limits import Limits as ObserveLimits
from server.ratings.limits import Limits as RatingLimits
from server.realtime.limits import Limits as RealtimeLimits
from server.rooms.limits import Limits as RoomLimits
from server.storage.limits import Limits as StorageLimits
from server.storage.sqlite.limits import SqliteLimits
from server.transport.limits import Limits as TransportLimits
from server.web.limits import Limits as WebLimits


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """One field for each part that has limits, named as its folder."""

    accounts: AccountLimits = AccountLimits()
    bots: BotLimits = BotLimits()
    budget: BudgetLimits = BudgetLimits()
    observe: ObserveLimits = ObserveLimits()
    ratings: RatingLimits = RatingLimits()
    realtime: RealtimeLimits = RealtimeLimits()
    rooms: RoomLimits = RoomLimits()
    storage: StorageLimits = StorageLimits()
    sqlite: SqliteLimits = SqliteLimits()
    transport: TransportLimits = TransportLimits()
    web: WebLimits = WebLimits()
