from . import plots as plots
from . import tables as tables
from .html import build_report as build_report
from .run_results import Results as Results
from .run_results import read_results as read_results
