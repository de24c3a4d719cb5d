"""Securing mechanisms: how a credential or presentation carries its proof."""
