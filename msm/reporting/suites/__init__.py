"""The suites' part of a report: from measurements to figures, comparisons and the page's parts."""
