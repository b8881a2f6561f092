from .model_loading import import_wheel as import_wheel
from .model_loading import load_model as load_model
from .paths import experiment_file as experiment_file
from .paths import nearest_project as nearest_project
from .run import Run as Run
from .run import newest as newest
from .summary import RunSummary as RunSummary
from .tiers import tiers_of_run as tiers_of_run
