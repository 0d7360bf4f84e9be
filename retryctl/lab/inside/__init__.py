"""What runs inside the function's process: Python 3.9 or later, standard library only.

The function's interpreter may be another than the lab's, without retryctl installed, so
nothing here imports the rest of the package, and ``bootstrap`` removes it from
``sys.modules`` before the handler is loaded.
"""
