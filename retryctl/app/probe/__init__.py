"""Test the assumptions about CloudWatch Logs that documentation does not settle.

The probe makes two log groups of its own, puts known events into them, and reads them back by
every call that ``retryctl`` uses. ``probe.ASSUMPTIONS`` lists a function for each assumption.
Both groups are deleted at the end, also after an error or Ctrl-C.
"""
