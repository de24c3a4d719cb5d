"""Our documents under foreign implementations, and theirs under ours: ``python -m interop``."""
