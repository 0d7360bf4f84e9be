"""Sessions of botocore that share what is equal in all of them, in the process of the tests.

A session with two clients takes half of the time then: models are parsed, event names resolved
and handlers inspected once a process.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.hooks
import botocore.session


def install() -> None:
    """Share models, event names and what is known of handlers among all sessions."""
    botocore.session.create_loader = cache(botocore.session.create_loader)
    botocore.hooks.accepts_kwargs = cache(botocore.hooks.accepts_kwargs)
    usual: dict[str, str] = {}
    initialise = botocore.hooks.EventAliaser.__init__

    def with_usual_names(aliaser: Any, *arguments: Any, **options: Any) -> None:
        initialise(aliaser, *arguments, **options)
        if len(arguments) + len(options) == 1:  # the emitter alone, with the usual aliases
            aliaser._alias_name_cache = usual

    vars(botocore.hooks)["EventAliaser"].__init__ = with_usual_names
