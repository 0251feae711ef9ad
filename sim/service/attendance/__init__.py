"""Attendance: check in and out by pressing the shop's stamp; hours and wages from it."""
