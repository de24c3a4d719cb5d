"""Coverage-guided fuzzing of every parser and of the verifier as a whole, with atheris (libFuzzer for Python).

A target is a function of bytes that may raise nothing but `AgentdidError`, within a second and 32 MiB, and that holds
what else is promised of what it takes (one spelling, a round trip, no forged byte accepted).

    python -m tests.fuzz                            every target, ten seconds each
    python -m tests.fuzz jws verify-token --seconds 60
    python -m tests.fuzz --list
    python -m tests.fuzz jws --reproduce FILE       one input again, without instrumentation
"""
