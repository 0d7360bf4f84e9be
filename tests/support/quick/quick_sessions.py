"""Sessions of botocore that share what is equal in all of them, in the process of the tests.

A session with two clients takes a third of the time then: models are parsed, classes of clients
made, event names resolved and handlers inspected once a process.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.hooks
import botocore.session
from botocore.client import ClientCreator

# Of these services no handler of a session changes the class of the client.
_SAME_CLASS = ("lambda", "logs", "sts")


def install() -> None:
    """Share models, classes, event names and what is known of handlers among all sessions."""
    _share_models_and_classes()
    botocore.session.create_loader = cache(botocore.session.create_loader)
    botocore.hooks.accepts_kwargs = cache(botocore.hooks.accepts_kwargs)
    usual: dict[str, str] = {}
    initialise = botocore.hooks.EventAliaser.__init__

    def with_usual_names(aliaser: Any, *arguments: Any, **options: Any) -> None:
        initialise(aliaser, *arguments, **options)
        if aliaser._event_aliases == botocore.hooks.EVENT_ALIASES:  # a copy has its own dictionary
            aliaser._alias_name_cache = usual

    vars(botocore.hooks)["EventAliaser"].__init__ = with_usual_names


def _share_models_and_classes() -> None:
    creator: Any = ClientCreator
    load_model, create_class = creator._load_service_model, creator._create_client_class
    models: dict[Any, Any] = {}
    classes: dict[Any, Any] = {}

    def usual_model(self: Any, service: str, api_version: str | None = None) -> Any:
        key = (self._loader, service, api_version)
        if key not in models:
            models[key] = load_model(self, service, api_version)
        return models[key]

    def usual_class(self: Any, service: str, model: Any) -> Any:
        if service not in _SAME_CLASS:
            return create_class(self, service, model)
        if model not in classes:
            classes[model] = create_class(self, service, model)
        return classes[model]

    creator._load_service_model = usual_model
    creator._create_client_class = usual_class
