"""The web application: routes and middleware, outermost first."""

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from server.accounts.errors import AccountError
from server.accounts.ports import StorageUnavailable
from server.accounts.sessions import Sessions
from server.budget.budget import Budget
from server.observe.audit import Audit
from server.presence.service import PresenceService
from server.realtime.routing import RouteWebSockets
from server.rooms.errors import CommandRefused
from server.settings import Settings
from server.transport.limits import Limits as TransportLimits
from server.web import problems
from server.web.allowance import ChargeAnswers
from server.web.caller import IdentifyCaller
from server.web.calls import Call
from server.web.guards import AddSecurityHeaders, RefuseCrossOrigin, RequireJson, TakeBody
from server.web.limits import Limits
from server.web.openapi import Description
from server.wire.problem import Problem
from server.wire.proxies import TrustProxies


def make_application(
    settings: Settings,
    limits: Limits,
    transport: TransportLimits,
    calls: Iterable[Call],
    pages: Iterable[BaseRoute],
    sockets: ASGIApp,
    *,
    sessions: Sessions,
    presence: PresenceService,
    budget: Budget,
    audit: Audit,
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]],
) -> Starlette:
    """`calls`: the API; `pages`: the files; `sockets` serves WebSockets."""
    proxies = settings.trusted_proxies
    application = Starlette(
        routes=[*Description(list(calls), limits, transport).calls, *pages],
        middleware=[
            *([Middleware(TrustProxies, proxies, audit.silent_proxy)] if proxies else []),
            Middleware(RouteWebSockets, sockets),
            Middleware(AddSecurityHeaders),
            Middleware(RefuseCrossOrigin, settings.allowed_origins, audit),
            Middleware(RequireJson, limits),
            Middleware(TakeBody, limits),
            Middleware(IdentifyCaller, sessions, presence, budget),
            Middleware(ChargeAnswers, limits, presence.clock),
        ],
        exception_handlers={
            Problem: problems.answer_problem,
            AccountError: problems.AccountProblems(audit).answer,
            StorageUnavailable: problems.StorageProblems(limits).answer,
            CommandRefused: problems.answer_refused_command,
            HTTPException: problems.answer_http_exception,
            500: problems.answer_crash,
        },
        lifespan=lifespan,
    )
    # A path with an extra slash is not found: redirecting it would count as activity.
    application.router.redirect_slashes = False
    return application
