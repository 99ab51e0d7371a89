"""Scaffold: the packages that `aftersales new-vertical` and `aftersales new-plugin` write; templates lie beside this file."""
