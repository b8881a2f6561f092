from .data.catalog import load_sample as load_sample
from .errors import ConfigError as ConfigError
from .errors import DataError as DataError
from .errors import FitError as FitError
from .errors import InputError as InputError
from .errors import RiskmlError as RiskmlError
from .errors import RunError as RunError
from .models.classifier import RiskClassifier as RiskClassifier
from .models.family import Family as Family
from .pipeline.stages import open_run as open_run
from .pipeline.stages import run_experiment as run_experiment
from .runs.model_loading import load_model as load_model
from .runs.run import Run as Run
from .scorecard.binning.binner import OptimalBinner as OptimalBinner
from .scorecard.card.scorecard import Scorecard as Scorecard
from .scorecard.segments.scorecard import SegmentedScorecard as SegmentedScorecard

__version__: str
