"""The holder: keys and credentials under seal, presented and delegated."""
