"""Run a handler here as Lambda would, and yield the log events that CloudWatch would have.

Real: the handler, the runtime client, every byte that they write, exits, signals, /tmp,
durations and peak memory. Made here: the platform's records (START, END, REPORT, INIT_START,
INIT_REPORT and their JSON forms), the waits between attempts, and which execution
environment an attempt gets.
"""
