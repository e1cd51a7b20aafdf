"""Answers with labels that people gave: what judges and hard rules are measured on."""
