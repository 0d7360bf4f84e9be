"""The checks of ``retryctl doctor`` in the order of the answer: name -> function."""

from __future__ import annotations

from retryctl.core.doctor import caller_permissions, environments, invokers, logs, retries
from retryctl.core.doctor.facts import FunctionFacts
from retryctl.core.doctor.result import CheckFunction, DoctorReport, diagnose

CHECKS: dict[str, CheckFunction] = {
    "retries-by-qualifier": retries.same_for_every_qualifier,
    "last-branch": retries.last_branch_can_run,
    "event-age": retries.event_age_covers_the_waits,
    "failed-events-kept": retries.failed_events_are_kept,
    "failed-events-target": retries.failed_events_can_be_delivered,
    "caller-read-timeout": invokers.timeout_below_read_timeout,
    "queue-visibility": invokers.visibility_timeout_is_long_enough,
    "queue-dead-letter": invokers.queues_have_a_dead_letter_queue,
    "stream-retries": invokers.streams_stop_retrying,
    "event-sources": invokers.event_sources_are_enabled,
    "invoke-permissions": invokers.permissions_name_their_source,
    "attempts-logged": logs.attempts_are_logged,
    "counters-logged": logs.counters_are_logged,
    "log-group-class": logs.log_group_can_be_searched,
    "log-retention": logs.log_outlives_its_events,
    "log-masking": logs.log_is_not_masked,
    "request-id-index": logs.request_ids_are_indexed,
    "reserved-concurrency": environments.concurrency_allows_attempts,
    "prepared-environments": environments.environments_are_not_prepared,
    "checkable": environments.counts_can_be_checked,
    "tmp-odds": environments.retries_meet_their_own_tmp,
    "counter-version": environments.counter_copies_are_current,
    "permissions": caller_permissions.permissions_are_complete,
}


def examine(facts: FunctionFacts) -> DoctorReport:
    """Run every check."""
    diagnoses = tuple(diagnose(name, check, facts) for name, check in CHECKS.items())
    return DoctorReport(function=facts.function, diagnoses=diagnoses)
