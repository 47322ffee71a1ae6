"""Figures of the HTML page as SVG that needs nothing outside itself.

Colours and fonts come from the page's style sheet, by class. Each figure has a title and a description of what it
shows.
"""
