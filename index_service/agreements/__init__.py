"""Purposes, and the information sharing agreements that decide who may find whose flags."""
