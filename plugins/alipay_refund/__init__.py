"""Refunds through Alipay, and its trade bills."""
