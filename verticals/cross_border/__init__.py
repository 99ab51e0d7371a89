"""Goods from across a border 跨境商品."""
