"""The bulk engine: saved logs of any size, read in bounded memory by several processes.

Theory of operation
-------------------

::

    files ──split──▶ chunks ──scan (map)──▶ fragments   ──stitch──▶ streams
                       │                    attempts                   │
             blocks of canonical lines         │                       │
                       │                       ▼                       ▼
              survey: which streams      shuffle store, partitioned by request ID
              mention these IDs?               │
                                               ▼
                              reduce: attempts ──▶ checked requests, one partition at a time

A *chunk* is a file or a stretch of one (``chunks``). Every format of ``sources.saved`` turns a
chunk into blocks of *canonical lines* (``chunk_blocks``): JSON lines in one layout, which is
recognised in bytes (``line_layout``). Chunks are scanned independently, in several processes
(``workers``). ``chunk_tasks`` has both passes over the chunks: the scan, and the survey.

The *scan* (``line_scanner``) deals the lines of blocks out to their streams (``stream_batch``).
The first bytes of a message show its kind (``line_kinds``): of most lines, that it has no
consequence. Such lines are classified many at a time and only held; the others are read one by
one (``attempt_builder``). Where the layout of a block is unusual or a stream is not in order, each
line is read by itself. Where the events of another format can be read in columns, only those that
may have consequences, and those beside them that are held, are made canonical lines.

Most attempts are alike: an attempt without its IDs, times and figures is its *template*
(``attempt_templates``). The core parses the first attempt of each template; of the others only the
figures are kept, packed (``compact_attempts``). Ordinary attempts (START, lines without
consequence, END, REPORT) are read by one pattern, as many as follow one another. Lambda's records
in the JSON format are parsed once for each form (``platform_lines``). An attempt without a known
template goes to the core line by line. Both ways use one set of rules.

Logs Insights does not keep the order of lines of one millisecond, which are *ties*. In its exports,
a scan puts them in order before it reads them (``ties``): most stand so already, or their first
bytes give it, and the core settles the others. It does so where the lines of a stream come in order
of time; a stream that is newest first, or in several files, is out of order.

What a scan found goes to the *shuffle* store (``shuffle``), a temporary file (``spill_file``):
attempts dealt out to partitions by request ID, fragments to *shares* of the streams. When all
chunks are scanned, the fragments of each stream are *stitched* (``stitched_streams``), a share at a
time and in several processes (``stitch_tasks``); here the first and the last attempts of streams
are packed too (``packed_ends``). The *reduce* step (``reduction``) takes one partition at a time:
it groups attempts by request and has the core check them. ``partition_tasks`` runs it for all
partitions, in several processes. Where requests are only counted or listed, the core checks the
first of each *form* (``request_forms``).

With request IDs, a *survey* (``id_survey``) is the prefilter: it finds the IDs in the bytes, and
sorts the events of each block as they stand (``raw_blocks``), which shows their number, times and
streams. Its index of blocks then gives the stretches of each file that have lines of the streams
with one of the IDs: only these are read again and scanned. In a gzip file a checkpoint leads to
each stretch (``gzip_members``). A survey also finds IDs that differ from a mistyped one in one or
two characters (``sources.saved.near_ids``). Requests that are shown keep the events of their
attempts. ``reader`` puts all of this together.

The states of one stream
------------------------

A *fragment* (``stream_state``) is what one scan read of one stream, in order of time. Its state
is the lines that it holds and the attempt that is open::

              lines before START                      lines of the attempt
                  ┌────┐                                  ┌────┐
                  │    ▼      START                       │    ▼
        start ──▶ between ─────────────────────────────▶ open
                     ▲                                     │ REPORT
                     │    next START closes the attempt    ▼
                     └───────────────────────────────── closed ◀── late lines
                          (a cut: what was held is final)

The lines before the first cut are the fragment's *head*, those after the last cut its *tail*:
they may belong to attempts that the neighbouring fragments began or ended, and are read together
with them. A cut in the middle is confirmed by the core, or the fragment goes on holding its lines.

A line that is older than the one before it begins a new fragment. A stream with many fragments in
one chunk, with fragments that overlap, or with cuts that do not hold is *out of order*: its events
are read once more and sorted as a whole. A line that looks canonical and is not an event is
*malformed*: its file is read once more, to name the line.
"""
